"""What a policy is, and its kinds: tree ensembles and nets held as arrays, any other classifier or function as it is.

A policy takes input rows in natural units and gives one probability per environment action. Ties go to the lowest
action.
"""

from udrl_explain.policies.callable_policy import CallablePolicy, policy_from_callable
from udrl_explain.policies.estimator_policy import EstimatorPolicy
from udrl_explain.policies.forest_policy import FLOAT32_MAX, ForestPolicy, is_mean_of_trees
from udrl_explain.policies.from_estimator import policy_from_estimator
from udrl_explain.policies.neural_policy import NeuralPolicy
from udrl_explain.policies.protocol import GivesProbabilities, Policy, checked_policy, greedy_actions, with_command

__all__ = [
    "FLOAT32_MAX",
    "CallablePolicy",
    "EstimatorPolicy",
    "ForestPolicy",
    "GivesProbabilities",
    "NeuralPolicy",
    "Policy",
    "checked_policy",
    "greedy_actions",
    "is_mean_of_trees",
    "policy_from_callable",
    "policy_from_estimator",
    "with_command",
]
