"""The examples of docstrings run."""

from __future__ import annotations

import doctest
import importlib
import sys
from pathlib import Path

import pytest

from shape.imports import PACKAGE, module_files
from zarrite.errors import MissingDependencyError

MODULES = [name for name in module_files() if name != "_engine" and not name.endswith("__main__")]


@pytest.mark.parametrize("name", MODULES, ids=lambda name: name or "zarrite")
def test_the_examples_of_a_module_run(name: str, in_tmp_path: Path) -> None:
    try:
        module = importlib.import_module(f"zarrite.{name}".removesuffix("."))
    except MissingDependencyError as missing:
        pytest.skip(str(missing))
    assert Path(module.__file__ or "").is_relative_to(PACKAGE)
    if name == "as_zarr" and "zarr" in sys.modules:
        pytest.skip("its example takes the name of zarr-python, which another test has imported")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
