"""Loops over the chunks of an array on a network: the next ones are on their way, none is asked for twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server

SETTINGS: dict[str, dict[str, Any]] = {
    "chunks": {},
    "small shards": {"chunks": (1, 500), "shards": (1, 1000)},
    "inner chunks": {"shards": (60, 1000)},
    "inner chunks of large shards": {"chunks": (1, 100_000), "shards": (60, 100_000), "shape": (60, 100_000)},
}


def make(s3: Server, **settings: Any) -> tuple[zarrite.Array, np.ndarray[Any, Any]]:
    settings = {"shape": (60, 1000), "chunks": (1, 1000), "dtype": "i4"} | settings
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret"}
    place = f"s3://{s3.bucket}/a"
    array = zarrite.create_array(place, storage_options=options, overwrite=True, **settings)
    cells = np.random.default_rng(0).integers(1, 99, array.shape).astype("i4")
    array[...] = cells
    s3.settle()
    s3.forget()
    return array, cells


def ranges(s3: Server) -> list[tuple[str, str]]:
    s3.settle()
    return [(entry.key, entry.range) for entry in s3.requests(method="GET")]


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_loop_over_rows_is_read_ahead_and_asks_for_nothing_twice(s3: Server, settings: str) -> None:
    array, cells = make(s3, **SETTINGS[settings])
    s3.turn(latency=0.1)
    for at in range(60):
        assert (array[at] == cells[at]).all()
    asked = ranges(s3)
    assert len(asked) == len(set(asked))
    assert len([one for one in asked if not one[1].startswith("bytes=-")]) == 60
    assert s3.summary()["most_in_flight"] >= 3, "the loop itself asks for one after another"


def test_a_loop_over_blocks_goes_on_in_the_next_row(s3: Server) -> None:
    array, cells = make(s3, shape=(600, 600), chunks=(100, 100))
    s3.turn(latency=0.1)
    for y in range(0, 600, 100):
        for x in range(0, 600, 100):
            assert (array[y : y + 100, x : x + 100] == cells[y : y + 100, x : x + 100]).all()
    assert s3.summary()["most_in_flight"] >= 3
    assert len(ranges(s3)) == 36


def test_rows_of_one_chunk_are_no_reason_to_read_others(s3: Server) -> None:
    array, cells = make(s3, chunks=(60, 1000))
    for at in range(20):
        assert (array[at] == cells[at]).all()
    assert {key for key, _ in ranges(s3)} == {"a/c/0/0"}


def test_random_reads_ask_for_nothing_else(s3: Server) -> None:
    array, cells = make(s3)
    places = [5, 40, 13, 59, 2, 31, 8, 22, 50, 17, 44, 3]
    for at in places:
        assert (array[at] == cells[at]).all()
    assert sorted(ranges(s3)) == sorted((f"a/c/{at}/0", "") for at in places)


def test_a_loop_that_is_left_was_not_far_ahead(s3: Server) -> None:
    array, _ = make(s3, shape=(600, 1000))
    for at in range(5):
        array[at]
    assert len(ranges(s3)) <= 5 + 8


def test_a_row_that_was_written_meanwhile_is_read_as_it_is(s3: Server) -> None:
    array, cells = make(s3)
    for at in range(60):
        assert (array[at] == cells[at]).all()
        if at + 1 < 60:
            cells[at + 1] += 1
            array[at + 1] = cells[at + 1]


def test_a_row_that_was_deleted_meanwhile_is_gone(s3: Server) -> None:
    array, cells = make(s3)
    for at in range(10):
        assert (array[at] == cells[at]).all()
    array.resize((10, 1000))
    array.resize((60, 1000))
    assert not array[10:].any()
    for at in range(10, 60):
        assert not array[at].any()


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_loop_whose_decoded_chunks_are_kept_is_read_ahead_once(s3: Server, settings: str) -> None:
    array, cells = make(s3, **SETTINGS[settings])
    s3.turn(latency=0.1)
    with zarrite.config.set({"cache.decoded_bytes": 1 << 28, "cache.fresh_s": 60}):
        for _ in range(2):
            for at in range(60):
                assert (array[at] == cells[at]).all()
        asked = [one for one in ranges(s3) if not one[1].startswith("bytes=-")]
    assert len(asked) == len(set(asked)), "no cell comes twice"
    assert s3.summary()["most_in_flight"] >= 3
