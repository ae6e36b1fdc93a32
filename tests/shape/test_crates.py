"""The three crates: core computes, engine waits, py glues."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CRATES = Path(__file__).parent.parent.parent / "crates"
FORBIDDEN = {
    "core": {"tokio", "pyo3", "object_store", "futures", "rayon", "zarrite-engine", "zarrite-py"},
    "engine": {"pyo3", "numpy", "zarrite-py"},
}
# Words a crate's sources may not contain, comments aside.
UNSAID = {
    "core": ("std::fs", "std::net", "std::thread", "std::io::stdin"),
    "engine": ("pyo3",),
}
TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\n(?:pub(?:\(\w+\))? )?mod (\w+);")
DOCUMENT_NAMES = re.compile(r'"[^"\n]*(\.zarray|\.zgroup|\.zattrs|zarr\.json|attributes\.json)[^"\n]*"')


def manifest(crate: str) -> dict[str, object]:
    """A crate's Cargo.toml."""
    return tomllib.loads((CRATES / crate / "Cargo.toml").read_text())


def sources(crate: str) -> list[Path]:
    """A crate's sources without those that are compiled for tests alone."""
    files = sorted((CRATES / crate / "src").rglob("*.rs"))
    tests = {name for path in files for name in TEST_MODULE.findall(path.read_text())}
    return [path for path in files if path.stem not in tests and path.parent.name not in tests]


def code(path: Path) -> str:
    """A Rust source without its comments and without its test module."""
    text = re.split(r"\n#\[cfg\(test\)\]\nmod \w+ \{", path.read_text(), maxsplit=1)[0]
    return "\n".join(line.split("//", 1)[0] for line in text.splitlines())


@pytest.mark.parametrize("crate", sorted(FORBIDDEN))
def test_a_crate_depends_on_nothing_above_it(crate: str) -> None:
    tables = manifest(crate)
    names = {name for key in ("dependencies", "build-dependencies") for name in tables.get(key, {})}
    assert names & FORBIDDEN[crate] == set()


@pytest.mark.parametrize("crate", sorted(UNSAID))
def test_a_crate_does_not_reach_past_its_dependencies(crate: str) -> None:
    said = [
        f"{path.relative_to(CRATES)}: {word}" for path in sources(crate) for word in UNSAID[crate] if word in code(path)
    ]
    assert said == []


def test_no_crate_knows_the_name_of_a_document() -> None:
    said = [
        str(path.relative_to(CRATES))
        for crate in ("core", "engine", "py")
        for path in sources(crate)
        if DOCUMENT_NAMES.search(code(path))
    ]
    assert said == []


def test_every_crate_has_the_version_of_the_workspace() -> None:
    versions = {path.name: manifest(path.name)["package"]["version"] for path in CRATES.iterdir() if path.is_dir()}
    assert versions == {name: {"workspace": True} for name in ("core", "engine", "py")}


def test_core_is_unsafe_only_where_it_copies_cells_and_in_codecs() -> None:
    unsafe = [path for path in sources("core") if re.search(r"\bunsafe\b", code(path))]
    assert [path.name for path in unsafe if "codecs" not in path.parts and path.stem not in {"copy", "cells"}] == []
