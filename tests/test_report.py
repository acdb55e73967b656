"""The report as a user runs it: the real command on real (tiny) runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_helpers import modules_after_help, run_module, tiny_training

from udrl_explain import final_returns, find_runs, learning_curves, load_run, obedience, train_policy
from udrl_explain.report import build
from udrl_explain.report.options import ReportOptions
from udrl_explain.report.questions import QUESTIONS
from udrl_explain.runs.places import folder_hash
from udrl_explain.tables import read_csv

MODULE = "udrl_explain.report"


def report(folder, *arguments):
    return run_module(MODULE, *arguments, folder=folder)


@pytest.fixture
def copied(tiny_place, tmp_path):
    """The tiny runs in a folder of this test's own."""
    shutil.copytree(tiny_place / "data", tmp_path / "data")
    return tmp_path


class TestTheWholeReport:
    def test_it_succeeds_and_names_its_page(self, tiny_report):
        folder, done = tiny_report
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [str(folder / "report.html")]
        assert (folder / "report.html").is_file()

    def test_the_page_answers_every_question_and_links_only_what_is_there(self, tiny_report):
        folder, _ = tiny_report
        page = (folder / "report.html").read_text(encoding="utf-8")
        for anchor in (name.replace("_", "-") for name in QUESTIONS):
            assert f'id="{anchor}"' in page
        for path in [*folder.glob("tables/*.csv")]:
            assert path.stat().st_size > 0
        figures = {path.stem for path in folder.glob("figures/*.png")}
        assert {path.stem for path in folder.glob("figures/*.pdf")} == figures
        assert len(figures) > 20

    def test_tables_are_the_analyses_own(self, tiny_report, tiny_place):
        folder, _ = tiny_report
        runs = [load_run(run) for run in find_runs(tiny_place / "data")]
        expected = {
            "learning_curves": learning_curves(runs).to_frame(),
            "final_returns": final_returns(runs).to_frame(),
            "final_returns_by_seed": final_returns(runs).by_seed(),
        }
        for stem, frame in expected.items():
            table = read_csv(folder / "tables" / f"{stem}.csv")
            # What the analysis says in words ("3") may read as a number.
            for name in [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
                table[name], frame[name] = table[name].fillna("").astype(str), frame[name].fillna("").astype(str)
            pd.testing.assert_frame_equal(table, frame, check_dtype=False)
        net = load_run(tiny_place / "data/CartPole-v0/net/1")
        sweep = net.command_sweep.assign(seed=1)
        alone = obedience(sweep, training_commands=net.training_commands).to_frame()
        table = read_csv(folder / "tables" / "obedience.csv")
        own = table[table["label"] == "neural net"].drop(columns="label").reset_index(drop=True)
        np.testing.assert_array_equal(own["mean"], alone["mean"])

    def test_the_manifest_holds_the_hashes_of_the_runs(self, tiny_report, tiny_place):
        manifest = json.loads((tiny_report[0] / "manifest.json").read_text())
        expected = {f"data/{run.relative_to(tiny_place / 'data')}": folder_hash(run) for run in find_runs(tiny_place)}
        assert manifest["runs"] == expected
        timings = json.loads((tiny_report[0] / "timings.json").read_text())
        assert set(timings["seconds"]) == {*QUESTIONS, "figures", "page"}
        assert "report.html" in manifest["files"]

    def test_a_second_run_writes_the_same_tables_figures_and_manifest(self, tiny_report, tiny_place):
        first = tiny_report[0]
        # Not on one thread the first time, and with PDFs: of these test_figure_export says the same.
        done = report(tiny_place, "data", "--output", "again", "--n_jobs", "1", "--formats", "png")
        assert done.returncode == 0, done.stderr
        second = tiny_place / "again" / "CartPole-v0"
        written = [path.relative_to(first) for kind in ("tables", "figures") for path in first.glob(f"{kind}/*")]
        names = sorted(name for name in written if name.suffix != ".pdf")
        assert names == sorted(
            path.relative_to(second) for kind in ("tables", "figures") for path in second.glob(f"{kind}/*")
        )
        manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (first, second)]
        for manifest in manifests:
            del manifest["command"], manifest["files"]  # the formats differ
        assert manifests[0] == manifests[1]
        # How long it took is ignored by a clone, so that making a report again leaves it clean.
        assert "timings.json" in (Path(__file__).parents[1] / ".gitignore").read_text().splitlines()
        different = [str(name) for name in names if (first / name).read_bytes() != (second / name).read_bytes()]
        assert different == []


