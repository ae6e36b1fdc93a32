"""What xarray and dask test of zarr, run over zarrite: nothing fails that is not listed here with its reason.

A sample runs always, where the libraries and their tests are installed; `ZARRITE_SUITES=all` runs everything, and
`ZARRITE_SUITES_PYTHON` names an interpreter that has them, such as one without zarr-python.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import zarrite

TESTS = Path(__file__).parent.parent
PACKAGE = Path(zarrite.__file__).parent.parent
PYTHON = os.environ.get("ZARRITE_SUITES_PYTHON", sys.executable)
ALL = os.environ.get("ZARRITE_SUITES") == "all"


class Suite(NamedTuple):
    """Tests of a library.

    Attributes:
        module: what they are in.
        every: which of them are about zarr, as pytest's `-k` has it.
        some: a sample of these.
        passes: how many pass at least when all run.
        differs: cases that fail, by patterns of their names, with the reason.
    """

    module: str
    every: str
    some: str
    passes: int
    differs: dict[str, str]


READS_FIRST = (
    "counts how often documents are read: zarrite reads one again before it changes it, so that no change of another "
    "program is lost"
)
OTHER_WAY = "counts calls of AsyncGroup.getitem, through which zarr-python's own groups find their members"

OWN_READS = "counts calls of zarr.AsyncArray's methods; what zarrite's backend awaits is its own read"
SILENT = "wants a warning; zarrite's backend opens what is there, consolidated or not, and says nothing"
WORDS = "wants xarray's sentence for an array without names for axes; zarrite's backend has its own, a KeyError too"

SUITES = {
    "xarray": Suite(
        "xarray.tests.test_backends",
        "zarr or Zarr",
        "TestZarrDictStore and (append or region)",
        1526,
        {
            "TestInstrumentedZarrStore::test_append": READS_FIRST,
            "TestInstrumentedZarrStore::test_region_write": READS_FIRST,
            "TestZarrWriteEmpty::test_avoid_excess_metadata_calls*": OTHER_WAY,
        },
    ),
    "xarray, engine zarrite": Suite(
        "xarray.tests.test_backends",
        "zarr or Zarr",
        "TestZarrDictStore and (append or region)",
        1460,
        {
            "TestInstrumentedZarrStore::test_append": READS_FIRST,
            "TestInstrumentedZarrStore::test_region_write": READS_FIRST,
            "TestZarrWriteEmpty::test_avoid_excess_metadata_calls*": OTHER_WAY,
            "TestZarrDictStore::test_indexing*": OWN_READS,
            "TestZarrDictStore::test_async_load_multiple_variables*": OWN_READS,
            "TestZarrDictStore::test_concurrent_load_multiple_objects*": OWN_READS,
            "*::test_read_non_consolidated_warning*": SILENT,
            "test_raises_key_error_on_invalid_zarr_store*": WORDS,
        },
    ),
    "dask": Suite("dask.array.tests.test_array_core", "zarr", "zarr", 33, {}),
}


def outcomes(suite: Suite, folder: Path, **environment: str) -> dict[str, str]:
    """What came of the cases of a suite, by name."""
    report = folder / "report.json"
    words = ["-p", "libraries.suites", "-p", "no:cacheprovider", "-p", "no:randomly", "-q", "--tb=short"]
    done = subprocess.run(
        [PYTHON, "-m", "pytest", *words, "--pyargs", suite.module, "-k", suite.every if ALL else suite.some],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(TESTS)]),
            "SUITES_REPORT": str(report),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    (folder / "output.txt").write_text(done.stdout, encoding="utf-8")
    found: dict[str, str] = json.loads(report.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", SUITES)
def test_nothing_fails_that_is_not_listed(tmp_path: Path, name: str) -> None:
    suite = SUITES[name]
    library, _, engine = name.partition(", engine ")
    if sys.executable == PYTHON and any(
        importlib.util.find_spec(module) is None for module in (library, suite.module.rpartition(".")[0])
    ):
        pytest.skip(f"{suite.module} is not installed")
    found = outcomes(suite, tmp_path, SUITES_ENGINE=engine)
    failed = {case for case, outcome in found.items() if outcome == "failed"}
    unexpected = sorted(case for case in failed if not any(fnmatch.fnmatch(case, known) for known in suite.differs))
    assert unexpected == [], (tmp_path / "output.txt").read_text(encoding="utf-8")[-8000:]
    passed = sum(outcome == "passed" for outcome in found.values())
    assert passed >= (suite.passes if ALL else 1)
