"""Findings say what the tables carry and no more; each case is made so that the right words are known."""

import numpy as np
import pandas as pd
import pytest

from udrl_explain.report.findings import (
    action_shares,
    faithfulness,
    final_returns,
    importance,
    obedience,
    performance,
    response,
    seeds,
    shapley,
    stability,
)
from udrl_explain.report.findings.finding import listed, number, percent, told
from udrl_explain.report.findings.registry import FINDERS, find
from udrl_explain.report.findings.tables import ReportTables
from udrl_explain.tables import write_csv

NAN = float("nan")


@pytest.fixture
def report(tmp_path):
    """Write tables and give them as findings read them; forest and net are the experiments."""

    def written(**tables):
        for stem, rows in tables.items():
            write_csv(pd.DataFrame(rows), tmp_path / f"{stem.replace('__', '-')}.csv")
        return ReportTables(tmp_path, {"forest": "forest", "net": "net"})

    return written


def returned(label, mean, low, high, **others):
    row = {
        "label": label, "mean": mean, "std": 10.0, "low": low, "high": high, "n_seeds": 3, "n_episodes": 300,
        "random_mean": 20.0, "random_std": 9.0, "published_mean": NAN, "published_std": NAN, "published_source": "",
    }  # fmt: skip
    return row | others


def test_returns_stand_beside_a_random_policy_and_the_published_figure(report):
    published = {"published_mean": 188.25, "published_std": 13.82, "published_source": "arXiv 1, A-v0"}
    tables = report(
        final_returns=[returned("forest", 199.6, 198.57, 200.65, **published), returned("net", 200, NAN, NAN)]
    )
    (finding,) = final_returns.findings(tables)
    assert finding.answer == "Forest and net get more than a random policy."
    assert "forest 199.6 (198.6 to 200.7; 3 seeds); net 200.0 (the same in 3 seeds)" in finding.evidence
    assert "at random get 20.0" in finding.evidence
    assert "Published (arXiv 1, A-v0): forest 188.2 ± 13.8." in finding.evidence
    assert (finding.anchor, finding.is_warning) == ("final-returns", False)


def test_an_interval_that_reaches_the_random_policy_is_a_warning(report):
    tables = report(final_returns=[returned("forest", 50.0, 19.0, 81.0), returned("net", 50.0, 21.0, 79.0)])
    (finding,) = final_returns.findings(tables)
    assert finding.answer == "Net gets more than a random policy; forest cannot be told from a random policy."
    assert finding.is_warning


@pytest.mark.parametrize(("std", "beats"), [(40.0, True), (60.0, False)])
def test_one_seed_is_judged_by_its_episodes(report, std, beats):
    row = returned("forest", 30.0, NAN, NAN, n_seeds=1, std=std, n_episodes=100)
    assert final_returns.beats_random(row) is beats  # 30 less two standard errors: 22 or 18 against 20
    (finding,) = final_returns.findings(report(final_returns=[row]))
    assert "forest 30.0 (one seed, so no interval)" in finding.evidence


def test_where_no_random_policy_was_measured_nothing_is_claimed(report):
    tables = report(final_returns=[returned("forest", 50.0, 19.0, 81.0, random_mean=NAN, random_std=NAN)])
    (finding,) = final_returns.findings(tables)
    assert "more than" not in finding.text
    assert final_returns.findings(report(final_returns=[returned("forest", NAN, NAN, NAN)])) == []


def shares(label, *of_actions, n_degenerate=0, n_seeds=3):
    most = int(np.argmax(of_actions))
    return [
        {
            "label": label, "action": action, "action_name": f"act {action}", "share": share,
            "n_degenerate": n_degenerate if action == most else 0, "n_seeds": n_seeds,
        }
        for action, share in enumerate(of_actions)
    ]  # fmt: skip


