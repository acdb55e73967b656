"""The notebooks run, are stored clean, and hold the numbers that the report's tables hold."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NAMES = (
    "01_train_and_report",
    "02_what_matters",
    "03_why_this_action",
    "04_against_commands",
    "05_figures_for_a_paper",
    "06_can_we_trust_it",
    "07_a_policy_on_one_page",
)
EXPORTED = {
    "02_what_matters": {"importance": "shown", "shapley": "values.to_frame()"},
    "03_why_this_action": {"decision_path": "paths.to_frame()", "path_box": "box.to_frame()"},
    "04_against_commands": {"response": "shown", "response_importance": "response.importance_frame()"},
}
RUN = Path("data/CartPole-v0/base/42")
SECONDS_PER_CELL = 120  # a notebook takes less than a minute; a busy machine must not fail the test

slow = pytest.mark.slow


def read(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A copy of what the notebooks use: notebooks/ and the shipped runs."""
    assert (ROOT / RUN / "conf.json").is_file(), f"the notebooks need the shipped run {RUN}"
    shutil.copytree(ROOT / "data/CartPole-v0", tmp_path / "data/CartPole-v0")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel chooses the one that puts figures into cells
    return tmp_path


def execute(book, folder):
    """Run all cells in `folder`; an error in a cell is an error here."""
    client = NotebookClient(
        book, timeout=SECONDS_PER_CELL, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()


def exporting(book, expressions):
    """The notebook with a last cell that writes frames by name, as the report writes its tables."""
    if not expressions:
        return book
    lines = ["from udrl_explain.files.csv import PORTABLE_DIGITS, write_csv"]
    lines += [f"write_csv({frame}, '{name}.csv', digits=PORTABLE_DIGITS)" for name, frame in expressions.items()]
    book.cells.append(nbformat.v4.new_code_cell("\n".join(lines)))
    return book


def pictures(cell):
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def check_figures(book):
    drawing = [cell for cell in code(book) if "with paper_style(" in cell.source and "ipywidgets" not in cell.source]
    assert drawing
    for cell in drawing:
        assert pictures(cell), f"no figure below the cell\n{cell.source}"


def test_these_are_the_notebooks():
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)
    text = (ROOT / "notebooks/README.md").read_text(encoding="utf-8")
    assert all(f"{name}.ipynb" in text for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_clean(name):
    book = read(name)
    nbformat.validate(book)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(book))
    assert all(cell.metadata == {} for cell in book.cells)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in book.cells] == [f"{name[:2]}-{i:02d}" for i in range(len(book.cells))]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_opens_with_what_the_reader_will_know(name):
    first = read(name).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "**At the end you will know** " in first.source


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_thin(name):
    longest = max(len(cell.source.splitlines()) for cell in code(read(name)))
    assert longest <= 25, "load, call, show: what needs more code belongs into the package"


@slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_shows_its_figures_and_holds_the_reports_numbers(name, place):
    book = exporting(read(name), EXPORTED.get(name, {}))
    has_sliders = name == "04_against_commands"
    if has_sliders:  # an error behind a slider would be shown in a widget and stop nothing
        book.cells.append(nbformat.v4.new_code_cell("explore(3, 0.05)"))
    execute(book, place / "notebooks")
    check_figures(book)
    assert not has_sliders or pictures(book.cells[-1])
    unread = [out.text for cell in code(book) for out in cell.outputs if out.get("name") == "stderr"]
    assert not any("Warning" in text for text in unread), unread
    if name not in EXPORTED:
        return
    sections = {"02": "importance,shapley", "03": "paths", "04": "response"}[name[:2]]
    command = [sys.executable, "-m", "udrl_explain.report", str(RUN), "--only", sections, "--formats", "png"]
    done = subprocess.run(command, cwd=place, timeout=300, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for table in EXPORTED[name]:
        (theirs,) = (place / "reports").glob(f"*/tables/{table}-random_forest.csv")
        ours = place / "notebooks" / f"{table}.csv"
        assert len(ours.read_text(encoding="utf-8").splitlines()) > 5
        assert ours.read_bytes() == theirs.read_bytes(), f"{table}: the notebook and the report differ"


@slow
def test_a_notebook_runs_from_the_repositorys_root_and_without_sliders(place):
    """An exported page shows panels for the sliders."""
    book = read("04_against_commands")
    book.cells.insert(0, nbformat.v4.new_code_cell("import sys\n\nsys.modules['ipywidgets'] = None"))
    execute(book, place)
    check_figures(book)
    (cell,) = (cell for cell in code(book)[1:] if "ipywidgets" in cell.source)
    assert "No sliders without ipywidgets" in cell.outputs[0].text
