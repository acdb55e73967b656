"""Run folders that are damaged, impossible or made to hurt: each is refused in one line that names the file."""

import json
import os
import shutil
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from core_helpers import tiny_run
from sklearn.neural_network import MLPClassifier

from udrl_explain.commands import CommandScale
from udrl_explain.files import limits
from udrl_explain.policies import ForestPolicy, policy_from_estimator
from udrl_explain.runs import load_run, save_run
from udrl_explain.runs.policy_files import save_policy

RUN_FILES = (
    "conf.json", "policy.npz", "train_rewards.npy", "test_rewards.npy", "training_commands.csv", "training_rows.npz",
    "episodes.npz", "command_sweep.csv",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    run = tiny_run(tmp_path / "data")
    save_run(run, [])
    return run.directory


def refused(folder, message):
    with pytest.raises(ValueError, match=message) as fault:
        load_run(folder)
    assert str(folder) in str(fault.value)
    assert len(str(fault.value).splitlines()) == 1


def change_json(folder, **changes):
    path = folder / "conf.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_npz(path, **changes):
    with np.load(path) as stored:
        arrays = dict(stored) | changes
    np.savez(path, **arrays)


def net_of(size):
    """A fitted net whose weights are replaced, the last ones of either sign."""
    rows = np.random.default_rng(0).normal(size=(30, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = MLPClassifier((3, 3), max_iter=1, random_state=0).fit(rows, (rows[:, 0] > 0).astype(int))
    net.coefs_[0][:], net.coefs_[1][:], net.coefs_[2][:] = size, size, [[1.0], [-1.0], [1.0]]
    return net


class TestFlippedBytes:
    @pytest.mark.parametrize("name", RUN_FILES)
    def test_a_flipped_bit_or_a_random_byte_is_refused_by_name_or_harmless(self, folder, name):
        path = folder / name
        whole = path.read_bytes()
        generator = np.random.default_rng(RUN_FILES.index(name))
        for k, where in enumerate(generator.integers(len(whole), size=60)):
            flip = 1 << int(generator.integers(8)) if k % 2 else int(generator.integers(1, 256))
            path.write_bytes(whole[:where] + bytes([whole[where] ^ flip]) + whole[where + 1 :])
            try:
                load_run(folder)
            except (ValueError, OSError) as fault:
                assert str(folder) in str(fault), str(fault)  # noqa: PT017 - most flips, not all, are refused

    @pytest.mark.parametrize("name", RUN_FILES)
    def test_a_block_of_noise_or_a_cut_is_refused_by_name_or_harmless(self, folder, name):
        path = folder / name
        whole = path.read_bytes()
        generator = np.random.default_rng(9)
        for _ in range(15):
            first, last = sorted(generator.integers(len(whole) + 1, size=2))
            noise = generator.bytes(int(generator.integers(0, 60)))
            path.write_bytes(whole[:first] + noise + whole[last:])
            try:
                load_run(folder)
            except (ValueError, OSError) as fault:
                assert str(folder) in str(fault), str(fault)  # noqa: PT017


class TestArchives:
    def test_a_member_that_is_no_array_is_refused(self, folder):
        """The bug: numpy hands such a member out as bytes, and the run ended in an AttributeError."""
        with zipfile.ZipFile(folder / "training_rows.npz", "w") as archive:
            archive.writestr("inputs", b"no array")
            archive.writestr("actions", b"no array")
        refused(folder, r"training_rows\.npz: not a readable archive of arrays")

    def test_a_member_that_stands_twice_is_refused(self, folder):
        path = folder / "training_rows.npz"
        with zipfile.ZipFile(path) as archive:
            content = archive.read("inputs.npy")
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("inputs.npy", content)
        refused(folder, r"training_rows\.npz: .*a member stands twice")

    def test_an_unusual_packing_is_refused(self, folder):
        path = folder / "training_rows.npz"
        with np.load(path) as stored:
            arrays = dict(stored)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as stream:
                    np.lib.format.write_array(stream, array)
        refused(folder, r"training_rows\.npz: .*packed by method 12, not accepted")

    def test_an_array_that_promises_more_than_it_brings_is_refused(self, folder):
        """The bug: memory for all that a header promises was asked for before the first number was read."""
        for name, shape in (("train_rewards.npy", (10**11, 2)), ("test_rewards.npy", (-1, 2))):
            whole = (folder / name).read_bytes()
            with (folder / name).open("wb") as stream:
                np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
                stream.write(bytes(32))
            refused(folder, rf"{name}: .*its header promises {8 * shape[0] * 2} bytes of numbers, 32 are there")
            (folder / name).write_bytes(whole)
        with zipfile.ZipFile(folder / "training_rows.npz", "w") as archive:
            for name in ("inputs", "actions"):
                with archive.open(f"{name}.npy", "w") as stream:
                    header = {"descr": "<f8", "fortran_order": False, "shape": (10**11, 6)}
                    np.lib.format.write_array_header_1_0(stream, header)
        refused(folder, r"training_rows\.npz: .*its header promises 4800000000000 bytes of numbers, 0 are there")

    def test_a_bomb_is_unpacked_a_little_at_a_time(self, tmp_path):
        """A packed member that claims to be small gives out no more than it claimed, in small pieces."""
        from udrl_explain.files.reading import _InPieces

        asked = []

        class Stream:
            def read(self, size):
                asked.append(size)
                return bytes(size)

        assert _InPieces(Stream()).read(100_000) == bytes(100_000)
        assert max(asked) <= 4096

    @pytest.mark.parametrize("name", ["train_rewards.npy", "conf.json", "command_sweep.csv", "policy.npz"])
    def test_a_file_beyond_the_limit_is_not_opened(self, folder, name, monkeypatch):
        with (folder / name).open("ab") as stream:
            stream.truncate(limits.MOST_BYTES + 1)  # a hole in the file: takes no room on the disk
        refused(folder, rf"{name}: holds {limits.MOST_BYTES + 1} bytes, the limit is \d+")


class TestWhatIsNoFile:
    @pytest.mark.parametrize("name", RUN_FILES)
    def test_a_pipe_is_refused_at_once(self, folder, name):
        """The bug: opening a pipe waits for somebody to write into it, for ever."""
        (folder / name).unlink()
        os.mkfifo(folder / name)
        refused(folder, rf"{name}: must be an ordinary file, is a pipe")

    @pytest.mark.parametrize("name", ["train_rewards.npy", "conf.json", "training_commands.csv", "policy.npz"])
    def test_a_device_is_refused_at_once(self, folder, name):
        """The bug: /dev/zero never ends, and reading it took all memory."""
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")
        refused(folder, rf"{name}: must be an ordinary file, is a device")


class TestTables:
    @pytest.mark.parametrize("name", ["training_commands.csv", "command_sweep.csv"])
    def test_a_decimal_comma_does_not_shift_the_columns(self, folder, name):
        """The bug: with one cell more on every line pandas took the first column for the names of the rows."""
        path = folder / name
        header, *lines = path.read_text().splitlines()
        path.write_text("\n".join([header, *(line.replace(".", ",", 1) for line in lines)]) + "\n")
        refused(folder, rf"{name}: .*line 2 has 6 cells, the header 5")

    def test_one_long_line_is_named(self, folder):
        path = folder / "training_commands.csv"
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:-1], lines[-1] + ",", ""]))
        refused(folder, r"training_commands\.csv: .*line 5 has 6 cells, the header 5")

    @pytest.mark.parametrize(
        ("name", "column", "value", "message"),
        [
            ("training_commands.csv", "length", -3, "'length' must hold at least 1, got -3"),
            ("training_commands.csv", "length", 9.5, "'length' must hold whole numbers, got 9.5"),
            ("training_commands.csv", "iteration", 1.5, "'iteration' must hold whole numbers, got 1.5"),
            ("training_commands.csv", "iteration", 0, "'iteration' must hold at least 1, got 0"),
            ("training_commands.csv", "desired_horizon", -1.0, "'desired_horizon' must hold at least 0, got -1"),
            ("training_commands.csv", "desired_return", 1e300, "'desired_return' must hold finite numbers, at most"),
            ("command_sweep.csv", "environment_seed", 1.5, "'environment_seed' must hold whole numbers"),
            ("command_sweep.csv", "length", 0, "'length' must hold at least 1, got 0"),
            ("command_sweep.csv", "achieved_return", -1e39, "'achieved_return' must hold finite numbers, at most"),
        ],
    )
    def test_impossible_values_are_refused_by_column(self, folder, name, column, value, message):
        frame = pd.read_csv(folder / name)
        frame[column] = frame[column].astype(float)
        frame.loc[1, column] = value
        frame.to_csv(folder / name, index=False)
        refused(folder, rf"{name}: column {message}")


