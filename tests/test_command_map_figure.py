import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from command_plane_helpers import EDGE_30, EDGE_40, corner_policy, forest_policy
from core_helpers import AVERAGED, scaled, training_rows
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from test_command_map import sloped_policy

from udrl_explain.analysis.command_map import command_map
from udrl_explain.figures.command_map import plot_command_map
from udrl_explain.figures.style import ACTION_HATCHES, paper_style
from udrl_explain.policies import policy_from_estimator


def as_csv(frame):
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def corner(**options):
    return command_map(replace(corner_policy(), action_names=("wait", "go")), [0.0], (0, 100), (0, 50), **options)


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def filled(ax):
    """The filled layers, by action: those with a colour, in the order of the actions."""
    return [c for c in ax.collections if isinstance(c, PolyCollection) and len(c.get_facecolor())]


def test_every_command_is_filled_with_its_actions_colour():
    inputs, actions = training_rows(actions=(0, 1, 2))
    policy = policy_from_estimator(AVERAGED["random forest"]().fit(scaled(inputs, 0.02, 0.02), actions), 3, 0.02, 0.02)
    result = command_map(policy, inputs[2, :-2], (0, 200), (1, 200))
    ax = plot_command_map(as_csv(result.to_frame()))
    layers = dict(zip(sorted(np.unique(result.actions)), filled(ax), strict=True))
    assert len(layers) > 1
    assert len({tuple(layer.get_facecolor()[0]) for layer in layers.values()}) == len(layers)
    for r, h in np.random.default_rng(0).uniform([0, 1], 200, size=(50, 2)):
        holders = [a for a, layer in layers.items() if any(p.contains_point((r, h)) for p in layer.get_paths())]
        assert holders == [result.action_at(r, h)]


def test_hatches_repeat_the_colours():
    ax = plot_command_map(as_csv(corner().to_frame()))
    hatched = [c for c in ax.collections if c.get_hatch()]
    assert [c.get_hatch() for c in hatched] == [ACTION_HATCHES[1]]
    assert [patch.get_hatch() or "" for patch in ax.get_legend().get_patches()] == list(ACTION_HATCHES[:2])


def test_borders_run_between_the_regions_only():
    ax = plot_command_map(as_csv(corner().to_frame()))
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    drawn = {tuple(map(tuple, segment)) for segment in lines.get_segments()}
    assert drawn == {((EDGE_40, 0.0), (EDGE_40, EDGE_30)), ((EDGE_40, EDGE_30), (100.0, EDGE_30))}


def test_axes_and_legend_say_what_they_show():
    ax = plot_command_map(as_csv(corner().to_frame()))
    assert ax.get_xlabel() == "desired return (reward)"
    assert ax.get_ylabel() == "desired horizon (steps)"
    assert legend_of(ax) == ["wait", "go"]
    assert ax.get_xlim() == (0, 100)
    assert ax.get_ylim() == (0, 50)


def test_the_nearest_change_is_an_arrow_from_the_present_command():
    result = corner()
    ax = plot_command_map(as_csv(result.to_frame()), nearest=as_csv(result.nearest_frame((60.0, 20.0), (10.0, 10.0))))
    (arrow,) = ax.texts
    assert arrow.xyann == (60.0, 20.0)
    assert arrow.xy == (60.0, np.nextafter(EDGE_30, np.inf))
    target, along, other, ring = ax.lines
    assert target.get_xydata().tolist() == [list(arrow.xy)], "a change smaller than the ring must be visible"
    assert target.get_zorder() > ring.get_zorder()
    assert along.get_xydata().tolist() == [[60.0, 20.0], [EDGE_40, 20.0]]
    assert other.get_xydata().tolist() == [[60.0, 20.0], [60.0, np.nextafter(EDGE_30, np.inf)]]
    assert ring.get_xydata().tolist() == [[60.0, 20.0]]
    assert legend_of(ax) == ["wait", "go", "nearest change", "one command alone", "present command"]


def test_without_a_flip_there_is_no_arrow():
    result = command_map(forest_policy([[1.0, 0.0]]), [0.0], (0, 100), (0, 50))
    ax = plot_command_map(as_csv(result.to_frame()), nearest=as_csv(result.nearest_frame((6.0, 2.0), (1.0, 1.0))))
    assert not ax.texts
    assert legend_of(ax) == ["action 0", "present command"]
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[6.0, 2.0]]]


def test_training_commands_are_faint_points_inside_the_plane():
    support = pd.DataFrame({"desired_return": [10.0, 90.0, 500.0], "desired_horizon": [5.0, 40.0, 20.0]})
    ax = plot_command_map(as_csv(corner().to_frame()), support=support, command=(30.0, 20.0))
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection))
    assert points.get_offsets().tolist() == support.to_numpy().tolist()
    assert points.get_rasterized()
    assert points.get_alpha() < 0.5
    assert ax.get_xlim() == (0, 100)
    assert legend_of(ax) == ["wait", "go", "training commands", "present command"]


def test_a_grid_is_called_not_exact():
    result = command_map(sloped_policy(), [0.0], (0, 100), (1, 101), grid=(4, 5))
    ax = plot_command_map(as_csv(result.to_frame()))
    assert legend_of(ax)[-1] == "not exact: grid of 4 x 5 commands"
    assert not any("exact" in text for text in legend_of(plot_command_map(as_csv(corner().to_frame()))))


@pytest.mark.parametrize("style", ["icml", "full"])
def test_legend_and_labels_keep_off_the_plane(style):
    result = corner()
    with paper_style(style):
        ax = plot_command_map(as_csv(result.to_frame()), nearest=as_csv(result.nearest_frame((60, 20), (9, 9))))
        ax.figure.canvas.draw()
    plane, legend = ax.get_window_extent(), ax.get_legend().get_window_extent()
    assert legend.y0 >= plane.y1
    assert legend.x0 >= 0
    assert legend.y1 <= ax.figure.bbox.y1
    assert plane.width > 0.6 * ax.figure.bbox.width


def test_the_axes_given_are_used():
    _, axes = plt.subplots(1, 2)
    assert plot_command_map(as_csv(corner().to_frame()), ax=axes[1]) is axes[1]
    assert not axes[0].collections


def test_an_empty_frame_is_refused():
    with pytest.raises(ValueError, match="at least one rectangle"):
        plot_command_map(corner().to_frame().iloc[:0])


def test_hatches_do_not_run_along_the_training_diagonal():
    """In CartPole return equals horizon, in Acrobot it falls with it: slanted hatches looked like training commands."""
    assert not any("/" in hatch or "\\" in hatch for hatch in ACTION_HATCHES)


def test_a_nearest_change_that_may_lie_outside_says_so():
    result = corner()
    nearest = as_csv(result.nearest_frame((60.0, 20.0), (10.0, 10.0)))
    assert nearest["disc_in_plane"][0]
    far = nearest.assign(disc_in_plane=False)
    assert "nearest change in this plane" in legend_of(plot_command_map(as_csv(result.to_frame()), nearest=far))
