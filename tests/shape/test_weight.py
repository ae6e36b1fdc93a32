"""What the package weighs: bytes on disk and milliseconds to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import zarrite._engine

MODULE_MB = 15
IMPORT_MS = 25
RUNS = 40

# Processor time, since the machine may be busy with other things.
COST = "import time, numpy; start = time.process_time(); import zarrite; print(1000 * (time.process_time() - start))"
NOT_IMPORTED = ("asyncio", "h5py", "scipy", "rich", "typer", "pydantic", "numcodecs", "zarr", "importlib.metadata")


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **environment}
    ).stdout


def test_the_module_is_under_15_mb() -> None:
    assert Path(zarrite._engine.__file__).stat().st_size < MODULE_MB * 1_000_000


def test_importing_costs_at_most_25_ms_more_than_numpy(tmp_path: Path) -> None:
    # As after an installation: the modules are compiled to bytecode, which the first run does.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    python(COST, **compiled)
    # Other programs make every run slower and none faster, so the quickest of them says what the import costs.
    costs = []
    while len(costs) < RUNS and min(costs, default=IMPORT_MS + 1) > IMPORT_MS:
        costs.append(float(python(COST, **compiled)))
    assert min(costs) <= IMPORT_MS, f"milliseconds: {costs}"


def test_importing_loads_nothing_optional() -> None:
    loaded = python(
        "import numpy, sys; before = set(sys.modules); import zarrite; print(*sorted(set(sys.modules) - before))"
    ).split()
    assert sorted(set(NOT_IMPORTED) & set(loaded)) == []


def test_the_engine_is_a_release_build() -> None:
    assert zarrite._engine.DEBUG is False
