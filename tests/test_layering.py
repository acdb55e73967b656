"""The one-way order of the package, read from the import statements."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "udrl_explain"

# A module imports only from modules that stand before it. "x.*" is a group: every module of the folder that is not
# listed by its own name; the members of a group do not import one another. A new module gets a line here, as far up
# as its own imports allow.
ORDER = (
    "engines",
    "storage",
    "training",
    "commands",
    "features",
    "display",
    "config",
    "command_line",
    "storage.atomic_files",
    "storage.latex_text",
    "storage.latex_tables",
    "tables",
    "engines.bootstrap",
    "engines.collinearity",
    "figures.style",
    "figures.series",
    "figures.pgf",
    "figures.choices",
    "figures.export",
    "figures.*",
    "figures.redraw",
    "figures.__main__",
    "figures",
    "engines.float32_edges",
    "forest",
    "engines.tree_walks",
    "ensembles",
    "policies",
    "engines.policy_argument",
    "storage.safe_files",
    "storage.estimator_files",
    "storage.policy_files",
    "environments",
    "episodes",
    "training.seeding",
    "training.learners",
    "training.acting",
    "attributions.enumeration",
    "attributions.permutations",
    "attributions.leaf_tables",
    "attributions.group_tables",
    "attributions.leaf_groups",
    "attributions.leaf_boxes",
    "attributions.boosted_worths",
    "attributions.lane_kernel",
    "attributions.forest_games",
    "attributions.results",
    "attributions.dispatch",
    "attributions.warm_up",
    "attributions",
    "engines.importance_measures",
    "engines.plane_rectangles",
    "engines.command_plane",
    "engines.command_changes",
    "engines.command_support",
    "engines.command_influence",
    "engines.command_flips",
    "engines.obedience_measures",
    "engines.sweep_levels",
    "engines.sweep_intervals",
    "engines.estimator_labels",
    "engines.published_returns",
    "engines.run_groups",
    "storage.stored_run",
    "analysis.*",
    "analysis",
    "storage.paper_runs",
    "runs",
    "sweep",
    "train",
    "probes",
    "report.options",
    "report.gather",
    "report.page_cells",
    "report.page_images",
    "report.page",
    "report.workbench",
    "report.return_sections",
    "report.input_sections",
    "report.command_sections",
    "report.decision_sections",
    "report.build",
    "report.__main__",
    "report",
)
ANALYSES_MUST_NOT_IMPORT = (
    "runs",
    "train",
    "sweep",
    "probes",
    "figures",
    "storage.paper_runs",
    "storage.policy_files",
    "report",
)
MATPLOTLIB_ALLOWED = ("figures", "report")
# The lazy public names, which TYPE_CHECKING imports repeat for this test; scikit-learn's classifiers by their name.
IMPORT_BY_NAME_ALLOWED = {"", "figures", "training.learners"}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_modules(tree):
    """Every module named by an import statement anywhere in the file: top level, functions, TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; write the module's full name"
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                is_module = deeper.removeprefix("udrl_explain.") in MODULES and deeper.startswith("udrl_explain.")
                yield deeper if is_module else node.module, node.lineno


def own_imports(name, text):
    """Modules of this package that a file imports, as names without ``udrl_explain.``."""
    for imported, line in imported_modules(ast.parse(text)):
        if imported == "udrl_explain" or imported.startswith("udrl_explain."):
            yield imported.removeprefix("udrl_explain").removeprefix("."), line


def place(name):
    """Position in ORDER: of the module's own line, else of its folder's group."""
    group = f"{name.rpartition('.')[0]}.*"
    return ORDER.index(name) if name in ORDER else ORDER.index(group)


def is_placed(name):
    return name in ORDER or ("." in name and f"{name.rpartition('.')[0]}.*" in ORDER)


