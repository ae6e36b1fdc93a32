"""What the package weighs: bytes on disk and milliseconds to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import zarrite._engine

MODULE_MB = 15
NUMPYS = 0.7
MODULES = 96
RUNS = 15

# Processor time, since the machine may be busy with other things; of this thread, since those of NumPy's linear
# algebra spin for a while.
COST = """
from time import thread_time as now
start = now()
import numpy
between = now()
import zarrite
print(1000 * (between - start), 1000 * (now() - between))
"""
NOT_IMPORTED = ("asyncio", "h5py", "scipy", "rich", "typer", "pydantic", "numcodecs", "zarr", "importlib.metadata")


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **environment}
    ).stdout


def loaded() -> set[str]:
    """The modules that importing zarrite loads beyond NumPy's."""
    return set(
        python(
            "import numpy, sys; before = set(sys.modules); import zarrite; print(*sorted(set(sys.modules) - before))"
        ).split()
    )


def test_the_module_is_under_15_mb() -> None:
    assert Path(zarrite._engine.__file__).stat().st_size < MODULE_MB * 1_000_000


def test_importing_costs_a_fraction_of_what_numpy_costs(tmp_path: Path) -> None:
    # As after an installation: the modules are compiled to bytecode, which the first run does.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    python(COST, **compiled)
    # Other programs make every run slower and none faster, so the quickest of them say what the imports cost. NumPy is
    # the measure: 25 ms of zarrite's were 90 ms of NumPy's where this was written, and machines differ.
    costs = [tuple(map(float, python(COST, **compiled).split())) for _ in range(RUNS)]
    numpy, zarrite = map(min, zip(*costs, strict=True))
    assert zarrite <= NUMPYS * numpy, f"milliseconds: {costs}"


def test_importing_loads_few_modules() -> None:
    assert len(loaded()) <= MODULES


def test_importing_loads_nothing_optional() -> None:
    assert sorted(set(NOT_IMPORTED) & loaded()) == []


def test_the_engine_is_a_release_build() -> None:
    assert zarrite._engine.DEBUG is False
