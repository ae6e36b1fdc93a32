"""Decoded chunks that are kept: found again, never stale, within their budget."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from costs.counting import Ledger
from servers.s3 import Server

SETTLED_S = 0.08
"""A file that was written this moment is not kept: its times could not tell it from the next."""

WRITER = """
import sys, zarrite
array = zarrite.open_array(sys.argv[1], mode='r+')
for line in sys.stdin:
    array[...] = int(line)
    print('done', flush=True)
"""
VALUES = np.arange(64 * 64, dtype="u2").reshape(64, 64)


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    with zarrite.config.set({"cache.decoded_bytes": 0}):
        pass
    zarrite.stats(reset=True)
    yield
    with zarrite.config.set({"cache.decoded_bytes": 0}):
        pass


def made(store: Any, **settings: Any) -> zarrite.Array:
    settings = {"chunks": (64, 64), "shape": (256, 256), "dtype": "u2", **settings}
    array = zarrite.create_array(store, **settings)
    array[...] = np.random.default_rng(1).integers(0, 50, array.shape, dtype="u2")
    time.sleep(SETTLED_S)
    return array


def decoded() -> zarrite.statistics.Section:  # type: ignore[name-defined]
    return zarrite.stats().decoded_chunks


def test_slabs_of_a_few_rows_decode_each_chunk_once(tmp_path: Path) -> None:
    array = made(tmp_path / "a")
    whole = array[...]
    for row in range(0, 256, 6):
        np.testing.assert_array_equal(array[row : row + 6], whole[row : row + 6])
    assert decoded().misses == 16
    # Each slab touches four chunks, the two that lie across an edge of chunks eight; the first one decodes.
    assert decoded().hits == 43 * 4 + 2 * 4 - 16
    assert decoded().evictions == 0


@pytest.mark.parametrize("shards", [None, (128, 128)])
def test_whole_chunks_are_kept_only_where_a_user_gives_memory(tmp_path: Path, shards: Any) -> None:
    array = made(tmp_path / "a", shards=shards)
    for _ in range(2):
        array[...]
    assert decoded().count == 0
    keeping = array.with_config({"decoded_cache": True})
    first = keeping[...]
    assert (decoded().misses, decoded().hits, decoded().count) == (16, 0, 16)
    np.testing.assert_array_equal(keeping[...], first)
    assert (decoded().misses, decoded().hits) == (16, 16)
    with zarrite.config.set({"cache.decoded_bytes": 64 << 20}):
        np.testing.assert_array_equal(zarrite.open_array(tmp_path / "a")[...], first)
        assert decoded().hits == 32


def test_an_array_that_keeps_nothing_leaves_the_cache_alone(tmp_path: Path) -> None:
    array = made(tmp_path / "a").with_config({"decoded_cache": False})
    for _ in range(3):
        array[3:5]
    assert (decoded().misses, decoded().hits, decoded().count) == (0, 0, 0)


@pytest.mark.parametrize("shards", [None, (128, 128)])
@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_write_by_any_handle_is_seen(tmp_path: Path, place: str, shards: Any) -> None:
    store = zarrite.storage.MemoryStore() if place == "memory" else zarrite.storage.LocalStore(tmp_path / "a")
    array = made(store, shards=shards)
    with zarrite.config.set({"cache.decoded_bytes": 64 << 20}):
        array[...]
        other = zarrite.open_array(store, mode="r+")
        for value in range(5):
            other[10:20, 10:20] = value
            assert (array[10:20, 10:20] == value).all()
            assert (
                array[5:25, 15] == np.where((np.arange(5, 25) >= 10) & (np.arange(5, 25) < 20), value, array[5:25, 15])
            ).all()


@pytest.mark.parametrize("shards", [None, (128, 128)])
def test_a_write_by_another_process_is_seen(tmp_path: Path, shards: Any) -> None:
    array = made(tmp_path / "a", shards=shards)
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WRITER,
            str(tmp_path / "a"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    with writer, zarrite.config.set({"cache.decoded_bytes": 64 << 20}):
        array[...]
        for value in range(30):
            writer.stdin.write(f"{value}\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "done\n"
            assert (array[3:9] == value).all()
            assert (array[...] == value).all()
        writer.stdin.close()
    assert decoded().misses > 0


def test_files_replaced_quicker_than_clocks_tick_are_told_apart(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(64, 64), chunks=(64, 64), dtype="u2")
    writer = zarrite.open_array(tmp_path / "a", mode="r+").with_config({"decoded_cache": False})
    chunk = tmp_path / "a" / "c" / "0" / "0"
    with zarrite.config.set({"cache.decoded_bytes": 64 << 20}):
        kept = []
        for value in (1, 2):
            writer[...] = value
            kept.append(chunk.read_bytes())
        for turn in range(300):
            # Not through zarrite: only the file's own marks tell.
            chunk.write_bytes(kept[turn % 2])
            assert array[5, 5] == turn % 2 + 1


def test_the_budget_is_never_exceeded(tmp_path: Path) -> None:
    array = made(tmp_path / "a", shape=(1024, 1024), chunks=(64, 64))
    budget = 20 * (64 * 64 * 2 + 256)
    most = 0
    with zarrite.config.set({"cache.decoded_bytes": budget}):

        def read(seed: int) -> None:
            nonlocal most
            rng = np.random.default_rng(seed)
            for row, column in rng.integers(0, 900, (150, 2)):
                array[row : row + 100, column : column + 100]
                most = max(most, decoded().bytes)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0 < most <= budget
        assert decoded().budget_bytes == budget
        assert decoded().evictions > 100
        with zarrite.config.set({"cache.decoded_bytes": 0}):
            assert decoded().bytes == 0


@pytest.mark.parametrize("shards", [None, (256, 256)])
def test_threads_that_want_one_chunk_decode_it_once(tmp_path: Path, shards: Any) -> None:
    array = made(tmp_path / "a", shape=(256, 256), chunks=(256, 256), shards=shards)
    start = threading.Barrier(16)

    def read(row: int) -> None:
        start.wait()
        array[row : row + 16]

    threads = [threading.Thread(target=read, args=(16 * row,)) for row in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decoded().misses == 1
    assert decoded().hits == 15


def test_a_warm_read_of_a_local_array_is_one_look_at_each_object() -> None:
    ledger = Ledger()
    array = made(ledger.store, name="a")
    with zarrite.config.set({"cache.decoded_bytes": 64 << 20}):
        assert ledger.of(lambda: array[0:70, 0]) == [("get", "a/c/0/0"), ("get", "a/c/1/0")]
        assert ledger.of(lambda: array[0:70, 0]) == [("is_current", "a/c/0/0"), ("is_current", "a/c/1/0")]


@pytest.mark.parametrize("shards", [None, (256, 256)])
def test_a_warm_read_of_a_remote_array_asks_once_for_each_object_or_not_at_all(s3: Server, shards: Any) -> None:
    options = s3.options()
    array = zarrite.create_array(
        f"s3://{s3.bucket}/a", shape=(256, 256), chunks=(64, 64), shards=shards, dtype="u2", storage_options=options
    )
    array[...] = VALUES[:1, :1] + 7
    objects = 1 if shards else 16

    def methods() -> list[str]:
        s3.settle()
        found = [entry.method for entry in s3.requests()]
        s3.forget()
        return found

    keeping = zarrite.open_array(
        f"s3://{s3.bucket}/a", storage_options=options, mode="r", config={"decoded_cache": True}
    )
    keeping[...]
    methods()
    keeping[...]
    assert methods() == ["HEAD"] * objects
    with zarrite.config.set({"cache.fresh_s": 1000.0}):
        keeping[...]
        assert methods() == []
        # Own writes are seen at once however long what was told is believed.
        array[0, 0] = 3
        methods()
        assert keeping[0, 0] == 3
        assert "GET" in methods()
    keeping[...]
    other = zarrite.open_array(f"s3://{s3.bucket}/a", storage_options={**options, "region": "elsewhere"}, mode="r+")
    other[...] = 9
    assert (keeping[...] == 9).all()
    # By itself nothing of a network is kept.
    zarrite.stats(reset=True)
    array[3:5]
    assert decoded().misses == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_cache_of_its_own(tmp_path: Path) -> None:
    array = made(tmp_path / "a")
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            array[7:13, 100:200]

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    want = array[...]
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                good = bool((array[7:13] == want[7:13]).all()) and bool((array[7:13] == want[7:13]).all())
                os._exit(0 if good and decoded().count == 4 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_settings_of_the_caches_are_checked() -> None:
    for settings in (
        {"cache.decoded_bytes": -1},
        {"cache.decoded_bytes": 1.5},
        {"cache.fresh_s": -1},
        {"cache.fresh_s": float("nan")},
        {"cache.colour": 1},
    ):
        with pytest.raises(ValueError, match="cache"):
            zarrite.config.set(settings)
    array = zarrite.create_array(None, shape=(2,), chunks=(2,), dtype="u1")
    with pytest.raises(ValueError, match="decoded_cache"):
        array.with_config({"decoded_cache": 3})
