"""The control of a sanity check: what the same estimator becomes when its actions mean nothing."""

from dataclasses import replace

import numpy as np

from udrl_explain.config import NEURAL
from udrl_explain.environments import EnvironmentNames
from udrl_explain.policies import Policy
from udrl_explain.runs.run import Run
from udrl_explain.training.learners import Learner, make_estimator

N_TREES = 20
N_PASSES = 100


def permuted_policy(run: Run, *, n_trees: int = N_TREES, seed: int = 0) -> Policy:
    """Fit a run's estimator anew on the rows of its last fit, their actions permuted among the rows.

    Every input keeps its distribution and every action its share; what links them is gone. An explanation that stays
    the same for this policy does not depend on what the policy learned: the data randomisation test of Adebayo et al.
    (2018), "Sanity checks for saliency maps", section 4.

    Parameters
    ----------
    run : Run
        With the rows of its last fit.
    n_trees : int
        Of an ensemble at most: random labels grow deep trees, and few of them do for a control.
    seed : int
        Of the permutation and of the fit.

    Returns
    -------
    Policy
        Of the same kind, inputs and actions. A net goes over the rows :data:`N_PASSES` times.

    Raises
    ------
    ValueError
        If the run stored no rows, or its estimator cannot be made here.
    """
    if len(run.training_inputs) == 0:
        raise ValueError(f"{run.directory}: there are no training rows to permute the actions of")
    random = np.random.default_rng(seed)
    actions = random.permutation(run.training_actions)
    config = run.config
    arguments = list((config.final_arguments if config.final_policy == "refit" else config.estimator_arguments) or ())
    usual = make_estimator(config.estimator_name).get_params()
    if "n_estimators" in usual:
        own = [int(text.partition("=")[2]) for text in arguments if text.startswith("n_estimators=")]
        few = min(n_trees, own[0] if own else int(usual["n_estimators"]))
        arguments = [text for text in arguments if not text.startswith("n_estimators=")] + [f"n_estimators={few}"]
    names = EnvironmentNames(run.feature_names, run.action_names)
    if config.estimator_name == NEURAL:
        config = replace(config, rows_per_episode=0, batch_size=0)  # scikit-learn's own: at most 200 rows a step
    learner = Learner(config, names, random, arguments)
    for _ in range(N_PASSES if config.estimator_name == NEURAL else 1):
        policy = learner.fit(run.training_inputs, actions)
    return policy
