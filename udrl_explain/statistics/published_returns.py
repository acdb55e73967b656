"""Final returns that the paper published (Cardenas-Cartagena et al., arXiv 2411.11457), to stand beside our own.

Only the nine figures that we could read are here; the paper's full table holds more estimators.
"""

from dataclasses import dataclass

SOURCE = "arXiv 2411.11457"
_FOREST = "ensemble.RandomForestClassifier"
_EXTRA_TREES = "ensemble.ExtraTreesClassifier"
_BOOSTING = "ensemble.GradientBoostingClassifier"
_NEURAL = "neural"

# (environment, estimator): mean and standard deviation of the final return, in reward.
_RETURNS = {
    ("CartPole-v0", _NEURAL): (199.93, 0.255),
    ("CartPole-v0", _FOREST): (188.25, 13.82),
    ("CartPole-v0", _BOOSTING): (199.27, 4.06),
    ("Acrobot-v1", _NEURAL): (-75.00, 15.36),
    ("Acrobot-v1", _FOREST): (-100.05, 62.80),
    ("Acrobot-v1", _EXTRA_TREES): (-100.00, 93.72),
    ("LunarLander-v2", _FOREST): (-54.74, 96.22),
    ("LunarLander-v2", _BOOSTING): (-76.96, 89.69),
    ("LunarLander-v2", _NEURAL): (-157.04, 71.26),
}
_SUCCESSOR = {"LunarLander-v3": "LunarLander-v2"}
_COMMANDS = {"CartPole-v0": (200.0, 200.0)}


@dataclass(frozen=True)
class PublishedReturn:
    """One published figure.

    Parameters
    ----------
    env_name : str
        Environment of the publication.
    mean, std : float
        In reward.
    source : str
    note : str
        What to know before comparing; may be empty.
    """

    env_name: str
    mean: float
    std: float
    source: str
    note: str


def published_return(
    env_name: str, estimator_name: str, command: tuple[float, float] | None = None
) -> PublishedReturn | None:
    """Find what the paper reports for an estimator in an environment.

    Parameters
    ----------
    env_name : str
        For LunarLander-v3 the figure of v2 is given, and the note says so.
    estimator_name : str
        As in a config: ``module.Class`` or ``neural``.
    command : (float, float), optional
        Desired return and horizon of the figure that stands beside it; the note says where the published one had
        another command.

    Returns
    -------
    PublishedReturn or None
        None where nothing is known.
    """
    original = _SUCCESSOR.get(env_name, env_name)
    if (original, estimator_name) not in _RETURNS:
        return None
    mean, std = _RETURNS[original, estimator_name]
    notes = []
    if original != env_name:
        notes.append(f"published for {original}, which no longer exists; {env_name} differs, so not the same task")
    if estimator_name == _BOOSTING:
        notes.append("called XGBoost in the paper, made with scikit-learn's GradientBoostingClassifier")
    if estimator_name == _NEURAL:
        notes.append("the paper's net is another architecture (gated, PyTorch)")
    if original in _COMMANDS and command is not None and command != _COMMANDS[original]:
        notes.append("published at command {:g} / {:g}".format(*_COMMANDS[original]))
    return PublishedReturn(original, mean, std, SOURCE, "; ".join(notes))
