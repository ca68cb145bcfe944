"""The layout of the code: floors, folders, import cycles, names, and the size of functions."""

import ast
import builtins
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

FLOORS = ["data", "evals", "pipeline", "workbench"]  # each may import itself and those before it
TRAINING = {"jax", "flax", "grain", "optax", "orbax", "qwix", "transformers", "tunix"}
HUBS = {"datasets", "kagglehub"}
FLAT = {  # the only modules that lie in a floor itself
    "data": {"errors", "progress", "response_format", "worker_pool"},
    "evals": {"contamination"},
    "pipeline": {"distributed", "stopping"},
    "workbench": {"__main__", "doctor"},
}
# modules of pipeline that run without the training packages
LIGHT = (
    "pipeline.config.preset",
    "pipeline.config.sizes",
    "pipeline.stopping",
    "pipeline.job.prepare",
    "pipeline.job.inputs",
    "pipeline.train.rewards.parts",
    "pipeline.train.rewards.reward_file",
    "pipeline.train.rewards.reward_replay",
    "pipeline.preflight.estimate",
    "pipeline.preflight.report",
    "pipeline.job.served_evaluation",
)
SCRIPTS = ("page.py", "asgi.py", "__main__.py", "overview.py", "failures.py")  # run when imported
VAGUE = set(
    "asked every found held kept known made mine others place places said told".split()  # noqa: SIM905
)
FILES = [file for floor in FLOORS for file in sorted((ROOT / floor).rglob("*.py"))]
FOLDERS = sorted({file.parent for file in FILES if file.parent.parent != ROOT})
BENCHMARKS = sorted({file.parent for file in (ROOT / "benchmarks").rglob("*.py")})


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def of_all(things: Iterable[Any]) -> Callable[[Callable[[Any], None]], Callable[[], None]]:
    """Makes a check of one thing a test of all, which fails with each that fails.

    Not parametrized: three thousand tests of a millisecond take 20 s to be collected and reported.
    """

    def all_of(check: Callable[[Any], None]) -> Callable[[], None]:
        def test() -> None:
            failures = {}
            for thing in things:
                try:
                    check(thing)
                except AssertionError as error:
                    failures[_label(thing)] = str(error)
            assert not failures, "\n".join(f"{name}: {why}" for name, why in failures.items())

        return test

    return all_of


def _label(thing: Any) -> str:
    if isinstance(thing, Path):
        return shown(thing)
    return (
        f"{thing.name}, line {thing.lineno}" if isinstance(thing, ast.FunctionDef) else str(thing)
    )


@cache
def distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def dotted(file: Path) -> str:
    return shown(file.with_suffix("")).replace("/", ".").removesuffix(".__init__")


MODULES = {dotted(file): file for file in FILES}
PACKAGES = {name for name, file in MODULES.items() if file.name == "__init__.py"}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


@cache
def nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(tree(file)))


@cache
def imported_modules(file: Path) -> set[str]:
    """Every module that `file` imports, anywhere in it; names of a package count as the package."""
    names = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names.add(full if full in MODULES else defining_module(node.module, alias.name))
    return names


