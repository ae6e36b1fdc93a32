"""Imports go one way: the rules of docs/design.md, section "Who may import whom"."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shape.imports import PACKAGE, cycle, graph, module_files, room, tree

# A room (a file or folder of the package) and the rooms it may import from. Every room may import its own files.
MAY_IMPORT = {
    "errors": set(),
    "config": {"errors", "_engine"},
    "progress": {"errors"},
    "selection": {"errors"},
    "_engine": set(),
    "_verb": {"errors", "_engine"},
    "model": {"errors"},
    "codecs": {"errors", "model"},
    "dtype": {"errors", "model"},
    "formats": {"errors", "model"},
    "stores": {"errors", "_engine", "formats"},
}
OPTIONAL = ("cli", "viewer", "interop", "convert", "check", "dask", "torch", "arrow", "xarray")
"""Rooms that nothing imports, so each can be deleted. All but `check` are built on the public names."""
CHECK = {"check", "", "model", "formats", "stores", "storage", "stored", "config", "progress", "errors"}
"""What `check` may import: it holds documents against the model, which public names hide on purpose."""

DOCUMENT_NAMES = (".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json", "attributes.json")
WAITING = ("_verb", "_engine", "stores", "open", "array", "group")

MODULES = module_files()
GRAPH = graph()


def strings(module: ast.Module) -> Iterator[ast.Constant]:
    """The string literals of a module that are not documentation."""
    prose = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


def is_format_number(node: ast.expr) -> bool:
    """Whether an expression is the attribute or variable that holds a node's format."""
    return (isinstance(node, ast.Attribute) and node.attr == "zarr_format") or (
        isinstance(node, ast.Name) and node.id == "zarr_format"
    )


def holds_number(node: ast.AST) -> bool:
    """Whether an expression holds a literal number."""
    return any(isinstance(inner, ast.Constant) and type(inner.value) is int for inner in ast.walk(node))


def test_there_is_no_import_cycle_with_type_checking_imports_counted() -> None:
    edges: dict[str, set[str]] = {}
    for found in GRAPH:
        edges.setdefault(found.source, set()).add(found.target)
    around = cycle(edges)
    assert around is None, " -> ".join(around or ())


