"""Words of figures find their room."""

import matplotlib.pyplot as plt
import pytest

from udrl_explain.figures.lettering import set_label, text_points

WORDS = "a label of many words, which is about as long as it is dull"


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_label_is_broken_where_it_is_longer_than_its_share_of_that_side_of_the_figure(name):
    length = text_points(WORDS, "axes.labelsize") / 72
    for side, share, whole in ((2 * length, 0.51, True), (2 * length, 0.49, False), (length / 2, 0.51, False)):
        other = 5 * length  # the other side would hold it in either case
        figure, ax = plt.subplots(figsize=(side, other) if name == "x" else (other, side))
        axis = {"x": ax.xaxis, "y": ax.yaxis}[name]
        set_label(axis, WORDS, share)
        lines = axis.label.get_text().split("\n")
        plt.close(figure)
        assert " ".join(lines) == WORDS
        assert (len(lines) == 1) == whole
        assert all(text_points(line, "axes.labelsize") <= 72 * side * share for line in lines)