@cache
def exports(package: str) -> dict[str, str]:
    """The names that a package exports, each with the module that defines it."""
    stub = MODULES[package].with_name("__init__.pyi")
    if not stub.exists():
        return {}
    return {
        alias.name: f"{package}.{node.module}"
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def defining_module(module: str, name: str) -> str:
    return exports(module).get(name, module) if module in PACKAGES else module


def packages_imported(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imported_modules(file)}


@of_all(FILES)
def test_imports_point_down(file):
    floor = FLOORS.index(file.relative_to(ROOT).parts[0])
    forbidden = set(FLOORS[floor + 1 :])
    if FLOORS[floor] != "workbench":
        forbidden.add("streamlit")
    if FLOORS[floor] != "pipeline":
        forbidden |= TRAINING
    assert not packages_imported(file) & forbidden


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node (Tarjan, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    components = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for successor in graph.get(node, ()):
            if successor not in order:
                visit(successor)
                lowest[node] = min(lowest[node], lowest[successor])
            elif successor in stack:
                lowest[node] = min(lowest[node], order[successor])
        if lowest[node] == order[node]:
            position = stack.index(node)
            component = sorted(stack[position:])
            del stack[position:]
            if len(component) > 1:
                components.append(component)

    for node in graph:
        if node not in order:
            visit(node)
    return components


def test_the_search_for_cycles_finds_one():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: {other for other in imported_modules(file) if other in MODULES} - {name}
        for name, file in MODULES.items()
    }
    assert cycles(graph) == []


@pytest.mark.parametrize("floor", FLOORS)
def test_no_module_lies_flat_in_a_floor_but_a_few(floor):
    flat = {file.stem for file in (ROOT / floor).glob("*.py")} - {"__init__"}
    assert flat <= FLAT[floor]


def entries(folder: Path) -> list[str]:
    """Modules, folders and data files of a folder, without its __init__ and caches."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.stem != "__init__" and not path.name.startswith((".", "__pycache__"))
    )


@of_all([*FOLDERS, *BENCHMARKS])
def test_a_folder_has_three_to_twelve_entries(folder):
    # __init__.py counts towards the three: a page of two files is a folder
    assert len(entries(folder)) + 1 >= 3
    assert len(entries(folder)) <= 12


@of_all(FOLDERS)
def test_a_folder_says_its_idea_in_one_line_and_loads_nothing(folder):
    body = tree(folder / "__init__.py").body
    docstring = ast.get_docstring(tree(folder / "__init__.py")) or ""
    assert docstring.strip()
    assert "\n" not in docstring
    assert {
        alias.name for node in body if isinstance(node, ast.Import) for alias in node.names
    } <= {"lazy_loader"}
    assert not [node for node in body if isinstance(node, ast.ImportFrom)]


@of_all(sorted(PACKAGES - set(FLOORS)))
def test_what_a_folder_exports_is_defined_in_the_file_that_it_names(name):
    for exported, module in exports(name).items():
        assert exported in names_bound(MODULES[module]), f"{module} does not define {exported}"


@cache
def names_bound(file: Path) -> set[str]:
    """Names that a module binds at its top level."""
    names = set()
    for node in tree(file).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            names |= {
                child.id
                for child in ast.walk(node)
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)
            }
    return names


@of_all(FILES)
def test_a_name_of_another_folder_is_imported_from_the_folder(file):
    # a function named like its file cannot be exported: the package's attribute is the module
    inside = file.parent
    for node in nodes(file):
        if not (isinstance(node, ast.ImportFrom) and node.module in MODULES):
            continue
        target = MODULES[node.module]
        if target.name == "__init__.py" or target.parent in (
            inside,
            ROOT / shown(target).split("/")[0],
        ):
            continue
        siblings = {path.stem for path in target.parent.iterdir()}
        twice = [
            alias.name
            for alias in node.names
            if sum(alias.name in defined_in(other) for other in target.parent.glob("*.py")) > 1
        ]
        deep = [a.name for a in node.names if a.name not in siblings and a.name not in twice]
        assert deep == []


@of_all(FILES)
def test_a_file_that_is_imported_from_its_folder_is_used_as_a_file(file):
    # `from folder import name` gives the file of that name, not its function of the same name
    files = {
        alias.asname or alias.name
        for node in nodes(file)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in MODULES
    }
    calls = [node.func for node in nodes(file) if isinstance(node, ast.Call)]
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    assert not files & called


@cache
def defined_in(file: Path) -> set[str]:
    """Names that a module defines or exports again, without those that it only imports."""
    imported = {
        alias.name
        for node in tree(file).body
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
        if alias.asname is None
    }
    return names_bound(file) - imported


@of_all(FILES)
def test_only_the_sources_ask_a_hub_for_rows(file):
    if not shown(file).startswith("data/sources/"):
        allowed = {"kagglehub"} if "pipeline" in file.parts else set()
        assert not packages_imported(file) & (HUBS - allowed)


@of_all(FILES)
def test_a_file_says_its_idea_in_its_first_line(file):
    assert file.read_text().startswith(('"""', 'r"""'))
    assert (ast.get_docstring(tree(file)) or "").strip()


@of_all(FILES)
def test_a_file_holds_one_idea(file):
    assert len(file.read_text().splitlines()) < 500


@cache
def bound(file: Path) -> set[str]:
    """Variables, parameters, functions and classes of a file, without methods and fields."""
    members = {
        id(member) for node in nodes(file) if isinstance(node, ast.ClassDef) for member in node.body
    }
    names = set()
    for node in nodes(file):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and id(node) not in members:
            names.add(node.name)
    return names


@of_all(FILES)
def test_a_name_says_what_the_thing_is(file):
    assert {name for name in bound(file) if name.strip("_") in VAGUE} == set()


@of_all(FILES)
def test_no_name_hides_a_builtin(file):
    hidden = {name for name in dir(builtins) if name.islower() and not name.startswith("_")}
    fields = {
        target.id
        for node in nodes(file)
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.AnnAssign) and isinstance(target := member.target, ast.Name)
    }
    assert bound(file) & hidden - fields == set()


TRAINING_FUNCTIONS = [
    node
    for file in sorted((ROOT / "pipeline/train").glob("*.py"))
    for node in nodes(file)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


@of_all(TRAINING_FUNCTIONS)
def test_a_function_of_training_can_be_read_at_once(function):
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    assert function.end_lineno - function.lineno + 1 < 60
    assert len([one for one in parameters if one.arg not in ("self", "cls")]) <= 8
    assert not [node for node in ast.walk(function) if isinstance(node, ast.Nonlocal)]


def test_tests_mirror_the_folders():
    folders = {shown(folder) for folder in FOLDERS} | set(FLOORS)
    mirrored = {
        shown(file.parent).removeprefix("tests/")
        for file in (ROOT / "tests").rglob("test_*.py")
        if file.parent != ROOT / "tests"
    }
    assert mirrored - folders == set()


def test_no_app_module_hides_a_library():
    # `streamlit run workbench/app/main.py` puts workbench/app/ first on sys.path
    taken = sys.stdlib_module_names | distributions().keys()
    names = {path.stem for path in (ROOT / "workbench/app").iterdir()}
    assert not names & taken - {"__init__"}


@pytest.mark.parametrize("name", FLOORS)
def test_no_dependency_owns_our_names(name):
    assert set(distributions().get(name, [])) <= {"thinkbench"}


def test_what_only_reads_starts_without_jax():
    readers = [
        name
        for name, file in MODULES.items()
        if name.split(".")[0] != "pipeline"
        and file.name not in SCRIPTS
        and name != "workbench.app.main"
    ]
    modules = ", ".join([*readers, *LIGHT])
    program = f"import sys, {modules}; print(sorted({TRAINING} & sys.modules.keys()))"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"


def test_a_folder_loads_nothing_until_a_name_is_used():
    folders = [dotted(folder / "__init__.py") for folder in FOLDERS]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "print(sorted({'jax', 'polars', 'duckdb', 'streamlit'} & sys.modules.keys()))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program, *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == "[]\n"


def test_the_map_of_the_architecture_names_every_folder():
    text = (ROOT / "docs/architecture.md").read_text()
    [drawn] = re.findall(r"```text\n(data/.*?)```", text, flags=re.DOTALL)
    named = set(re.findall(r"[a-z_]+(?=/)", drawn))
    assert {folder.name for folder in FOLDERS} <= named