def faults(name, text):
    """What breaks the order in one file; each fault says what to do about it."""
    found = []
    for imported, line in dict.fromkeys(own_imports(name, text)):
        where = f"udrl_explain/{name.replace('.', '/')}, line {line}"
        if imported == "":
            found.append(f"{where}: imports from the package's root; import from the module that defines the name")
        elif not is_placed(imported):
            found.append(f"{where}: imports {imported}, which has no line in ORDER of {Path(__file__).name}")
        elif place(imported) >= place(name):
            found.append(
                f"{where}: imports {imported}, which stands at or after it in ORDER of {Path(__file__).name}. "
                "Move what both need into a module before both, or hand it over as an argument"
            )
        elif name.startswith("analysis.") and {imported, imported.split(".")[0]} & set(ANALYSES_MUST_NOT_IMPORT):
            found.append(
                f"{where}: an analysis imports {imported}; it takes policies, rows and frames as arguments instead"
            )
    return found


def test_every_module_has_a_place_in_the_order():
    strangers = [name for name in MODULES if name and not is_placed(name)]
    assert not strangers, f"add {strangers} to ORDER, as far up as their own imports allow"


def test_the_order_names_no_module_twice_and_none_that_is_gone():
    assert len(set(ORDER)) == len(ORDER)
    gone = [name for name in ORDER if not name.endswith(".*") and name not in MODULES]
    assert not gone, f"take {gone} out of ORDER: there is no such module"


@pytest.mark.parametrize("name", [name for name in MODULES if name and is_placed(name)])
def test_a_module_imports_only_from_modules_before_it(name):
    found = faults(name, MODULES[name].read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", MODULES)
def test_only_figures_draw(name):
    if name.split(".")[0] in MATPLOTLIB_ALLOWED:
        return
    text = MODULES[name].read_text(encoding="utf-8")
    drawing = [line for imported, line in imported_modules(ast.parse(text)) if imported.split(".")[0] == "matplotlib"]
    assert not drawing, f"{name}, lines {drawing}: imports matplotlib; pictures are made in udrl_explain/figures only"


@pytest.mark.parametrize("name", MODULES)
def test_no_module_hides_an_import_behind_a_name(name):
    if name in IMPORT_BY_NAME_ALLOWED:
        return
    hidden = [
        node.lineno
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and node.id in ("import_module", "__import__"))
        or (isinstance(node, ast.Attribute) and node.attr == "import_module")
    ]
    assert not hidden, f"{name}, lines {hidden}: write an import statement, which this test can read"


def test_the_root_only_names_modules():
    text = MODULES[""].read_text(encoding="utf-8")
    top_level = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name if isinstance(node, ast.Import) else node.module for node in top_level for alias in node.names}
    assert names <= set(sys.stdlib_module_names), "the root must stay light: load modules in __getattr__ only"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("commands", "from udrl_explain.runs import load_run", "stands at or after it"),
        ("commands", "def f():\n    import udrl_explain.features", "line 2: imports features"),
        ("commands", "if TYPE_CHECKING:\n    from udrl_explain.features import Feature", "line 2: imports features"),
        ("train", "from udrl_explain import TrainConfig", "package's root"),
        ("runs", "from udrl_explain import train", "imports train, which stands at or after it"),
        ("train", "from udrl_explain.nowhere import x", "no line in ORDER"),
        ("analysis.paths", "from udrl_explain.analysis.importance import COLUMNS", "stands at or after it"),
        ("analysis.paths", "from udrl_explain.figures.style import use", "an analysis imports figures.style"),
        (
            "analysis.paths",
            "from udrl_explain.storage.policy_files import load_policy",
            "an analysis imports storage.policy_files",
        ),
        ("figures.paths", "from udrl_explain.figures.importance import plot", "stands at or after it"),
    ],
)
def test_each_break_of_the_order_is_seen(name, text, message):
    (found,) = faults(name, text)
    assert message in found


def test_a_relative_import_is_seen():
    with pytest.raises(AssertionError, match="relative import"):
        faults("train", "from . import runs")
