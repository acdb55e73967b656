"""Shapley values of a policy's outputs, exact wherever that is possible.

``attribute`` (values) and ``attribute_pairs`` (interactions of pairs) choose the engine:

- averaged forests: tables over the cells of their leaves' boxes (``leaf_boxes``, ``leaf_groups``, ``leaf_tables``,
  ``group_tables``, ``lane_kernel``, ``forest_games``), for the path-dependent and for the interventional game;
  boosted forests too when their raw score is asked for;
- every other policy of up to 12 inputs: all coalitions of inputs against all background rows, its outputs asked for
  (``enumeration``) or, for the probabilities of boosted forests, had from their leaves' boxes (``boosted_coalitions``);
- any policy, on request: sampled permutations with their standard error (``permutations``).

Nothing here names features or actions, draws or stores; ``udrl_explain.analysis`` does that.
"""

from udrl_explain.attributions.dispatch import attribute, attribute_pairs
from udrl_explain.attributions.results import Attributions, PairAttributions
from udrl_explain.attributions.worths import Coalitions, coalitions

__all__ = ["Attributions", "Coalitions", "PairAttributions", "attribute", "attribute_pairs", "coalitions"]
