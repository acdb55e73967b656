"""Short readable names of estimators, for legends and tables."""

import re

_LABELS = {
    "neural": "neural net",
    "RandomForestClassifier": "random forest",
    "ExtraTreesClassifier": "extra trees",
    "GradientBoostingClassifier": "gradient boosting",
    "HistGradientBoostingClassifier": "histogram gradient boosting",
    "AdaBoostClassifier": "AdaBoost",
    "KNeighborsClassifier": "k nearest neighbours",
    "SVC": "support vector machine",
    "DecisionTreeClassifier": "decision tree",
    "ExtraTreeClassifier": "extra tree",
    "MLPClassifier": "multilayer perceptron",
}


def estimator_label(estimator_name: str) -> str:
    """Return a readable name: ``ensemble.RandomForestClassifier`` is ``random forest``.

    A class not known here is called by the words of its name: ``x.RidgeClassifierCV`` is ``ridge classifier CV``.
    """
    name = estimator_name.rsplit(".", 1)[-1]
    if name in _LABELS:
        return _LABELS[name]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", name)
    return " ".join(word if word.isupper() else word.lower() for word in words) or estimator_name
