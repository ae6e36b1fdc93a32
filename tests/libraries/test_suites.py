"""What other libraries test of zarr, run over zarrite: nothing fails that is not listed here with its reason.

A sample runs always, where the libraries and their tests are installed; `ZARRITE_SUITES=all` runs everything, and
`ZARRITE_SUITES_PYTHON` names an interpreter that has them, such as one without zarr-python. Tests that a wheel does
not bring are taken from the source of the release that is installed: `ZARRITE_SUITES_SOURCES` names a folder where such
are unpacked, else pip downloads them when everything runs. Those of anndata need pyarrow.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

import zarrite

TESTS = Path(__file__).parent.parent
PACKAGE = Path(zarrite.__file__).parent.parent
PYTHON = os.environ.get("ZARRITE_SUITES_PYTHON", sys.executable)
ALL = os.environ.get("ZARRITE_SUITES") == "all"
SOURCES = os.environ.get("ZARRITE_SUITES_SOURCES")


class Suite(NamedTuple):
    """Tests of a library.

    Attributes:
        module: what they are in; where `files` are named, the library.
        every: which of them are about zarr, as pytest's `-k` has it.
        some: a sample of these.
        passes: how many pass at least when all run.
        differs: cases that fail, by patterns of their names, with the reason.
        files: files of the library's source in which the tests are, of which a wheel has none.
        words: what its own settings have pytest told.
    """

    module: str
    every: str
    some: str
    passes: int
    differs: dict[str, str]
    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


READS_FIRST = (
    "counts how often documents are read: zarrite reads one again before it changes it, so that no change of another "
    "program is lost"
)
OTHER_WAY = "counts calls of AsyncGroup.getitem, through which zarr-python's own groups find their members"

OWN_READS = "counts calls of zarr.AsyncArray's methods; what zarrite's backend awaits is its own read"
SILENT = "wants a warning; zarrite's backend opens what is there, consolidated or not, and says nothing"
WORDS = "wants xarray's sentence for an array without names for axes; zarrite's backend has its own, a KeyError too"

NETWORK = "reads images from servers"
WARNS = "wants zarr-python's warning that consolidated metadata are in no specification"
SAFE = "wants a group of consolidated metadata refused; zarrite keeps those right when members are written"
ZIPPED = "wants the path of an archive refused; zarrite opens it"

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
    "anndata": Suite(
        "anndata",
        "zarr or test_data_access or test_lazy_array_cache",
        "test_lazy_array_cache or test_read_zarr",
        580,
        {
            "test_read_full_io_error*": WARNS,
            "test_read_zarr_from_group*": WARNS,
            "test_write_elem_consolidated*": SAFE,
            "test_read_zarr_zip_path_suggests_store*": ZIPPED,
        },
        ("tests/test_readwrite.py", "tests/test_io_elementwise.py", "tests/test_backed_sparse.py"),
        ("-o", "addopts=", "-p", "testing.anndata._pytest", "--import-mode=importlib", "-W", "ignore"),
    ),
    "ome-zarr": Suite(
        "ome_zarr",
        "test",
        "test_write_image_compressed or test_node",
        470,
        {"*test_s3_info*": NETWORK, "test_class_reader*": NETWORK},
        ("tests",),
        ("-o", "addopts=", "-W", "ignore"),
    ),
}


def release(library: str) -> str:
    """A library and its version, as its source is called; skips where it is not installed."""
    asked = f"from importlib.metadata import version as v; print(v({library!r}))"
    done = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{library} is not installed")
    return f"{library}-{done.stdout.strip()}"


def source(library: str, into: Path) -> Path:
    """The source of the release of a library that is installed; skips where it cannot be had."""
    name = release(library)
    if SOURCES is not None:
        folder = Path(SOURCES) / name
        return folder if folder.is_dir() else pytest.skip(f"ZARRITE_SUITES_SOURCES has no folder {name}")
    if not ALL:
        pytest.skip(f"the tests of {library} are in its source alone, which ZARRITE_SUITES=all downloads")
    words = ["download", "-q", "--no-deps", "--no-binary", library, "-d", str(into), name.replace("-", "==")]
    done = subprocess.run([PYTHON, "-m", "pip", *words], capture_output=True, text=True, check=False)
    archives = list(into.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        pytest.skip(f"pip cannot download the source of {name}: {done.stderr.strip().rpartition(chr(10))[2]}")
    with tarfile.open(archives[0]) as packed:
        packed.extractall(into, filter="data")
    return into / name


def outcomes(suite: Suite, folder: Path, **environment: str) -> dict[str, str]:
    """What came of the cases of a suite, by name."""
    report = folder / "report.json"
    words = ["-p", "libraries.suites", "-p", "no:cacheprovider", "-p", "no:randomly", "-q", "--tb=short", *suite.words]
    place = source(suite.module, folder) if suite.files else folder
    tests = list(suite.files) if suite.files else ["--pyargs", suite.module]
    done = subprocess.run(
        [PYTHON, "-m", "pytest", *words, *tests, "-k", suite.every if ALL else suite.some],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(TESTS)]),
            "SUITES_REPORT": str(report),
            "PYTHONDONTWRITEBYTECODE": "1",
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
    if (
        not suite.files
        and sys.executable == PYTHON
        and any(importlib.util.find_spec(module) is None for module in (library, suite.module.rpartition(".")[0]))
    ):
        pytest.skip(f"{suite.module} is not installed")
    found = outcomes(suite, tmp_path, SUITES_ENGINE=engine)
    failed = {case for case, outcome in found.items() if outcome == "failed"}
    unexpected = sorted(case for case in failed if not any(fnmatch.fnmatch(case, known) for known in suite.differs))
    assert unexpected == [], (tmp_path / "output.txt").read_text(encoding="utf-8")[-8000:]
    passed = sum(outcome == "passed" for outcome in found.values())
    assert passed >= (suite.passes if ALL else 1)