def test_degenerate_policies_are_called_so(report):
    tables = report(action_shares=[*shares("forest", 0.5, 0.5), *shares("net", 0.9, 0.1)])
    (finding,) = action_shares.findings(tables)
    assert finding.answer == "No policy is degenerate: none takes one action in 95 % of its steps."
    assert "net act 0 90 % and act 1 10 %" in finding.evidence
    assert not finding.is_warning
    tables = report(action_shares=[*shares("forest", 0.5, 0.5), *shares("net", 0.003, 0.99, n_degenerate=3)])
    (finding,) = action_shares.findings(tables)
    assert (
        finding.answer == "Net is degenerate: it takes ‘act 1’ in 99 % of its steps, in 3 of 3 seeds in 95 % or more."
    )
    assert finding.is_warning


def swept(label, slope, ends, *, seed_ends=(NAN, NAN), interval="95 %", obeyed=(10.0, 90.0, 8), n_seeds=3):
    return {
        "label": label, "slope": slope, "slope_low": ends[0], "slope_high": ends[1], "slope_interval": interval,
        "slope_low_over_seeds": seed_ends[0], "slope_high_over_seeds": seed_ends[1], "n_seeds": n_seeds,
        "obeyed_low": obeyed[0], "obeyed_high": obeyed[1], "n_obeyed": obeyed[2], "n_levels": 15, "tolerance": 17.5,
    }  # fmt: skip


def test_listening_is_claimed_only_where_the_interval_carries_it(report):
    tables = report(
        obedience_summary=[
            swept("forest", 0.8, (0.7, 0.9), seed_ends=(0.6, 1.0)),
            swept("net", 0.5, (0.4, 0.6), seed_ends=(-0.1, 1.1)),
        ]
    )  # fmt: skip
    listens, where = obedience.findings(tables)
    assert listens.answer == "Forest gives more when asked for more; net may listen or not: the interval reaches 0."
    assert "forest 0.80 (0.60 to 1.00; 3 seeds); net 0.50 (−0.10 to 1.10; 3 seeds)" in listens.evidence
    assert listens.is_warning
    assert where.answer == "Forest from 10 to 90; net from 10 to 90."
    assert "forest 8 of 15 commands in a row, within 17.5" in where.evidence


def test_one_seed_listens_by_other_episodes_and_says_so(report):
    tables = report(obedience_summary=[swept("forest", 0.8, (0.7, 0.9), n_seeds=1, obeyed=(NAN, NAN, 0))])
    listens, where = obedience.findings(tables)
    assert "forest 0.80 (0.70 to 0.90; other episodes of one seed)" in listens.evidence
    assert where.answer == "Forest nowhere."


@pytest.mark.parametrize(("mean", "n_findings"), [(199.0, 3), (20.0, 2)])
def test_a_policy_that_gets_the_return_and_ignores_its_command_is_named(report, mean, n_findings):
    tables = report(
        final_returns=[returned("forest", mean, mean - 5, mean + 5)],
        obedience_summary=[swept("forest", 0.02, (0.0, 0.1), seed_ends=(-0.01, 0.05))],
    )
    found = obedience.findings(tables)
    assert found[0].answer == "Forest hardly listens."
    assert len(found) == n_findings
    assert all("ignores its command" in finding.answer for finding in found[2:])
    constant = swept("forest", 0.0, (NAN, NAN), interval="no variation seen")
    assert obedience.findings(report(obedience_summary=[constant]))[0].answer == "Forest hardly listens."


def weights(*of_seeds):
    """Importance rows: per seed a dict of input -> (value, low, high)."""
    return [
        {"run": f"seed {seed}", "method": method, "feature": name, "is_group": name == "command pair",
         "importance": value, "low": low, "high": high}
        for seed, inputs in enumerate(of_seeds, 1)
        for method in ("impurity", "mean absolute SHAP")
        for name, (value, low, high) in (inputs if method != "impurity" else {"x": (9.0, NAN, NAN)}).items()
    ]  # fmt: skip


