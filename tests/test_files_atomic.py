import os
from pathlib import Path

import pytest

from udrl_explain.files.atomic import folder_written_whole, write_whole


def write_half_a_file(target, fault):
    with write_whole(target) as partial:
        partial.write_text("half")
        raise fault


def write_half_a_folder(target, fault, **options):
    with folder_written_whole(target, **options) as partial:
        (partial / "a").write_text("half")
        raise fault


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "rows.csv"
    with write_whole(target) as partial:
        partial.write_text("a\n")
        assert not target.exists()
        assert partial.suffix == ".csv"
        assert partial.parent == target.parent
    assert target.read_text() == "a\n"
    assert everything(tmp_path) == ["new", "new/rows.csv"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_failed_file_leaves_the_old_one_and_nothing_else(tmp_path, fault):
    target = tmp_path / "rows.csv"
    target.write_text("old")
    with pytest.raises(fault):
        write_half_a_file(target, fault)
    assert target.read_text() == "old"
    assert everything(tmp_path) == ["rows.csv"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_failed_folder_leaves_not_even_the_parents_it_made(tmp_path, fault):
    (tmp_path / "kept").mkdir()
    with pytest.raises(fault):
        write_half_a_folder(tmp_path / "kept" / "env" / "base" / "42", fault)
    assert everything(tmp_path) == ["kept"]


def test_a_block_that_wrote_no_file_is_a_fault(tmp_path):
    with pytest.raises(FileNotFoundError), write_whole(tmp_path / "rows.csv"):
        pass
    assert everything(tmp_path) == []


def test_a_file_does_not_replace_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"), write_whole(tmp_path):
        pytest.fail("the block ran")


def test_a_folder_appears_whole_with_ordinary_permissions(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.mkdir()
    target = tmp_path / "env" / "42"
    with folder_written_whole(target) as partial:
        (partial / "sub").mkdir()
        (partial / "sub" / "a").write_text("1")
        assert partial.name.startswith(".42.")
        assert partial.name.endswith(".partial")
        assert not target.exists()
    assert everything(target.parent) == ["42", "42/sub", "42/sub/a"]
    # tempfile.mkdtemp would give 0700, and a colleague could not read the run.
    assert target.stat().st_mode == ordinary.stat().st_mode


def test_an_existing_folder_is_refused_before_any_work(tmp_path):
    target = tmp_path / "42"
    target.mkdir()
    (target / "conf.json").write_text("old")
    with pytest.raises(FileExistsError, match=r"42 exists; give --overwrite"), folder_written_whole(target):
        pytest.fail("the block ran")
    assert everything(tmp_path) == ["42", "42/conf.json"]


def test_a_folder_that_came_while_we_worked_is_not_lost(tmp_path):
    target = tmp_path / "42"

    def somebody_is_faster():
        with folder_written_whole(target) as partial:
            (partial / "conf.json").write_text("ours")
            target.mkdir()
            (target / "conf.json").write_text("theirs")

    with pytest.raises(FileExistsError, match="--overwrite"):
        somebody_is_faster()
    assert (target / "conf.json").read_text() == "theirs"
    assert everything(tmp_path) == ["42", "42/conf.json"]


def test_overwrite_replaces_the_whole_folder_at_the_end(tmp_path):
    target = tmp_path / "42"
    target.mkdir()
    (target / "old_only").write_text("old")
    with folder_written_whole(target, overwrite=True) as partial:
        (partial / "new_only").write_text("new")
        assert (target / "old_only").read_text() == "old"
    assert everything(tmp_path) == ["42", "42/new_only"]


def test_a_failed_overwrite_keeps_the_old_folder(tmp_path):
    target = tmp_path / "42"
    target.mkdir()
    (target / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half_a_folder(target, KeyboardInterrupt, overwrite=True)
    assert (target / "a").read_text() == "old"
    assert everything(tmp_path) == ["42", "42/a"]


def test_the_old_folder_comes_back_if_the_new_one_cannot_be_renamed(tmp_path, monkeypatch):
    target = tmp_path / "42"
    target.mkdir()
    (target / "a").write_text("old")
    rename = os.rename

    def full_disk(source, destination):
        if str(source).endswith(".partial"):
            raise OSError("no space left")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", full_disk)
    with pytest.raises(OSError, match="no space"), folder_written_whole(target, overwrite=True) as partial:
        (partial / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert everything(tmp_path) == ["42", "42/a"]


def test_overwrite_never_deletes_a_folder_of_another_kind(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(FileExistsError, match=r"holds no manifest\.json"),
        folder_written_whole(home, overwrite=True, marker="manifest.json"),
    ):
        pytest.fail("the block ran")
    (home / "manifest.json").write_text("{}")
    with folder_written_whole(home, overwrite=True, marker="manifest.json") as partial:
        (partial / "manifest.json").write_text("{}")
    assert everything(home) == ["manifest.json"]


def test_a_linked_folder_is_replaced_where_it_really_is(tmp_path):
    real = tmp_path / "disk" / "reports"
    real.mkdir(parents=True)
    link = tmp_path / "reports"
    link.symlink_to(real)
    with folder_written_whole(link, overwrite=True) as partial:
        (partial / "a").write_text("new")
    assert link.is_symlink()
    assert Path(real / "a").read_text() == "new"


def test_a_file_where_a_folder_should_be_is_refused(tmp_path):
    (tmp_path / "42").write_text("file")
    with (
        pytest.raises(FileExistsError, match="is a file"),
        folder_written_whole(tmp_path / "42", overwrite=True),
    ):
        pytest.fail("the block ran")


def test_files_of_other_commands_are_kept_and_count_as_nothing(tmp_path):
    target = tmp_path / "report"
    target.mkdir()
    (target / "player.html").write_text("theirs")
    rule = {"overwrite": True, "marker": "manifest.json", "keep": ("player.html", "gone.html")}
    with folder_written_whole(target, **rule) as partial:
        assert (partial / "player.html").read_text() == "theirs"
        (partial / "manifest.json").write_text("{}")
    assert sorted(path.name for path in target.iterdir()) == ["manifest.json", "player.html"]
    (target / "manifest.json").unlink()
    (target / "diary.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds no manifest\.json"), folder_written_whole(target, **rule):
        pass
    assert (target / "diary.txt").read_text() == "mine"