class TestNumbers:
    @pytest.mark.parametrize("name", ["train_rewards.npy", "test_rewards.npy"])
    def test_a_negative_standard_deviation_is_refused(self, folder, name):
        np.save(folder / name, [[1.0, 2.0], [3.0, -0.5]])
        refused(folder, rf"{name}: a standard deviation is never negative, got -0.5")

    @pytest.mark.parametrize("change", [0.1, -0.1])
    def test_the_spread_must_be_that_of_the_episodes(self, folder, change):
        change_json(folder, test_std=json.loads((folder / "conf.json").read_text())["test_std"] + change)
        refused(folder, r"conf\.json: test_std .* is not the standard deviation of the return of the final episodes")

    def test_huge_numbers_are_refused_where_they_stand(self, folder):
        """The bug: finite, but their squares and sums are not, and the report ended in the middle."""
        np.save(folder / "train_rewards.npy", [[1e300, 0.0]])
        refused(folder, r"train_rewards\.npy: must hold finite numbers")
        np.save(folder / "train_rewards.npy", [[1.0, 0.0]])
        rows = np.load(folder / "training_rows.npz")["inputs"]
        rows[3, 1] = 1e39  # no float32 holds it
        change_npz(folder / "training_rows.npz", inputs=rows)
        refused(folder, r"training_rows\.npz: 'inputs' must be finite, up to 3.4e\+38")

    def test_a_net_of_huge_weights_is_refused(self, folder):
        """The bug: finite weights whose sums are not gave NaN for probabilities, far into the report."""
        save_policy(policy_from_estimator(net_of(1e200), 2, 0.02, 0.02), folder)
        refused(folder, r"policy\.npz: what the policy answers for its own rows are not probabilities that sum to 1")

    def test_a_net_of_nan_is_refused(self, folder):
        save_policy(policy_from_estimator(net_of(1.0), 2, 0.02, 0.02), folder)
        load_run(folder)
        change_npz(folder / "policy.npz", weight_0=np.full((6, 3), np.nan))
        refused(folder, r"policy\.npz: net layer 0 holds a number that is not finite")

    def test_scores_of_a_forest_stay_within_reach(self, folder):
        forest = load_run(folder).policy.forest
        huge = replace(forest, value=forest.value * 1e300, link="softmax")
        save_policy(ForestPolicy(huge, CommandScale(0.02, 0.02)), folder)
        refused(folder, r"policy\.npz: arrays 'value' and 'base' must hold numbers up to")