def test_an_input_comes_first_only_where_no_interval_of_another_overlaps(report):
    clear = {"a_b": (0.3, 0.25, 0.35), "c": (0.1, 0.05, 0.15), "command pair": (0.9, 0.8, 1.0)}
    touching = {"a_b": (0.3, 0.25, 0.35), "c": (0.2, 0.15, 0.26), "d": (0.0, 0.0, 0.0)}
    tables = report(importance_by_seed__forest=weights(clear, clear), importance_by_seed__net=weights(clear, touching))
    (finding,) = importance.findings(tables)
    assert finding.answer == "A b most, in forest; in net a b cannot be told from c in every seed."
    assert "forest 0.300 (mean of 2 seeds; the lowest: 0.250 to 0.350)" in finding.evidence
    swapped = {"a_b": (0.1, 0.05, 0.15), "c": (0.25, 0.2, 0.3)}
    tables = report(importance_by_seed__forest=weights(clear, swapped), importance_by_seed__net=weights(clear))
    (finding,) = importance.findings(tables)
    assert finding.answer == "A b most, in net; in forest a b cannot be told from c in every seed."
    assert "net 0.300 (one seed: 0.250 to 0.350)" in finding.evidence


def part(label, name, size, low, high):
    return {"label": label, "part": name, "mean_size": size, "low": low, "high": high}


def test_state_and_command_are_ranked_only_where_their_intervals_are_apart(report):
    rows = [
        part("forest", "state", 0.2, 0.15, 0.25), part("forest", "command", 0.1, 0.05, 0.14),
        part("forest", "state x command", 0.05, NAN, NAN),
        part("net", "state", 0.2, 0.13, 0.25), part("net", "command", 0.1, 0.05, 0.14),
        part("net", "state x command", 0.05, 0.04, 0.06),
    ]  # fmt: skip
    (finding,) = shapley.findings(report(command_split=rows))
    assert finding.answer == "Forest goes by the state more than by the command; in net neither clearly moves more."
    assert (
        "forest: state 0.200 (0.150 to 0.250), command 0.100 (0.050 to 0.140), both together 0.050;" in finding.evidence
    )


def test_flips_are_told_with_the_steps_of_the_shown_episode(report):
    summary = [
        {"label": label, "quantity": quantity, "value": value, "low": low, "high": high}
        for label, low, high in (("forest", 0.2, 0.31), ("net", NAN, NAN))
        for quantity, value in (("command influence", 0.9), ("flip share", 0.254))
    ]
    steps = [{"step": step, "seen_flips": step != 2, "part": part} for step in range(4) for part in "ab"]
    (finding,) = response.findings(report(response_summary=summary, timeline__forest=steps))
    assert finding.answer == "Chance that it does: forest 25 %; net 25 %."
    assert (
        "forest 25 % (20 to 31 %), in its first final episode some seen command changes 3 of 4 steps;"
        in finding.evidence
    )
    assert finding.evidence.endswith("net 25 %.")


def test_seeds_are_told_by_their_ranges_and_the_agreement_of_their_inputs(report):
    by_seed = [{"label": label, "mean": mean} for label, mean in (("forest", 1.0), ("forest", -3.0), ("net", 2.0))]
    spread = [{"label": "forest", "method": "mean absolute SHAP", "rank_agreement": 0.812}]
    (finding,) = seeds.findings(report(final_returns_by_seed=by_seed, importance_spread=spread))
    assert finding.answer == "In the order of their inputs (1 is the same in all, 0 is chance): forest 0.81."
    assert finding.evidence.endswith("Mean returns: forest −3.0 to 1.0 in 2 seeds.")


def test_a_report_without_tables_has_no_findings_and_links_lead_only_to_sections_that_are_there(report):
    assert [finding for finder in FINDERS for finding in finder(report())] == []
    tables = report(final_returns=[returned("forest", 199.6, 198.6, 200.6)], action_shares=shares("forest", 0.5, 0.5))
    assert [finding.anchor for finding in find(tables, {"action-shares"})] == ["", "action-shares"]


