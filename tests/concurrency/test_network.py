"""Requests to a server: how many at once, whoever asks; within which memory; and that none is made for who has left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server

MOST = 256


def options(s3: Server) -> dict[str, Any]:
    return {"endpoint_url": s3.url, "key": "key", "secret": "secret"}


def make(s3: Server, name: str = "a", **settings: Any) -> tuple[zarrite.Array, np.ndarray[Any, Any]]:
    """An array of 400 chunks with its cells, and a ledger that begins now."""
    settings = {"shape": (400, 32), "chunks": (1, 32), "dtype": "i4", "compressors": None} | settings
    array = zarrite.create_array(f"s3://{s3.bucket}/{name}", storage_options=options(s3), **settings)
    cells = np.arange(np.prod(array.shape), dtype="i4").reshape(array.shape) + 1
    array[...] = cells
    s3.settle()
    s3.forget()
    return array, cells


def test_chunks_are_read_side_by_side_with_one_request_each(s3: Server) -> None:
    array, cells = make(s3)
    s3.turn(latency=0.2)
    assert (array[...] == cells).all()
    s3.settle()
    assert s3.counts("method") == {"GET": 400}
    assert 200 < s3.summary()["most_in_flight"] <= MOST


def test_all_calls_of_a_process_share_one_limit(s3: Server) -> None:
    array, cells = make(s3)
    s3.turn(latency=0.1)
    wrong: list[int] = []

    def read(number: int) -> None:
        if not (array[...] == cells).all():
            wrong.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    s3.settle()
    assert not wrong
    assert s3.counts("method") == {"GET": 1600}
    assert s3.summary()["most_in_flight"] <= MOST


def test_tasks_of_an_event_loop_wait_side_by_side(s3: Server) -> None:
    array, cells = make(s3)
    s3.turn(latency=0.2)

    async def all_rows() -> list[Any]:
        return await asyncio.gather(*(array.read.aio(at) for at in range(400)))

    rows = asyncio.run(all_rows())
    assert (np.array(rows) == cells).all()
    assert 100 < s3.summary()["most_in_flight"] <= MOST


def test_a_cold_read_of_shards_takes_two_rounds(s3: Server) -> None:
    _, cells = make(s3, shape=(20, 1 << 21), chunks=(1, 1 << 16), shards=(1, 1 << 21))
    array = zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options=options(s3))
    s3.forget()
    s3.turn(latency=0.3)
    wanted = np.s_[:, :: 1 << 18]  # every fourth chunk of every shard
    assert (array[wanted] == cells[wanted]).all()
    s3.settle()
    asked = [entry.range for entry in s3.requests(method="GET")]
    assert sum(one.startswith("bytes=-") for one in asked) == 20
    assert len(asked) == 20 + 20 * 8, "one range for each chunk that lies alone"
    assert s3.summary()["most_in_flight"] > 100, "the ranges of all shards together"


def test_a_small_shard_that_is_wanted_whole_is_one_request(s3: Server) -> None:
    _, cells = make(s3, shape=(64, 32), chunks=(1, 32), shards=(16, 32))
    array = zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options=options(s3))
    s3.forget()
    assert (array[...] == cells).all()
    s3.settle()
    assert [entry.range for entry in s3.requests(method="GET")] == [""] * 4


def test_of_an_uncompressed_chunk_only_the_wanted_stretch_is_asked_for(s3: Server) -> None:
    array, cells = make(s3, shape=(4, 1 << 16), chunks=(1, 1 << 16))
    assert (array[:, 100:200] == cells[:, 100:200]).all()
    s3.settle()
    assert {entry.range for entry in s3.requests(method="GET")} == {"bytes=400-799"}
    assert len(s3.requests()) == 4


def test_a_damaged_object_is_told_however_little_is_read(s3: Server) -> None:
    array, _ = make(s3, shape=(4, 1 << 16), chunks=(1, 1 << 16))
    s3.write("a/c/2/0", b"short")
    with pytest.raises(zarrite.errors.ZarriteError):
        array[2, 100:200]
    s3.write("a/c/2/0", bytes(1 << 19))
    with pytest.raises(zarrite.errors.ChunkDecodeError, match="c/2/0"):
        array[2, 100:200]


SMALL = """
import sys, numpy as np, zarrite
zarrite._engine.configure(memory_bytes=1 << 20)
url, place = sys.argv[1:]
options = {"endpoint_url": url, "key": "key", "secret": "secret"}
for more in ({}, {"shards": (16, 1 << 16)}, {"shards": (16, 1 << 16), "compressors": None}, {"compressors": None}):
    array = zarrite.create_array(place + "/small", shape=(64, 1 << 16), chunks=(1, 1 << 16), dtype="i4", overwrite=True,
                                 storage_options=options, **more)
    cells = np.arange(64 << 16, dtype="i4").reshape(64, 1 << 16)
    array[...] = cells
    assert (array[...] == cells).all()
    assert (array[:, ::5000] == cells[:, ::5000]).all()
    array[:, 5:9] = 3
    cells[:, 5:9] = 3
    assert (array[...] == cells).all()
print(zarrite._engine.stats()["memory"]["most_bytes_in_flight"])
"""


def test_a_budget_smaller_than_the_requests_lets_them_through_one_after_another(s3: Server) -> None:
    script = [sys.executable, "-c", SMALL, s3.url, f"s3://{s3.bucket}"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 1 << 20


def until_under_way(s3: Server) -> None:
    while s3.summary()["in_flight"] < MOST // 2:
        time.sleep(0.01)


CUT = """
import sys, threading, zarrite
url, place = sys.argv[1:]
array = zarrite.open_array(place, mode="r", storage_options={"endpoint_url": url, "key": "key", "secret": "secret"})
print("begun", flush=True)
try:
    array[...]
except KeyboardInterrupt:
    print("stopped", flush=True)
import time
time.sleep(1.5)
"""


@pytest.mark.skipif(os.name != "posix", reason="the signal is sent as POSIX has it")
def test_an_interrupted_read_asks_for_nothing_more(s3: Server) -> None:
    make(s3, shape=(1000, 32))
    s3.turn(latency=0.5)
    script = [sys.executable, "-c", CUT, s3.url, f"s3://{s3.bucket}/a"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        until_under_way(s3)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopped\n"
    s3.settle()
    assert len([entry for entry in s3.requests() if "/c/" in entry.key]) <= MOST


def test_a_cancelled_task_asks_for_nothing_more(s3: Server) -> None:
    array, _ = make(s3, shape=(1000, 32))
    s3.turn(latency=0.5)

    async def cut() -> None:
        task = asyncio.create_task(array.read.aio(...))
        await asyncio.sleep(0)
        await asyncio.to_thread(until_under_way, s3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(1.2)

    asyncio.run(cut())
    s3.settle()
    assert len(s3.requests()) <= MOST