class TestNames:
    @pytest.mark.parametrize("name", ["", " ", "\ud800", "left\nright", "a\x00b", "\x1b[31m", "x" * 101, "‮left"])
    @pytest.mark.parametrize("which", ["feature_names", "action_names"])
    def test_a_name_that_cannot_be_printed_is_refused(self, folder, which, name):
        names = json.loads((folder / "conf.json").read_text())[which]
        change_json(folder, **{which: [name, *names[1:]]})
        refused(folder, r"conf\.json: a name of an input or action must be printable and have 1 to 100 characters")

    @pytest.mark.parametrize("names", [["θ̇₁", "右"], ["push left", "noop (0)"]])
    def test_letters_of_any_script_are_fine(self, folder, names):
        change_json(folder, action_names=names)
        assert load_run(folder).action_names == tuple(names)

    def test_control_characters_in_versions_are_refused(self, folder):
        change_json(folder, versions={"python": "3\x1b[0m"})
        refused(folder, r"conf\.json: versions must map packages to text without control characters")


def test_deep_json_within_a_setting_is_one_line(folder):
    """The bug: shallow enough to be parsed, too deep to be shown."""
    path = folder / "conf.json"
    text = path.read_text().replace('"seed": 7', f'"seed": {"[" * 900}{"]" * 900}')
    path.write_text(text)
    refused(folder, r"conf\.json|cannot be read")


def test_a_fault_of_any_kind_is_a_value_error_that_names_the_run(folder, monkeypatch):
    def trip(*_, **__):
        raise MemoryError("no room")

    monkeypatch.setattr("udrl_explain.runs.loading.read_returns", trip)
    refused(folder, r"cannot be read \(MemoryError: no room\)")


def test_a_copy_of_a_good_run_still_loads(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert load_run(tmp_path / "copy").policy is not None
