"""Ctrl-C: long work stops at once, leaves nothing torn, and really ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the signal is sent as POSIX has it")

ALLOWED = 0.5
"""Seconds; 0.2 is promised, the rest is for busy machines."""

SCRIPT = """
import os, resource, sys, threading, time
import numpy as np, zarrite
from zarrite import codecs
root = sys.argv[1]
def busy():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
{setup}
def tell():
    time.sleep(0.3)
    print("begun", flush=True)
threading.Thread(target=tell).start()
try:
    {work}
    print("finished before the signal came", flush=True)
except KeyboardInterrupt:
    print("stopped", time.time(), flush=True)
# What was in hand may end; then there must be peace.
time.sleep(0.5)
before = busy()
time.sleep(0.5)
print("still working", busy() - before, flush=True)
{after}
print("fine", flush=True)
"""
BIG = """
rows = np.random.default_rng(0).integers(0, 50, (1, 1000, 1000)).astype("f4")
array = zarrite.create_array(root, shape=(200, 1000, 1000), chunks=(1, 1000, 1000), dtype="f4",
                             compressors=codecs.GzipCodec(6){more})
values = np.broadcast_to(rows, array.shape)
"""
STORED = (
    BIG
    + """
import shutil
array[0] = rows[0]
for number in range(1, 200):
    os.makedirs(f"{{root}}/c/{{number}}/0")
    os.link(f"{{root}}/c/0/0/0", f"{{root}}/c/{{number}}/0/0")
"""
)
WHOLE = """
names = [name for _, _, files in os.walk(root) for name in files]
assert all(name.isdigit() or name == "zarr.json" for name in names), names
again = zarrite.open_array(root, mode="r+")
for number in range(0, 200, 40):
    cells = again[number]
    assert (cells == rows).all() or (cells == 0).all(), "half a chunk"
start = time.time()
again[0:1] = rows
assert time.time() - start < 5, "a lock is still held"
assert (again[0] == rows).all()
"""
READS = "assert (array[7] == rows[0]).all()"

CASES: dict[str, tuple[str, str, str]] = {
    "a write of many chunks": (BIG.format(more=""), "array[...] = values", WHOLE),
    "a write of points": (
        BIG.format(more=""),
        "array.oindex[np.arange(200)] = values",
        WHOLE,
    ),
    "a write of many shards": (BIG.format(more=", shards=(10, 1000, 1000)"), "array[...] = values", WHOLE),
    "a write of two shards": (BIG.format(more=", shards=(100, 1000, 1000)"), "array[...] = values", WHOLE),
    "a write of one shard": (BIG.format(more=", shards=(200, 1000, 1000)"), "array[...] = values", WHOLE),
    "an append": (
        BIG.format(more=""),
        "array.append(values)",
        "assert zarrite.open_array(root).shape == (200, 1000, 1000)",
    ),
    "a read of many chunks": (STORED.format(more=""), "array[...]", READS),
    "a read into an array": (STORED.format(more=""), "array.read(..., out=np.empty(array.shape, 'f4'))", READS),
    "a read of points": (
        STORED.format(more=""),
        "array.vindex[np.arange(200), np.zeros(200, int), np.zeros(200, int)]",
        READS,
    ),
    "a read of very many little chunks": (
        'array = zarrite.create_array(root, shape=(10**9,), chunks=(10,), dtype="i1")',
        "array[::500]",
        "assert array[5] == 0",
    ),
    "a read of very many little shards": (
        'array = zarrite.create_array(root, shape=(10**9,), chunks=(1,), shards=(10,), dtype="i1")',
        "array[::2000]",
        "assert array[5] == 0",
    ),
    "a copy": (
        """
class Slow(dict):
    def __setitem__(self, key, value):
        time.sleep(0.03)
        super().__setitem__(key, value)
array = zarrite.create_array(root, data=np.arange(1, 1001), chunks=(1,))
target = Slow()
""",
        "zarrite.copy(array, target)",
        """
assert "zarr.json" not in target
assert len(target) > 0
zarrite.delete(target, force=True)
assert target == {}
""",
    ),
    "a read through a slow codec": (
        """
class Slow:
    name = "tests.slow"
    def encode(self, data): return data
    def decode(self, data):
        time.sleep(0.03)
        return data
array = zarrite.create_array(None, shape=(1000, 1000), chunks=(1, 1000), dtype="f4", compressors=[Slow()])
array[...] = 1
""",
        "array[...]",
        "assert (array[3] == 1).all()",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_interrupt_stops_it_at_once_and_leaves_nothing_torn(tmp_path: Path, name: str) -> None:
    setup, work, after = CASES[name]
    script = SCRIPT.format(setup=textwrap.dedent(setup), work=work, after=textwrap.dedent(after))
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line == "begun\n", line + (process.stderr.read() if process.stderr and not line else "")
        sent = time.time()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    said = dict(line.rsplit(" ", 1) for line in out.splitlines() if " " in line)
    assert "stopped" in said, out + errors
    assert float(said["stopped"]) - sent < ALLOWED, f"it took {float(said['stopped']) - sent:.2f} s"
    assert float(said["still working"]) < 0.25, "it goes on behind the user's back"
    assert out.endswith("fine\n"), out + errors
