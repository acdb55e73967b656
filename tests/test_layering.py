"""The one-way order of the package, read from the import statements."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "udrl_explain"

# Floors, lowest first; a name is a file or a folder at the top of the package. A module imports from lower floors, or
# from its own folder as long as no circle comes of it.
FLOORS = (
    ("commands", "compiled", "parallel", "self_check", "settings"),
    ("versions", "names", "config", "results", "command_line"),
    ("files",),
    ("tables",),
    ("forest",),
    ("trees",),
    ("policies",),
    ("printing",),
    ("statistics",),
    ("figures",),
    ("environments",),
    ("episodes",),
    ("attributions",),
    ("rollouts",),
    ("command_space",),
    ("analysis",),
    ("runs",),
    ("probes",),
    ("training",),
    ("playing", "studying"),
    ("train", "sweep", "study", "performance", "import_paper"),
    ("report",),
    ("player",),
    ("__main__",),
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
# They stand below, but an analysis takes what it needs as an argument and draws nothing.
ANALYSES_MUST_NOT_IMPORT = {"figures", "files"}
MATPLOTLIB_ALLOWED = ("figures", "report")
# The lazy public names, which TYPE_CHECKING imports repeat for this test; scikit-learn's classifiers and a report's
# sections by their name; and the figures of results, which one line of `results` finds for every `plot()`.
IMPORT_BY_NAME_ALLOWED = {"", "results", "figures", "report.answers", "training.learners"}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def top(name):
    return name.split(".")[0]


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


def own_imports(text):
    """Modules of this package that a file imports, as names without ``udrl_explain.``."""
    for imported, line in dict.fromkeys(imported_modules(ast.parse(text))):
        if imported == "udrl_explain" or imported.startswith("udrl_explain."):
            yield imported.removeprefix("udrl_explain").removeprefix("."), line


def faults(name, text):
    """What breaks the order of the floors in one file; each fault says what to do about it."""
    found = []
    for imported, line in own_imports(text):
        where = f"udrl_explain/{name.replace('.', '/')}, line {line}"
        if imported == "":
            found.append(f"{where}: imports from the package's root; import from the module that defines the name")
        elif top(imported) not in FLOOR_OF:
            found.append(f"{where}: imports {imported}, which has no floor in {Path(__file__).name}")
        elif top(imported) != top(name) and FLOOR_OF[top(imported)] >= FLOOR_OF[top(name)]:
            found.append(
                f"{where}: imports {imported}, which stands on its own floor or above it. "
                "Move what both need to a lower floor, or hand it over as an argument"
            )
        elif top(name) == "analysis" and top(imported) in ANALYSES_MUST_NOT_IMPORT:
            found.append(
                f"{where}: an analysis imports {imported}; it takes policies, rows and frames as arguments instead"
            )
    return found


def circle(imports):
    """Modules of one folder that import one another in a circle, or None; `imports` holds sets by module."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as fault:
        return fault.args[1]
    return None


def test_every_module_has_a_floor():
    strangers = {top(name) for name in MODULES if name} - set(FLOOR_OF)
    assert not strangers, f"give {strangers} a floor, as low as their own imports allow"


def test_the_floors_name_nothing_twice_and_nothing_that_is_gone():
    assert sum(map(len, FLOORS)) == len(FLOOR_OF)
    gone = set(FLOOR_OF) - {top(name) for name in MODULES}
    assert not gone, f"take {gone} off its floor: there is no such module"


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_a_module_imports_only_from_lower_floors(name):
    found = faults(name, MODULES[name].read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", sorted({top(name) for name in MODULES if "." in name}))
def test_no_folder_holds_a_circle(folder):
    inside = [name for name in MODULES if top(name) == folder]
    imports = {name: {i for i, _ in own_imports(MODULES[name].read_text(encoding="utf-8"))} for name in inside}
    found = circle({name: {i for i in imports[name] if i in inside} for name in inside})
    assert found is None, f"these import one another in a circle: {' -> '.join(found)}"


@pytest.mark.parametrize("name", MODULES)
def test_only_figures_draw(name):
    if top(name) in MATPLOTLIB_ALLOWED:
        return
    text = MODULES[name].read_text(encoding="utf-8")
    drawing = [line for imported, line in imported_modules(ast.parse(text)) if top(imported) == "matplotlib"]
    assert not drawing, f"{name}, lines {drawing}: imports matplotlib; pictures are made in udrl_explain/figures only"


@pytest.mark.parametrize("name", [name for name in MODULES if name != "parallel"])
def test_only_parallel_makes_threads(name):
    imported = {top(module) for module, _ in imported_modules(ast.parse(MODULES[name].read_text(encoding="utf-8")))}
    assert not imported & {"concurrent", "threading", "joblib"}, "use udrl_explain/parallel.py"


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
        ("commands", "from udrl_explain.runs import load_run", "its own floor or above it"),
        ("commands", "def f():\n    import udrl_explain.names", "line 2: imports names"),
        ("commands", "if TYPE_CHECKING:\n    from udrl_explain.names import Feature", "line 2: imports names"),
        ("train", "from udrl_explain import TrainConfig", "package's root"),
        ("runs.loading", "from udrl_explain import train", "imports train, which stands on its own floor or above"),
        ("names", "from udrl_explain.config import TrainConfig", "its own floor or above it"),
        ("train", "from udrl_explain.nowhere import x", "no floor"),
        ("analysis.paths.box", "from udrl_explain.figures.style import use", "an analysis imports figures.style"),
        ("analysis.timeline", "from udrl_explain.files.reading import f", "an analysis imports files.reading"),
    ],
)
def test_each_break_of_the_order_is_seen(name, text, message):
    (found,) = faults(name, text)
    assert message in found


def test_a_circle_is_seen_and_named():
    assert circle({"a.x": {"a.y"}, "a.y": {"a.z"}, "a.z": {"a.x"}, "a.w": {"a.x"}}) is not None
    assert circle({"a": {"a.x"}, "a.x": {"a"}}) is not None, "a module that imports its own folder's face"
    assert circle({"a.x": {"a.y"}, "a.y": set(), "a": {"a.x", "a.y"}}) is None


def test_a_relative_import_is_seen():
    with pytest.raises(AssertionError, match="relative import"):
        faults("train", "from . import runs")
