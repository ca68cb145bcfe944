"""The files of ours that a module imports, read from the sources: nothing is imported for it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = ("data", "evals", "pipeline")
TABLES = ".toml"  # that the code beside them reads
KNOBS = "pipeline/presets"  # whose tables are values of a run's configuration


@cache
def files_imported_by(module: str, root: Path = ROOT) -> tuple[Path, ...]:
    """The file of `module`, those that it imports, those that these import, ...; sorted.

    An import anywhere in a file counts, but for those that only a type checker sees. A name of a
    folder stands for the file that defines it. Tables beside these files belong to them.
    """
    start = _file_of(module, root)
    if start is None:
        raise ValueError(f"module {module!r} is in none of {', '.join(FLOORS)}.")
    files, pending = {start}, [start]
    while pending:
        new = set(_imported(pending.pop(), root)) - files
        files |= new
        pending += new
    tables = {
        table
        for folder in {file.parent for file in files} - {root / KNOBS}
        for table in folder.glob(f"*{TABLES}")
    }
    return tuple(sorted(files | tables))


def _file_of(module: str, root: Path) -> Path | None:
    """The file of a module of ours; of a folder its __init__.py."""
    if module.split(".")[0] not in FLOORS:
        return None
    path = root.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """The files that `file` imports itself."""
    for node in _executed(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            pairs = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            pairs = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in pairs:
            if (target := _defining(module, name, root)) is not None:
                yield target


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below `node`, without what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)


def _defining(module: str, name: str, root: Path) -> Path | None:
    """The file that defines `name` of `module`; None where the module is not ours."""
    file = _file_of(module, root)
    if file is None or file.name != "__init__.py":
        return file
    if name in (exports := _exports(file.with_name("__init__.pyi"))):
        return _file_of(f"{module}.{exports[name]}", root)
    return _file_of(f"{module}.{name}", root) or file


@cache
def _exports(stub: Path) -> dict[str, str]:
    """Name -> the module of the folder that defines it, by the folder's generated stub."""
    if not stub.is_file():
        return {}
    return {
        alias.asname or alias.name: str(node.module)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
