"""Reads the import graph of the package out of its source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "python" / "zarrite"


@dataclass(frozen=True)
class Import:
    """One module importing another."""

    source: str
    target: str
    line: int
    in_function: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def module_files() -> dict[str, Path]:
    """Every module by its dotted name below `zarrite`; the package itself is ''. A stub stands for the engine."""
    files = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    files["_engine"] = PACKAGE / "_engine.pyi"
    return files


def tree(path: Path) -> ast.Module:
    """The parsed source of a file."""
    return ast.parse(path.read_text(), str(path))


def room(module: str) -> str:
    """The first word of a module's name: the file or folder of the package that it lives in."""
    return module.split(".", 1)[0]


def _in_functions(module: ast.Module) -> set[ast.AST]:
    functions = (n for n in ast.walk(module) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
    return {inner for function in functions for inner in ast.walk(function)}


def _absolute(node: ast.ImportFrom, importer: str, is_package: bool) -> str:
    """The dotted name that a `from ... import` starts from, below `zarrite`, or '!' for another package."""
    if node.level == 0:
        name = node.module or ""
        return name.removeprefix("zarrite").removeprefix(".") if name.split(".")[0] == "zarrite" else "!"
    parts = importer.split(".") if importer else []
    up = node.level - (1 if is_package else 0)
    parts = parts[: len(parts) - up] if up else parts
    return ".".join([*parts, *([node.module] if node.module else [])])


def imports_of(name: str, path: Path, modules: dict[str, Path]) -> Iterator[Import]:
    """What one module imports from the package, type-checking and in-function imports included."""
    module = tree(path)
    inside = _in_functions(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "zarrite":
                    yield Import(
                        name, alias.name.removeprefix("zarrite").removeprefix("."), node.lineno, node in inside
                    )
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(node, name, path.name == "__init__.py")
            if start == "!":
                continue
            for alias in node.names:
                whole = f"{start}.{alias.name}".removeprefix(".")
                yield Import(name, whole if whole in modules else start, node.lineno, node in inside)


def graph() -> list[Import]:
    """Every import between two modules of the package."""
    modules = module_files()
    return [found for name, path in modules.items() for found in imports_of(name, path, modules)]


def cycle(edges: dict[str, set[str]]) -> list[str] | None:
    """One cycle of a directed graph as the names along it, or None."""
    done: set[str] = set()
    path: list[str] = []

    def visit(node: str) -> list[str] | None:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return None
        path.append(node)
        for target in sorted(edges.get(node, ())):
            if (found := visit(target)) is not None:
                return found
        path.pop()
        done.add(node)
        return None

    for start in sorted(edges):
        if (found := visit(start)) is not None:
            return found
    return None
