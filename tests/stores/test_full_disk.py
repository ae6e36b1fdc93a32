"""Full disks, and files that may not grow: what was there stays, nothing half-written shows, nothing is left over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and small disks as Linux has them")

START = """
import resource, signal, sys, threading
import numpy as np, zarrite
from pathlib import Path
from zarrite.errors import StoreError

here = Path.cwd()
def names(): return sorted(str(file.relative_to(here)) for file in here.rglob("*") if file.is_file())
def limit():
    if len(sys.argv) > 1:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
def unlimit():
    if len(sys.argv) > 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
new = np.random.default_rng(1).integers(1, 1 << 60, (16, 40_000))
"""

LOCAL = """
plain = {"dtype": "i8", "compressors": None, "fill_value": -5}
array = zarrite.create_array("a.zarr", shape=(16, 40_000), chunks=(4, 40_000), **plain)
array[:4] = 7
before = names()
limit()
try:
    array[...] = new
    raise SystemExit("there was room")
except StoreError as error:
    assert error.errno in (27, 28), error
unlimit()
again = zarrite.open_array("a.zarr", mode="r")
cells = again[...]
for first in range(0, 16, 4):
    chunk = cells[first : first + 4]
    was = 7 if first == 0 else -5
    assert (chunk == was).all() or (chunk == new[first : first + 4]).all(), first
assert all(name == "a.zarr/zarr.json" or name.startswith("a.zarr/c/") for name in names()), names()
assert not [name for name in names() if "partial" in name], names()
"""

SHARD = """
plain = {"dtype": "i8", "compressors": None}
array = zarrite.create_array("a.zarr", shape=(16, 40_000), chunks=(1, 1000), shards=(16, 40_000), **plain)
array[0] = 7
before = names()
limit()
try:
    array[1:] = new[1:]
    raise SystemExit("there was room")
except StoreError as error:
    assert error.errno in (27, 28), error
unlimit()
cells = zarrite.open_array("a.zarr", mode="r")[...]
assert (cells[0] == 7).all() and (cells[1:] == 0).all()
assert names() == before
"""

ARCHIVE = """
with zarrite.open_group("a.zip", mode="w") as group:
    group.create_array("a", shape=(16, 40_000), chunks=(4, 40_000), dtype="i8", compressors=None)[:4] = 7
before = Path("a.zip").read_bytes()
limit()
group = zarrite.open_group("a.zip", mode="r+")
try:
    group["a"][...] = new
    group.attrs["k"] = "v" * 100_000
    group.close()
    raise SystemExit("there was room")
except StoreError as error:
    assert error.errno in (27, 28), error
assert Path("a.zip").read_bytes() == before
assert names() == ["a.zip"], names()
cells = zarrite.open_group("a.zip", mode="r")["a"][...]
unlimit()
group.__exit__(ValueError)
assert (zarrite.open_group("a.zip", mode="r")["a"][:4] == 7).all()
assert names() == ["a.zip"], names()
"""

CLOSING = """
group = zarrite.open_group("a.zip", mode="w")
array = group.create_array("a", shape=(100, 20), chunks=(1, 20), dtype="i8", compressors=None)
array[...] = new[0, :20]
limit()
try:
    group.close()
    raise SystemExit("there was room")
except StoreError as error:
    assert error.errno in (27, 28) and "closing it again" in str(error), error
assert names() == [], names()
unlimit()
assert (array[...] == new[0, :20]).all(), "what was put is still there"
group.close()
assert (zarrite.open_group("a.zip", mode="r")["a"][...] == new[0, :20]).all()
assert names() == ["a.zip"], names()
"""


def run(code: str, place: Path, *words: str) -> None:
    command = [sys.executable, "-c", START + code, *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, textwrap.indent(done.stderr, "  ")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes; the test is skipped where none can be mounted."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=False)


@pytest.mark.parametrize("code", [LOCAL, SHARD, ARCHIVE], ids=["local", "shard", "archive"])
def test_a_full_disk_leaves_what_was_there(small_disk: Path, code: str) -> None:
    run(code, small_disk)


@pytest.mark.parametrize(
    ("code", "most"),
    [(LOCAL, 1_000_000), (SHARD, 4_000_000), (ARCHIVE, 3_000_000), (CLOSING, 10_000)],
    ids=["local", "shard", "archive", "closing"],
)
def test_a_file_that_may_not_grow_leaves_what_was_there(tmp_path: Path, code: str, most: int) -> None:
    run(code, tmp_path, str(most))
