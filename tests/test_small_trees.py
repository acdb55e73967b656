"""Small trees: grown from weighted rows, and printed as rules, as Python, as TikZ and as a figure."""

import re
import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np
import pytest
from core_helpers import rows_at_thresholds, training_rows
from matplotlib.patches import Rectangle
from overlap_helpers import overlaps
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from udrl_explain import policy_from_estimator
from udrl_explain.commands import CommandScale
from udrl_explain.figures.small_tree import plot_small_tree
from udrl_explain.figures.style import figure_of, page_height, paper_style
from udrl_explain.policies import ForestPolicy
from udrl_explain.printing.latex import tree_latex
from udrl_explain.printing.rules import tree_python, tree_rules
from udrl_explain.printing.small_trees import COLUMNS, tree_frame
from udrl_explain.trees.growing import grow_tree, rounded_thresholds

NAMES = ("cart_position", "cart_velocity", "pole_angle", "pole_angular_velocity", "desired_return", "desired_horizon")


def tree_of(max_leaves=12, digits=3, seed=0, scale=CommandScale(), names=NAMES):
    rows, actions = training_rows(600, actions=(0, 1, 2), seed=seed)
    weights = np.random.default_rng(seed).uniform(0.1, 1, size=len(rows))
    scaled = scale.apply(rows)
    forest = grow_tree(scaled, actions, weights, 3, max_leaves, digits=digits, seed=seed)
    return (
        ForestPolicy(forest, scale, feature_names=names, action_names=("left", "still", "right")),
        rows,
        actions,
        weights,
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_unrounded_tree_acts_as_scikit_learns_and_no_test_is_without_a_say(seed):
    policy, rows, actions, weights = tree_of(digits=None, seed=seed)
    theirs = DecisionTreeClassifier(max_leaf_nodes=12, random_state=seed).fit(rows.astype(np.float32), actions, weights)
    other = np.random.default_rng(9).normal(size=(3000, 6)) * rows.std(axis=0) + rows.mean(axis=0)
    assert policy.action_probabilities(other).argmax(axis=1).tolist() == theirs.predict(other).tolist()
    forest = policy.forest
    for node in np.flatnonzero(~forest.is_leaf):
        children = [forest.children_left[node], forest.children_right[node]]
        if forest.is_leaf[children].all():
            assert len(set(forest.value[children].argmax(axis=1))) == 2


def test_a_rounded_tree_says_what_its_rows_weigh_under_the_rounded_tests():
    policy, rows, actions, weights = tree_of(digits=1)
    forest = policy.forest
    inner = ~forest.is_leaf
    decimals = -np.floor(np.log10(rows.std(axis=0))).astype(int)[forest.feature[inner]]
    assert all(round(t, int(d)) == t for t, d in zip(forest.threshold[inner], decimals, strict=True))
    leaf = forest.leaves(policy.tree_inputs(rows))[:, 0]
    for node in np.flatnonzero(forest.is_leaf):
        own = np.bincount(actions[leaf == node], weights[leaf == node], minlength=3)
        assert np.allclose(forest.value[node], own / own.sum(), atol=1e-12)
        assert forest.cover[node] == pytest.approx(own.sum())


def test_thresholds_are_rounded_to_digits_of_their_spread():
    rounded = rounded_thresholds(np.array([0.012345, 123.456, -7.0]), np.array([0.05, 50.0, 0.0]), 3)
    assert rounded.tolist() == [0.0123, 123.5, -7.0]


@pytest.mark.parametrize("scale", [CommandScale(), CommandScale(0.02, 0.3)])
def test_the_python_function_agrees_with_the_tree_on_a_hundred_thousand_rows_and_at_every_edge(scale):
    policy, rows, _, _ = tree_of(max_leaves=40, scale=scale)
    generator = np.random.default_rng(1)
    many = generator.normal(size=(100_000, 6)) * rows.std(axis=0) + rows.mean(axis=0)
    edges = rows_at_thresholds(policy.forest)
    edges[:, -2:] /= [scale.return_scale, scale.horizon_scale]
    space = {}
    exec(tree_python(policy, "act"), space)
    for asked in (many, edges):
        said = [space["act"](*row) for row in asked.tolist()]
        assert said == policy.action_probabilities(asked).argmax(axis=1).tolist()


def test_names_that_python_cannot_take_are_made_ones_it_can():
    names = ("x dot", "x-dot", "class", "2nd", *NAMES[-2:])
    policy, rows, _, _ = tree_of(names=names)
    source = tree_python(policy)
    assert "def policy(x_dot, x_dot_2, input_class, input_2nd, desired_return, desired_horizon):" in source
    space = {}
    exec(source, space)
    assert space["policy"](*rows[0]) == policy.action_probabilities(rows[:1]).argmax()
    with pytest.raises(ValueError, match="Python identifier"):
        tree_python(policy, "a b")


def test_the_table_has_a_line_per_node_and_shares_add_up():
    policy, rows, _, _ = tree_of()
    frame = tree_frame(policy, rows)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == policy.forest.n_nodes
    leaves = frame[frame["is_leaf"]]
    assert leaves["share"].sum() == pytest.approx(1)
    for _, line in frame[~frame["is_leaf"]].iterrows():
        children = frame[frame["parent"] == line["node"]]
        assert children["branch"].tolist() == ["yes", "no"]
        assert children["share"].sum() == pytest.approx(line["share"])
        assert line["is_command"] == line["feature"].startswith("desired")
        said_yes = (rows[:, NAMES.index(line["feature"])].astype(np.float32) <= line["threshold"]).mean()
        if line["depth"] == 0:
            assert children["share"].iloc[0] == pytest.approx(said_yes)
    assert tree_frame(policy)["share"].isna().all()


def test_rules_hold_every_test_with_its_unit_and_every_leaf_with_its_share():
    policy, rows, _, _ = tree_of()
    text = tree_rules(policy, rows).splitlines()
    frame = tree_frame(policy, rows)
    assert len(text) == len(frame)
    for line, node in zip(text, frame.to_dict("records"), strict=True):
        assert len(line) - len(line.lstrip()) == 4 * node["depth"]
        if node["is_leaf"]:
            assert f"{node['action_name']}  [{100 * node['share']:.1f} % of visited states]" in line
        else:
            assert ("(command)" in line) == node["is_command"]
            assert float(re.search(r"<= (\S+?)(?:\?| )", line)[1]) == node["threshold"]
            assert node["unit"] in line


def test_the_picture_for_latex_has_a_node_per_line_and_closes_what_it_opens():
    policy, rows, _, _ = tree_of()
    source = tree_latex(policy, rows, provenance={"run": "sha256:1"})
    assert source.count("\\node ") == policy.forest.n_nodes
    assert source.count("rectangle") == policy.forest.is_leaf.sum()
    assert source.count("{") == source.count("}")
    assert source.startswith("% run: sha256:1")
    assert all(ord(letter) < 128 for letter in source)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex found: the source is only read, not set")
def test_pdflatex_sets_the_picture(tmp_path):
    policy, rows, _, _ = tree_of()
    text = "\\documentclass{article}\\usepackage{tikz}\\begin{document}\n%s\\end{document}\n"
    (tmp_path / "main.tex").write_text(text % tree_latex(policy, rows), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("style", ["icml", "text", "slides"])
def test_the_drawing_fits_its_column_and_its_bars_are_the_shares(style):
    policy, rows, _, _ = tree_of(max_leaves=16)
    frame = tree_frame(policy, rows)
    with paper_style(style):
        ax = plot_small_tree(frame)
        figure = figure_of(ax)
        figure.canvas.draw()
        bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        shares = frame.loc[frame["is_leaf"], "share"].to_numpy()
        widths = np.array([bar.get_width() for bar in bars])
        assert np.allclose(widths / widths.sum(), shares)
        assert overlaps(figure) == []
        assert figure.get_figheight() <= page_height()
        assert min(text.get_fontsize() for text in ax.texts) >= 6.2
        wide = figure.bbox.width
        assert all(text.get_window_extent().x1 <= wide for text in ax.texts)
        commands = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
        assert len(commands) == frame["is_command"].sum()
        plt.close(figure)


def test_what_cannot_be_printed_is_refused():
    rows, actions = training_rows(200)
    forest = policy_from_estimator(RandomForestClassifier(3, random_state=0).fit(rows, actions), 2)
    with pytest.raises(ValueError, match="only a policy of a single tree"):
        tree_rules(forest)
    policy, rows, _, _ = tree_of(max_leaves=80)
    with pytest.raises(ValueError, match="does not fit on a page"), paper_style("icml"):
        plot_small_tree(tree_frame(policy, rows))
    plt.close("all")