@pytest.mark.parametrize("source", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_lies_below_it(source: str) -> None:
    allowed = MAY_IMPORT[source] | {source}
    wrong = [str(found) for found in GRAPH if room(found.source) == source and room(found.target) not in allowed]
    assert wrong == []


@pytest.mark.parametrize("pure", ["model", "formats"])
def test_what_is_pure_reaches_nothing_that_waits_even_through_others(pure: str) -> None:
    reached = {name for name in MODULES if room(name) == pure}
    while True:
        more = {found.target for found in GRAPH if found.source in reached} - reached
        if not more:
            break
        reached |= more
    assert sorted(name for name in reached if room(name) in WAITING) == []


def test_what_users_hold_imports_in_one_order() -> None:
    order = ("cells", "node", "attributes", "array", "group", "create", "open")
    height = {name: place for place, name in enumerate(order)}
    wrong = [
        str(found)
        for found in GRAPH
        if found.source in height and found.target in height and height[found.target] >= height[found.source]
    ]
    assert wrong == []


@pytest.mark.parametrize("optional", OPTIONAL)
def test_nothing_imports_what_is_optional(optional: str) -> None:
    wrong = [str(found) for found in GRAPH if room(found.target) == optional and room(found.source) != optional]
    assert wrong == []


def test_checking_sees_documents_and_models_and_nothing_that_makes_nodes() -> None:
    assert [str(found) for found in GRAPH if room(found.source) == "check" and room(found.target) not in CHECK] == []


@pytest.mark.parametrize("optional", [name for name in OPTIONAL if name != "check"])
def test_what_is_optional_uses_public_names_alone(optional: str) -> None:
    def is_public(target: str) -> bool:
        return not any(part.startswith("_") for part in target.split(".")) and room(target) not in {"model", "formats"}

    wrong = [
        str(found)
        for found in GRAPH
        if room(found.source) == optional and room(found.target) != optional and not is_public(found.target)
    ]
    assert wrong == []


def test_nothing_imports_the_names_of_zarr_python() -> None:
    wrong = [found for found in GRAPH if room(found.target) == "as_zarr" and room(found.source) not in {"as_zarr", ""}]
    assert [str(found) for found in wrong] == []


# What most programs never need is loaded by the function that does. One line each; `as_zarr` is loaded late as a whole.
LATE = {
    "claims",
    "formats.edge_fixes",
    "formats.loose",
    "looking",
    "model.gone",
    "older",
    "picture",
    "stores.adapters",
    "stores.archives",
    "stores.coroutines",
    "stores.filesystems",
    "stores.foreign",
    "stores.icechunk",
    "stores.names",
    "stores.obstores",
    "stores.remote",
    "stores.roots",
    "stores.zarr_stores",
}


def test_functions_import_only_what_is_loaded_late() -> None:
    late = [found for found in GRAPH if found.in_function and room(found.source) != "as_zarr"]
    assert [str(found) for found in late if found.target not in LATE] == []


def test_what_is_loaded_late_is_not_loaded_at_once() -> None:
    early = [found for found in GRAPH if not found.in_function and room(found.source) != "as_zarr"]
    at_once = [found for found in early if found.source not in LATE]
    assert [str(found) for found in at_once if found.target in LATE] == []


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) not in {"formats", "_engine"}])
def test_only_formats_say_the_names_of_documents(name: str) -> None:
    said = [
        f"{name}:{node.lineno} says {node.value!r}"
        for node in strings(tree(MODULES[name]))
        if any(word in node.value for word in DOCUMENT_NAMES)
    ]
    assert said == []


# xarray has a convention for each format.
@pytest.mark.parametrize("name", [name for name in MODULES if room(name) not in {"formats", "_engine", "xarray"}])
def test_only_formats_compare_a_format_number(name: str) -> None:
    module = tree(MODULES[name])
    compares = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Compare)
        and any(is_format_number(side) for side in [node.left, *node.comparators])
        and any(holds_number(side) for side in [node.left, *node.comparators])
    ]
    matches = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Match)
        and is_format_number(node.subject)
        and any(holds_number(case.pattern) for case in node.cases)
    ]
    assert compares + matches == [], f"zarrite.{name} compares a format number on these lines"


# Where `async` is written: the doors; towards stores whose methods are coroutines; and the names of zarr-python, whose
# stores, nodes, functions and codec pipelines are coroutines for those who call them.
SPEAK_ASYNC = {
    "_engine",
    "_verb",
    "as_zarr.coding",
    "as_zarr.files",
    "as_zarr.layers",
    "as_zarr.native",
    "as_zarr.nodes",
    "as_zarr.paths",
    "as_zarr.store",
    "as_zarr.sync",
    "as_zarr.waiting",
    "interop.pipeline",
    "stores.coroutines",
}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SPEAK_ASYNC])
def test_nothing_but_the_verb_speaks_async(name: str) -> None:
    module = tree(MODULES[name])
    said = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "asyncio" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "asyncio" and node.level == 0)
    ]
    assert said == [], f"zarrite.{name} speaks async on these lines"


WITHOUT = """
import zarrite
from pathlib import Path
assert Path(zarrite.__file__).parent == Path({copy!r}), zarrite.__file__
array = zarrite.create_array({{}}, shape=(4,), dtype="int32", chunks=(2,))
array[1:3] = 7
assert array[:].tolist() == [0, 7, 7, 0]
"""


@pytest.mark.parametrize("optional", [name for name in OPTIONAL if (PACKAGE / name).exists()])
def test_a_package_without_what_is_optional_works(optional: str, tmp_path: Path) -> None:
    copy = tmp_path / "zarrite"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(copy / optional)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT.format(copy=str(copy))],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
