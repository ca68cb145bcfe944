"""The files of ours that a module imports, read from the sources: nothing is imported for it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = ("data", "evals", "pipeline")
DATA = (".toml", ".jinja")  # files that code reads; weights and tokenizers are inputs of a run
KNOBS = "pipeline/presets"  # whose tables are values of a run's configuration

Sources = Mapping[str, bytes]  # path from the root -> content


def sources_in(root: Path) -> dict[str, bytes]:
    """The code of the floors below `root`, its stubs, and the data that it reads."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for floor in FLOORS
        for path in sorted((root / floor).rglob("*"))
        if path.suffix in (".py", ".pyi", *DATA) and path.is_file()
    }


def files_imported_by(module: str, sources: Sources) -> list[str]:
    """The file of `module`, those that it imports, those that these import, ...; sorted.

    An import anywhere in a file counts, but for those that only a type checker sees. A name of a
    folder stands for the file that defines it. Data files beside these files belong to them, and
    so do those whose name is a text in one of them.
    """
    start = _file_of(module, sources)
    if start is None:
        raise ValueError(f"module {module!r} is in none of {', '.join(FLOORS)}.")
    files, pending = {start}, [start]
    while pending:
        new = set(_imported(pending.pop(), sources)) - files
        files |= new
        pending += new
    return sorted(files | set(_data_of(files, sources)))


def module_of(file: str) -> str:
    """The dotted name of the module in `file`."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def packages_imported_by(files: list[str], sources: Sources) -> set[str]:
    """The first parts of the names of all modules that these files import."""
    return {
        module.split(".")[0]
        for file in files
        if file.endswith(".py")
        for module, _ in _read(sources[file]).imports
    }


def _data_of(files: set[str], sources: Sources) -> Iterator[str]:
    """The data files that lie beside one of `files` or whose name stands in one."""
    folders = {_folder(file) for file in files}
    names = {text for file in files for text in _read(sources[file]).data}
    for path in sources:
        if path.endswith(DATA) and _folder(path) != KNOBS:
            folder, _, name = path.rpartition("/")
            if folder in folders or name in names:
                yield path


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _file_of(module: str, sources: Sources) -> str | None:
    """The file of a module of ours; of a folder its __init__.py."""
    path = module.replace(".", "/")
    candidates = (f"{path}/__init__.py", f"{path}.py")
    return next((file for file in candidates if file in sources), None)


def _imported(file: str, sources: Sources) -> Iterator[str]:
    """The files that `file` imports itself."""
    for module, name in _read(sources[file]).imports:
        if (target := _defining(module, name, sources)) is not None:
            yield target


@dataclass(frozen=True)
class _Names:
    """What one file names.

    imports: modules, each with the name that is taken from it, or ""
    data:    texts that may be names of data files
    """

    imports: list[tuple[str, str]]
    data: set[str]


@cache  # by content: stages share most files
def _read(content: bytes) -> _Names:
    names = _Names([], set())
    nodes = list(_executed(ast.parse(content)))
    for node in nodes:
        if isinstance(node, ast.Import):
            names.imports.extend((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.imports.extend((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).endswith(DATA):
            names.data.add(str(node.value))
    names.imports.extend(_of_folders(nodes))
    return names


def _of_folders(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """`folder.name`, where `folder` is imported, as an import of `name` from it."""
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in nodes:
        of = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and isinstance(of, ast.Name) and of.id in modules:
            yield modules[of.id], node.attr


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `node`, without what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)


def _defining(module: str, name: str, sources: Sources) -> str | None:
    """The file that defines `name` of `module`; None where the module is not ours."""
    file = _file_of(module, sources)
    if file is None or not file.endswith("/__init__.py"):
        return file
    stub = sources.get(f"{file}i")
    if stub is not None and name in (exports := _exports(stub)):
        return _file_of(f"{module}.{exports[name]}", sources)
    return _file_of(f"{module}.{name}", sources) or file


@cache
def _exports(stub: bytes) -> dict[str, str]:
    """Name -> the module of the folder that defines it, by the folder's generated stub."""
    return {
        alias.asname or alias.name: str(node.module)
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
