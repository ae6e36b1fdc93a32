"""How much memory a read or a write takes beyond its result: the budget and what the threads hold, never more."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

import zarrite
from costs.counting import peak_growth
from servers.s3 import Server

MIB = 1 << 20
SETUP = """
import numpy as np, tempfile, zarrite
folder = tempfile.TemporaryDirectory()
array = zarrite.create_array(folder.name, shape=(64, 256, 1024), chunks=(1, 256, 1024), dtype="f4", **{settings})
ramp = np.arange(256 * 1024, dtype="f4").reshape(256, 1024)
for at in range(0, 64, 8):
    array[at : at + 8] = np.broadcast_to(ramp, (8, 256, 1024))
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="the most memory ever held is read from /proc")


@linux
@pytest.mark.parametrize("settings", ['{"compressors": None}', "{}", '{"shards": (16, 256, 1024)}'])
def test_a_whole_read_holds_its_result_and_little_more(settings: str) -> None:
    grown = peak_growth(SETUP.replace("{settings}", settings), "cells = array[...]")
    assert 60 * MIB <= grown <= (64 + 24) * MIB, f"{grown / MIB:.0f} MiB for a result of 64 MiB"


@linux
def test_a_loop_of_reads_has_one_result_in_memory() -> None:
    work = """
    for _ in range(20):
        cells = array[...]
        del cells
    """
    grown = peak_growth(SETUP.replace("{settings}", "{}"), work)
    assert 60 * MIB <= grown <= (64 + 24) * MIB, f"{grown / MIB:.0f} MiB for one result of 64 MiB after another"


@linux
def test_a_whole_write_of_chunks_holds_little_beside_the_values() -> None:
    work = "array[...] = np.broadcast_to(ramp, (64, 256, 1024))"
    grown = peak_growth(SETUP.replace("{settings}", "{}"), work)
    assert grown <= 24 * MIB, f"{grown / MIB:.0f} MiB"


@linux
def test_a_whole_write_of_shards_holds_few_shards() -> None:
    work = "array[...] = np.broadcast_to(ramp, (64, 256, 1024))"
    grown = peak_growth(SETUP.replace("{settings}", '{"shards": (8, 256, 1024), "compressors": None}'), work)
    assert grown <= 56 * MIB, f"{grown / MIB:.0f} MiB for shards of 8 MiB"


@linux
def test_the_budget_holds_when_it_is_small() -> None:
    setup = SETUP.replace("{settings}", "{}") + "\nzarrite._engine.configure(memory_bytes=8 << 20, threads=8)\n"
    grown = peak_growth(setup, "array[...] = np.broadcast_to(ramp, (64, 256, 1024))")
    assert grown <= 32 * MIB, f"{grown / MIB:.0f} MiB with a budget of 8 MiB"


@linux
def test_a_copy_holds_no_more_than_the_budget() -> None:
    setup = SETUP.replace("{settings}", '{"compressors": None}') + textwrap.dedent(
        """
        class Sink(dict):
            def __setitem__(self, key, value):
                pass
        zarrite.copy  # what is loaded for it
        zarrite._engine.configure(memory_bytes=8 << 20, threads=8)
        """
    )
    grown = peak_growth(setup, "zarrite.copy(array, Sink())")
    assert grown <= 32 * MIB, f"{grown / MIB:.0f} MiB with a budget of 8 MiB"


@linux
def test_a_part_of_every_shard_on_a_network_is_written_within_the_budget(s3: Server) -> None:
    setup = f"""
    import numpy as np, zarrite
    options = dict(endpoint_url={s3.url!r}, key="key", secret="secret")
    array = zarrite.create_array(
        "s3://{s3.bucket}/a", shape=(96, 256, 1024), chunks=(1, 16, 1024), shards=(4, 256, 1024), dtype="f4",
        compressors=None, storage_options=options,
    )
    plane = np.arange(256 * 1024, dtype="f4").reshape(256, 1024)
    for at in range(0, 96, 4):
        array[at : at + 4] = np.broadcast_to(plane, (4, 256, 1024))
    zarrite._engine.configure(memory_bytes=8 << 20, threads=2)
    """
    # All 24 shards of 4 MiB would be asked for before the first has come.
    s3.turn(latency=0.1)
    grown = peak_growth(textwrap.dedent(setup), "array[::4, :16] = np.broadcast_to(plane[:16], (24, 16, 1024))")
    assert grown <= 48 * MIB, f"{grown / MIB:.0f} MiB with a budget of 8 MiB"


def test_a_read_copies_nothing_in_python() -> None:
    array = zarrite.create_array(None, shape=(1000, 1000), chunks=(100, 1000), dtype="f8")
    array[...] = np.ones((1000, 1000))
    out = np.empty((1000, 1000))
    array.read(..., out=out)
    tracemalloc.start()
    try:
        array.read(..., out=out)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000, f"{most} bytes in Python for a read into memory that is there"


def test_values_of_one_number_are_not_made_as_large_as_the_selection() -> None:
    array = zarrite.create_array(None, shape=(4000, 4000), chunks=(500, 4000), dtype="f8")
    array[0, 0] = 1
    tracemalloc.start()
    try:
        array[...] = 5
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000


IDLE = """
import gc, time
import numpy as np, zarrite
from zarrite import _engine, codecs
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
_engine.configure(threads=8)
array = zarrite.create_array(None, shape=(16, 32 << 20), chunks=(1, 32 << 20), dtype="u1", fill_value=1,
                             compressors=codecs.ZstdCodec(1))
before = held()
array[...] = 0
cells = array[:, ::9]
assert not cells.any()
del cells
gc.collect()
time.sleep({seconds})
print(held() - before)
"""


@linux
def test_workers_give_back_what_large_chunks_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IDLE.format(seconds=1)], capture_output=True, text=True, timeout=120, check=True
    )
    grown = int(done.stdout)
    assert grown <= 200 * MIB, f"{grown / MIB:.0f} MiB are held after the work, for chunks of 32 MiB and 8 threads"
