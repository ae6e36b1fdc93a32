"""Two handles, four threads and another process change and read one array with every cache on: it is NumPy's double."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import zarrite
from servers.s3 import Server
from zarrite.storage import CacheStore

WORKER = """
import sys
import numpy as np
import zarrite

place, options = sys.argv[1], eval(sys.argv[2])
zarrite.config.set({"cache.decoded_bytes": 1 << 20})
for line in sys.stdin:
    word, *numbers = line.split()
    array = zarrite.open_array(place, mode="r+", storage_options=options)
    low, high, left, right, value = (int(number) for number in numbers)
    if word == "write":
        array[low:high, left:right] = value
        print("done", flush=True)
    elif word == "resize":
        array.resize((high, right))
        print("done", flush=True)
    else:
        print(int(array[low:high, left:right].astype("i8").sum()), flush=True)
"""


class Worker:
    """Another process with the array open."""

    def __init__(self, place: str, options: Any) -> None:
        words = [sys.executable, "-c", WORKER, place, repr(options)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word: str, box: tuple[slice, slice], value: int = 0) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        rows, columns = box
        print(word, rows.start, rows.stop, columns.start, columns.stop, value, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0 or failure != (None, None, None)


def box(random: np.random.Generator, shape: tuple[int, ...]) -> tuple[slice, slice]:
    low, left = (int(random.integers(0, extent)) for extent in shape)
    return (
        slice(low, int(random.integers(low + 1, shape[0] + 1))),
        slice(left, int(random.integers(left + 1, shape[1] + 1))),
    )


def seen_wrong(handles: list[zarrite.Array], cells: NDArray[Any], random: np.random.Generator) -> list[Any]:
    """What four threads read that NumPy has not."""
    wrong: list[Any] = []

    def read(own: np.random.Generator) -> None:
        for handle in own.permutation(len(handles)):
            part = box(own, cells.shape)
            if not np.array_equal(handles[handle][part], cells[part]):
                wrong.append((handle, part))

    threads = [threading.Thread(target=read, args=(one,)) for one in random.spawn(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def history(worker: Worker, place: str, options: Any, shelf: Any, shards: Any, seed: int, steps: int) -> None:
    """Random steps by whoever; after each, everybody sees what NumPy has."""
    random = np.random.default_rng(seed)
    shape: tuple[int, ...] = (90, 70)
    zarrite.create_array(place, shape=shape, chunks=(32, 16), shards=shards, dtype="i4", storage_options=options)
    kept = CacheStore(place, storage_options=options, check="always", max_bytes=1 << 20, folder=shelf)
    cells: NDArray[Any] = np.zeros(shape, "i4")

    def opened() -> list[zarrite.Array]:
        plain = zarrite.open_array(place, mode="r+", storage_options=options)
        return [plain, zarrite.open_array(kept, mode="r+"), plain.with_config({"decoded_cache": True})]

    handles = opened()
    for step in range(steps):
        who = int(random.integers(0, 4))
        where, value = box(random, cells.shape), int(random.integers(1, 1000))
        if step % 9 == 8:
            shape = tuple(int(extent) for extent in random.integers(20, 100, 2))
            grown = np.zeros(shape, "i4")
            common = tuple(slice(0, min(pair)) for pair in zip(shape, cells.shape, strict=True))
            grown[common] = cells[common]
            if who == 3:
                worker.ask("resize", (slice(0, shape[0]), slice(0, shape[1])))
            else:
                handles[who].resize(shape)
            cells = grown
            # A handle keeps the shape it was opened with.
            handles = opened()
            continue
        if who == 3:
            assert worker.ask("write", where, value) == "done"
        else:
            handles[who][where] = value
        cells[where] = value
        time.sleep(float(random.choice([0.0, 0.0, 0.06])))
        assert seen_wrong(handles, cells, random) == [], f"step {step}"
        part = box(random, cells.shape)
        assert int(worker.ask("read", part)) == cells[part].sum(dtype="i8"), f"step {step}, the other process"


@pytest.fixture(autouse=True)
def every_cache_is_on() -> Iterator[None]:
    with zarrite.config.set({"cache.decoded_bytes": 1 << 20}):
        yield


@pytest.mark.parametrize("shards", [None, (64, 32)])
@pytest.mark.parametrize("seed", range(2))
def test_on_a_disk(tmp_path: Path, shards: Any, seed: int) -> None:
    place = str(tmp_path / "a")
    with Worker(place, None) as worker:
        history(worker, place, None, tmp_path / "shelf" if seed else None, shards, seed, 60)


@pytest.mark.parametrize("shards", [None, (64, 32)])
def test_in_a_bucket(s3: Server, tmp_path: Path, shards: Any) -> None:
    place, options = f"s3://{s3.bucket}/a", s3.options()
    with Worker(place, options) as worker:
        history(worker, place, options, tmp_path / "shelf", shards, 5, 25)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([None, (64, 32)]), st.sampled_from([0, 3000, 20_000, 1 << 20]))
def test_any_budget_gives_the_same_cells(seed: int, shards: Any, budget: int) -> None:
    random = np.random.default_rng(seed)
    array = zarrite.create_array(None, shape=(90, 70), chunks=(32, 16), shards=shards, dtype="i4")
    cells = np.zeros(array.shape, "i4")
    with zarrite.config.set({"cache.decoded_bytes": budget}):
        for _ in range(30):
            where = box(random, cells.shape)
            if random.integers(0, 3) == 0:
                array[where] = cells[where] = random.integers(0, 9, cells[where].shape)
            np.testing.assert_array_equal(array[where], cells[where])
            np.testing.assert_array_equal(array[::-3, ::2], cells[::-3, ::2])
            assert zarrite.stats().decoded_chunks.bytes <= budget