class TestFlags:
    def test_only_formats_output_and_style(self, copied):
        done = report(
            copied,
            "data/CartPole-v0/trees",
            "--only",
            "final_returns",
            "--formats",
            "svg",
            "--style",
            "icml",
            "--output",
            "out",
        )
        assert done.returncode == 0, done.stderr
        folder = copied / "out" / "CartPole-v0-trees"
        assert {path.suffix for path in (folder / "figures").iterdir()} == {".png", ".svg"}
        assert {path.stem.partition("-")[0] for path in (folder / "tables").glob("*.csv")} == {
            "final_returns", "final_returns_by_seed", "overview",
        }  # fmt: skip
        with Image.open(folder / "figures" / "final_returns.png") as picture:
            assert picture.width == round(3.25 * 300)

    def test_the_seed_moves_what_is_drawn_at_random(self, copied):
        options = ("--only", "importance", "--formats", "png", "--seed", "1", "--output", "1")
        done = report(copied, "data/CartPole-v0/trees/1", *options)
        assert done.returncode == 0, done.stderr
        run = copied / "data/CartPole-v0/trees/1"
        build.build_reports(ReportOptions(run, copied / "0", only="importance", formats="png", n_jobs=1))
        tables = [
            read_csv(copied / seed / "CartPole-v0-trees-1/tables/importance-random_forest.csv") for seed in ("0", "1")
        ]
        assert (tables[0]["seed"] == 0).all()
        assert (tables[1]["seed"] == 1).all()
        assert not np.allclose(tables[0]["importance"], tables[1]["importance"])

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere"], "nowhere: no such folder"),
            (["empty"], "holds no run"),
            (["data", "--only", "weather"], "only must be some of"),
            (["data", "--formats", "gif"], "formats must be some of"),
            (["data", "--style", "poster"], "style must be one of"),
            (["data", "--n_jobs", "0"], "n_jobs must be a whole number of at least 1"),
            (["data", "--seed", "-1"], "seed must be at least 0"),
        ],
    )
    def test_a_slip_is_one_line_and_status_2(self, copied, arguments, said):
        (copied / "empty").mkdir()
        done = report(copied, *arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert said in done.stderr
        assert not (copied / "reports").exists()

    def test_help_needs_nothing_heavy(self, tmp_path):
        assert not {"pandas", "numba", "matplotlib", "sklearn", "scipy", "shap"} & modules_after_help(MODULE, tmp_path)


class TestRunsThatCannotBeRead:
    def test_one_of_many_is_listed_and_the_status_is_1(self, copied):
        (copied / "data/CartPole-v0/trees/2/policy.npz").write_bytes(b"PK but no archive")
        done = report(copied, "data", "--only", "final_returns", "--formats", "png")
        assert done.returncode == 1
        said = [line for line in done.stderr.splitlines() if "left out" in line]
        assert len(said) == 1
        assert "data/CartPole-v0/trees/2" in said[0]
        assert "policy.npz" in said[0]
        page = (copied / "reports/CartPole-v0/report.html").read_text(encoding="utf-8")
        assert "data/CartPole-v0/trees/2" in page
        table = read_csv(copied / "reports/CartPole-v0/tables/final_returns_by_seed.csv")
        assert sorted(zip(table["label"], table["seed"], strict=True)) == [("neural net", 1), ("random forest", 1)]

    def test_none_that_can_be_read_is_an_error(self, copied):
        for run in find_runs(copied / "data"):
            (run / "conf.json").write_text("{")
        done = report(copied, "data")
        assert done.returncode == 2
        assert "none of its 3 runs can be read" in done.stderr
        assert not (copied / "reports").exists()


class TestPlaces:
    def test_a_folder_that_is_no_report_is_never_replaced(self, copied):
        (copied / "reports/CartPole-v0").mkdir(parents=True)
        (copied / "reports/CartPole-v0/thesis.tex").write_text("precious")
        done = report(copied, "data", "--only", "final_returns")
        assert done.returncode == 2
        assert "manifest.json" in done.stderr
        assert (copied / "reports/CartPole-v0/thesis.tex").read_text() == "precious"

    def test_a_report_that_stops_half_way_leaves_the_old_one(self, copied, monkeypatch):
        monkeypatch.chdir(copied)
        options = ReportOptions(copied / "data", only="final_returns", formats="png", n_jobs=1)
        build.build_reports(options)
        before = (copied / "reports/CartPole-v0/report.html").read_bytes()

        def interrupted(context):
            raise KeyboardInterrupt

        monkeypatch.setattr("udrl_explain.report.sections.final_returns.answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build.build_reports(options)
        assert (copied / "reports/CartPole-v0/report.html").read_bytes() == before
        assert [path.name for path in (copied / "reports").iterdir()] == ["CartPole-v0"]

    def test_two_environments_get_a_page_each_and_an_index(self, copied):
        train_policy(tiny_training("tree.DecisionTreeClassifier", 1, env_name="MountainCar-v0"), copied / "data")
        done = report(copied, "data", "--only", "final_returns", "--formats", "png")
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [
            "reports/CartPole-v0/report.html", "reports/MountainCar-v0/report.html", "reports/index.html",
        ]  # fmt: skip
        index = (copied / "reports/index.html").read_text(encoding="utf-8")
        assert 'href="CartPole-v0/report.html"' in index
        assert 'href="MountainCar-v0/report.html"' in index
        assert 'href="CartPole-v0/report.html#final-returns"' in index, "no finding leads into the report"


def test_a_run_of_the_papers_own_code_is_reported_without_its_pickle(tmp_path):
    folder = tmp_path / "data/CartPole-v0/theirs/42"
    folder.mkdir(parents=True)
    settings = {
        "env_name": "CartPole-v0", "estimator_name": "ensemble.RandomForestClassifier", "seed": 42, "max_episode": 2,
        "collect_iter": 2, "train_per_iter": 1, "batch_size": 0, "warm_up": 5, "memory_size": 10, "last_few": 2,
        "testing_period": 1, "horizon_scale": 0.02, "return_scale": 0.02, "epsilon": 0.2, "save_desired": True,
        "final_testing": True, "final_testing_sample": 20, "final_desired_return": 200, "final_desired_horizon": 200,
        "save_policy": True, "save_learning_infos": True, "test_mean": 58.5, "test_std": 23.5,
    }  # fmt: skip
    (folder / "conf.json").write_text(json.dumps(settings))
    np.save(folder / "train_rewards.npy", [[9.0, 1.0], [12.0, 2.0]])
    np.save(folder / "test_rewards.npy", [[10.0, 1.0], [20.0, 2.0]])
    np.save(folder / "desired_returns.npy", [20.0, 19.0, 18.0, 30.0, 29.0, 40.0, 39.0, 50.0])
    np.save(folder / "desired_horizons.npy", [10.0, 9.0, 8.0, 11.5, 10.5, 12.25, 11.25, 13.0])
    (folder / "policy.pkl").write_bytes(b"cos\nsystem\n(S'touch exploded'\ntR.")
    done = report(tmp_path, "data/CartPole-v0", "--formats", "png")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "reports/CartPole-v0"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "policy.pkl is a pickle" in page
    assert not (tmp_path / "exploded").exists()
    assert read_csv(out / "tables/final_returns.csv")["mean"].tolist() == [58.5]
    asked = read_csv(out / "tables/training_commands.csv")
    assert asked["desired_return"].tolist() == [25.0, 45.0]
    assert asked["length"].tolist() == [2.5, 1.5]
    assert {path.stem for path in (out / "figures").iterdir()} == {
        "learning_curves", "learning_curves-test", "final_returns", "training_commands",
    }  # fmt: skip
