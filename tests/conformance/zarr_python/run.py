"""Runs the tests of zarr-python over zarrite: `python tests/conformance/zarr_python/run.py [FOLDER]`.

FOLDER is where the source distribution of zarr-python was unpacked; without it, pip downloads that. What is run are the
tests of behaviour: selections, functions of the top level, groups, codecs, attributes, errors, format 2 and
consolidated metadata. Counts, and what differs without being listed in `differences.py`, are printed.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from differences import DIFFERENCES, INTERNAL  # noqa: E402 -- it stands beside this file

VERSION = "3.4.2"
FILES = (
    "test_indexing.py",
    "test_api.py",
    "test_api",
    "test_group.py",
    "test_codecs",
    "test_attributes.py",
    "test_errors.py",
    "test_v2.py",
    "test_metadata/test_consolidated.py",
)
STORES = tuple(f"test_store/test_{name}.py" for name in ("memory", "local", "wrapper", "logging", "object"))
"""The tests that zarr-python has for every store, over those of this name."""
LEFT_OUT = "test_codecs/test_sharding_unit.py"
"""Tests of classes that zarr-python keeps to itself."""
NEEDED = ("pytest_asyncio", "numcodecs", "hypothesis", "numpydoc")
PASSED = ("passed", "another text", "quieter", "xfailed")


class Result(NamedTuple):
    """What came of a run.

    Attributes:
        counts: tests by outcome.
        subset: the same without the tests of stores.
        unlisted: tests that differ and are not listed, with what happened.
        unneeded: patterns of which no test differs any more.
    """

    counts: Counter[str]
    subset: Counter[str]
    unlisted: dict[str, str]
    unneeded: list[str]

    @property
    def strictly(self) -> int:
        """Tests without those of stores that pass as they are written."""
        return self.subset["passed"]

    @property
    def passed(self) -> int:
        """Tests that pass, whatever text an error has, and whether a warning is given or not."""
        return relaxed(self.counts)


def relaxed(counts: Counter[str]) -> int:
    """How many tests pass, whatever text an error has, and whether a warning is given or not."""
    return sum(counts[outcome] for outcome in PASSED if outcome != "xfailed")


def lacking() -> str:
    """Why the tests cannot be run here; "" when they can."""
    if sys.version_info < (3, 12):
        return "the tests are written for Python 3.12"
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"the tests need {', '.join(missing)}" if missing else ""


def downloaded(into: Path) -> Path:
    """The unpacked source distribution, as pip downloads it."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        "zarr",
        "--no-build-isolation",
    ]
    subprocess.run([*command, "-d", str(into), f"zarr=={VERSION}"], check=True)
    (archive,) = into.glob("zarr-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into / f"zarr-{VERSION}"


def report(folder: Path, *extra: str, files: tuple[str, ...] = (*FILES, *STORES)) -> dict[str, dict[str, str]]:
    """What became of every test, by its name; what stores have not passed is counted with the rest."""
    import zarrite

    package = Path(zarrite.__file__).parent.parent
    with tempfile.TemporaryDirectory() as empty:
        out = Path(empty) / "report.json"
        command = [sys.executable, "-m", "pytest", "-p", "plugin", "-c", str(HERE / "pytest.ini"), "-q", "--tb=no"]
        command += ["--rootdir", str(folder), "-p", "no:cacheprovider", "--continue-on-collection-errors"]
        command += ["--ignore", str(folder / "tests" / LEFT_OUT), *extra]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(package), str(HERE))),
            "ZARR_PYTHON_REPORT": str(out),
            "ZARR_PYTHON_SOURCE": str(folder),
            "HYPOTHESIS_PROFILE": "ci",
        }
        done = subprocess.run(
            [*command, *(str(folder / "tests" / name) for name in files)],
            cwd=empty,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if not out.exists():
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        found: dict[str, dict[str, str]] = json.loads(out.read_text())
    return found


def judged(found: dict[str, dict[str, str]], differences: dict[str, tuple[str, ...]] = DIFFERENCES) -> Result:
    """Counts, and what is not listed."""
    patterns = [pattern for listed in differences.values() for pattern in listed]
    used: set[str] = set()
    counts: Counter[str] = Counter()
    subset: Counter[str] = Counter()
    unlisted: dict[str, str] = {}
    for node, one in found.items():
        outcome = one["outcome"]
        if outcome == "skipped" and one["why"].startswith(INTERNAL):
            outcome = "internal"
        counts[outcome] += 1
        name = node.partition("tests/")[2]
        if not name.startswith("test_store/"):
            subset[outcome] += 1
        if outcome in PASSED or outcome in ("skipped", "internal"):
            continue
        short = re.sub(r"\[.*", "", name, flags=re.DOTALL)
        fits = [pattern for pattern in patterns if pattern == name or fnmatch.fnmatchcase(short, pattern)]
        used.update(fits)
        if not fits:
            unlisted[name] = one["why"]
    return Result(counts, subset, unlisted, sorted(set(patterns) - used))


def tell(result: Result) -> None:
    """Prints the counts, and what the lists of differences lack or have too much."""
    for outcome, count in sorted(result.counts.items()):
        print(f"  {outcome}: {count}")
    for name, what in result.unlisted.items():
        print(f"not listed: {name}: {what[:200]}")
    for pattern in result.unneeded:
        print(f"listed and not needed: {pattern}")


def main(arguments: list[str]) -> int:
    """The command."""
    why = lacking()
    if why:
        print(why)
        return 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(arguments[0]) if arguments else downloaded(Path(place))
        result = judged(report(folder, *arguments[1:]))
    subset = sum(result.subset.values())
    print(f"{result.strictly} of {subset} pass as they are written")
    print(f"{relaxed(result.subset)} of {subset} pass, whatever an error or a warning says")
    print(f"{result.passed} of {sum(result.counts.values())} pass so, with the tests of stores")
    tell(result)
    return 1 if result.unlisted else 0


def sdist() -> Any:
    """The folder that `ZARRITE_ZARR_PYTHON` names, or None."""
    named = os.environ.get("ZARRITE_ZARR_PYTHON")
    return Path(named) if named and Path(named).is_dir() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
