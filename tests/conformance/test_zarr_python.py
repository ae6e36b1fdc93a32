"""zarr-python's own tests, run over zarrite under its name: what does not pass is listed with its reason."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PLACE = Path(__file__).parent / "zarr_python"
LEAST = 3350
"""How many cases pass at least; `run.py` says how many there are, and what became of each kind."""
STRICTLY = 2550
"""How many of those that are no tests of stores pass at least as they are written, texts and warnings included."""


def module(name: str) -> ModuleType:
    """A file of the harness, which stands beside no package."""
    spec = importlib.util.spec_from_file_location(name, PLACE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(found)
    finally:
        sys.path[:] = before
    return found


@pytest.mark.parametrize("name", ["differences", "wider"])
def test_every_pattern_names_tests_and_has_one_reason(name: str) -> None:
    differences = module(name).DIFFERENCES
    patterns = [pattern for listed in differences.values() for pattern in listed]
    assert len(patterns) == len(set(patterns))
    assert all("::" in pattern and pattern.startswith("test_") for pattern in patterns)
    assert all(reason and reason[-1] != "." for reason in differences)


def test_zarr_pythons_tests_pass_but_for_those_that_are_listed() -> None:
    run = module("run")
    folder = run.sdist()
    if folder is None:
        pytest.skip("ZARRITE_ZARR_PYTHON names no folder of zarr-python's source; run.py downloads it")
    why = run.lacking()
    if why:
        pytest.skip(why)
    result = run.judged(run.report(folder))
    assert result.unlisted == {}
    assert result.passed >= LEAST, dict(result.counts)
    assert result.strictly >= STRICTLY, dict(result.subset)


@pytest.mark.parametrize("group", ["machines", "wider"])
def test_more_of_them_pass_but_for_those_that_are_listed(group: str) -> None:
    wider = module("wider")
    folder = module("run").sdist()
    if folder is None:
        pytest.skip("ZARRITE_ZARR_PYTHON names no folder of zarr-python's source; wider.py downloads it")
    why = wider.lacking()
    if why:
        pytest.skip(why)
    assert wider.tried(folder, group).unlisted == {}