def test_many_experiments_are_counted_not_listed():
    assert told(list("abcd")) == "a; b; c; d"
    assert told(list("abcdef")) == "a; b; c; d; 2 more in the overview"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.999, "99.9 %"), (0.9999, "over 99.9 %"), (0.004, "0.4 %"),
     (0.0001, "under 0.1 %"), (0.254, "25 %")],
)  # fmt: skip
def test_a_share_is_never_rounded_to_none_or_all(share, words):
    assert percent(share) == words


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert [number(-0.04, 1), number(-1.25, 2), listed(["a", "b", "c"])] == ["0.0", "−1.25", "a, b and c"]


def scored(label, *scores, sanity=0.0):
    return [
        {
            "label": label, "method": method, "score": score, "score_low": score - half, "score_high": score + half,
            "sanity_correlation": sanity if method == "impurity" else 0.0,
        }
        for method, score, half in scores
    ]  # fmt: skip


def test_a_method_is_best_only_where_the_intervals_part(report):
    tables = report(
        faithfulness=[
            *scored("forest", ("Shapley", 0.9, 0.02), ("impurity", 0.3, 0.1), sanity=0.94),
            *scored("net", ("permutation", 0.5, 0.2), ("Shapley", 0.6, 0.2)),
        ]
    )  # fmt: skip
    (finding,) = faithfulness.findings(tables)
    assert finding.answer == "Shapley, in forest; in net Shapley cannot be told from permutation."
    assert "forest Shapley 0.90 (0.88 to 0.92), then impurity 0.30 (0.20 to 0.40)" in finding.evidence
    assert "permuted actions (rank correlation): impurity in forest (0.94)." in finding.evidence


def worth(label, run, value, low, high, n_seeds=1, interval="95 %"):
    return {
        "label": label, "run": run, "return_known": 100.0, "command_worth": value, "low": low, "high": high,
        "interval": interval, "n_seeds": n_seeds,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "interval", "answer"),
    [
        (1.0, 9.0, "95 %", "Forest earns return by knowing it."),
        (-9.0, -1.0, "95 %", "Forest gets less return for knowing it."),
        (-1.0, 9.0, "95 %", "Forest may gain or not: the interval holds 0."),
        (NAN, NAN, "no variation seen", "Forest earns return by knowing it."),
    ],
)
def test_the_command_earns_what_its_interval_carries(report, low, high, interval, answer):
    rows = [worth("forest", "seed 1", 50.0, 40.0, 60.0), worth("forest", "all seeds", 5.0, low, high, 3, interval)]
    (finding,) = performance.findings(report(performance_command=rows))
    assert finding.answer == answer
    assert "forest 5.0 of 100.0" in finding.evidence
    assert "3 seeds" in finding.evidence


def agreeing(group, n_equal, n_differ, other=None):
    return {
        "group_a": group, "group_b": other or group, "n_pairs": 3, "rank_correlation": 0.5, "lowest": 0.4,
        "highest": 0.6, "within_low": 0.8, "same_action": 0.75, "n_equal_returns": n_equal,
        "n_different_reasons": n_differ,
    }  # fmt: skip


def test_seeds_of_equal_return_and_different_reasons_are_named(report):
    rows = [agreeing("forest", 3, 2), agreeing("net", 0, 0), agreeing("forest", 9, 9, "net")]
    (finding,) = stability.findings(report(stability_summary=rows))
    assert finding.answer == (
        "Forest: equal returns for different reasons in 2 of 3 pairs of seeds; net: returns differ in all of 3 pairs "
        "of seeds, so reasons may."
    )
    assert "forest 0.50 (pairs 0.40 to 0.60; resamples of one run at least 0.80), the same action in 75 %" in (
        finding.evidence
    )
    assert finding.is_warning
    (calm,) = stability.findings(report(stability_summary=[agreeing("forest", 2, 0)]))
    assert "no reasons differ beyond luck" in calm.answer
    assert not calm.is_warning
    assert stability.findings(report(stability_summary=[agreeing("forest", 9, 9, "net")])) == []
