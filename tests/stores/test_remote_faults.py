"""Servers and lines that fail in passing: what was asked for arrives, and nothing that failed is "missing"."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from stores.remotes import CELLS, asked, made, opened, store_at
from zarrite.errors import StoreError

PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 500, "code": "InternalError"},
    {"kind": "status", "status": 500, "acts": True},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503, "code": "SlowDown"},
    {"kind": "status", "status": 503, "code": "SlowDown", "retry_after": 0.1},
    {"kind": "status", "status": 504},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 408},
    {"kind": "status", "status": 400, "code": "RequestTimeout"},
    {"kind": "reset"},
    {"kind": "torn"},
    {"kind": "long"},
]
LAYOUTS: list[dict[str, Any]] = [{}, {"shards": (64, 64)}]


def named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("layout", LAYOUTS, ids=["chunks", "shards"])
@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_reads_outlive_every_failure_in_passing(s3: Server, fault: dict[str, Any], layout: dict[str, Any]) -> None:
    made(s3, **layout)
    s3.turn(faults=[fault | {"every": 3}])
    array = opened(s3)
    np.testing.assert_array_equal(array[...], CELLS)
    np.testing.assert_array_equal(array[5:40:3, 60], CELLS[5:40:3, 60])


@pytest.mark.parametrize("layout", LAYOUTS, ids=["chunks", "shards"])
@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_writes_outlive_every_failure_in_passing(s3: Server, fault: dict[str, Any], layout: dict[str, Any]) -> None:
    s3.turn(faults=[fault | {"every": 3}])
    array = zarrite.create_array(
        store_at(s3), shape=(64, 64), dtype="i4", **{"chunks": (16, 16), "compressors": None} | layout
    )
    array[...] = CELLS
    array[3, 3:40] = -1
    array.attrs["a"] = 1
    s3.calm()
    wanted = CELLS.copy()
    wanted[3, 3:40] = -1
    found = opened(s3, "data")
    np.testing.assert_array_equal(found[...], wanted)
    assert found.attrs["a"] == 1


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "status", "status": 500}, {"kind": "torn"}], ids=named)
def test_a_put_whose_answer_is_lost_is_known_as_our_own(s3: Server, fault: dict[str, Any]) -> None:
    store = store_at(s3)
    s3.turn(faults=[fault | {"acts": True, "times": 1, "method": "PUT"}])
    assert store.put_if_absent("k", b"mine").result()
    s3.turn(faults=[])
    assert not store.put_if_absent("k", b"other").result()
    assert store.get("k").result() == b"mine"


def test_a_range_that_comes_too_short_is_asked_for_again(s3: Server) -> None:
    store = store_at(s3)
    store.put("k", b"0123456789").result()
    s3.turn(faults=[{"kind": "short", "times": 1, "method": "GET"}])
    assert store.get("k", 2, 8).result() == b"234567"


def test_an_object_that_comes_too_short_is_an_error_and_no_cells(s3: Server) -> None:
    made(s3)
    array = opened(s3)
    s3.turn(faults=[{"kind": "short", "key": "a/c"}])
    with pytest.raises((zarrite.errors.ChunkDecodeError, StoreError)):
        array[...]


def test_silence_is_broken_off_and_asked_again(s3: Server) -> None:
    made(s3)
    array = opened(s3, timeout=0.3)
    s3.turn(faults=[{"kind": "stall", "times": 2}])
    np.testing.assert_array_equal(array[...], CELLS)


def test_a_server_that_stays_away_is_an_error_within_the_budget(s3: Server) -> None:
    made(s3)
    array = opened(s3, retry_timeout=0.5)
    s3.turn(faults=[{"kind": "status", "status": 503, "code": "SlowDown"}])
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"503 Service Unavailable, SlowDown.*asked \d+ times") as caught:
        array[0, 0]
    assert time.monotonic() - start < 10
    assert not isinstance(caught.value, FileNotFoundError)


def test_retries_are_counted_and_none_is_none(s3: Server) -> None:
    made(s3)
    for retries in (2, 0):
        s3.calm()
        array = opened(s3, retries=retries)
        s3.turn(faults=[{"kind": "status", "status": 500}])
        s3.settle()
        s3.forget()
        with pytest.raises(StoreError, match="500"):
            array[0, 0]
        s3.settle()
        assert len(s3.requests()) == 1 + retries


def test_a_server_that_throttles_is_asked_less_and_everything_arrives(s3: Server) -> None:
    store = store_at(s3)
    keys = [f"k{at}" for at in range(400)]
    store.put_many([(key, key.encode()) for key in keys]).result()
    s3.turn(latency=0.005, faults=[{"kind": "status", "status": 503, "code": "SlowDown", "every": 2, "times": 60}])
    s3.settle()
    s3.forget()
    assert store.get_many(keys).result() == [key.encode() for key in keys]
    assert len(s3.requests(status=503)) == 60


def test_at_most_256_requests_are_in_flight_whatever_the_threads(s3: Server) -> None:
    store = store_at(s3)
    keys = [f"k{at}" for at in range(400)]
    store.put_many([(key, b"1") for key in keys]).result()
    s3.turn(latency=0.05)
    s3.settle()
    s3.forget()
    threads = [threading.Thread(target=lambda: store.get_many(keys).result()) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    s3.settle()
    most = s3.summary()["most_in_flight"]
    assert 100 < most <= 257  # the one that asks for the summary


def test_who_waits_for_a_server_that_stays_away_can_be_interrupted(s3: Server) -> None:
    s3.turn(faults=[{"kind": "status", "status": 500}])
    for what in (
        lambda: store_at(s3).get("a").result(),
        lambda: store_at(s3).get_many(["a", "b"]).result(),
        lambda: store_at(s3).put_many([("a", b""), ("b", b"")]).result(),
        lambda: store_at(s3).list("").result(),
    ):
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            what()
        assert time.monotonic() - start < 10
        timer.join()


def test_a_server_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises(StoreError, match="asked"):
        zarrite.open(
            "s3://bucket/a",
            mode="r",
            storage_options={"endpoint_url": "http://127.0.0.1:1", "anon": True, "retry_timeout": 0.3},
        )


@pytest.mark.parametrize("knobs", [{"ranges": False}, {"suffix_ranges": "whole"}, {"suffix_ranges": "refuse"}], ids=str)
def test_servers_without_ranges_or_without_suffixes_are_read_all_the_same(s3: Server, knobs: dict[str, Any]) -> None:
    made(s3, shards=(64, 64), path="s")
    s3.turn(**knobs)
    array = opened(s3, "s")
    np.testing.assert_array_equal(array[20:40, 3], CELLS[20:40, 3])
    np.testing.assert_array_equal(array[...], CELLS)


def test_a_server_that_refuses_suffixes_is_asked_for_one_once(s3: Server) -> None:
    for name in ("one", "two"):
        made(s3, shards=(64, 64), path=f"s/{name}")
    s3.turn(suffix_ranges="refuse")
    first, second = opened(s3, "s/one"), opened(s3, "s/two")
    assert [line[0] for line in asked(s3, lambda: first[0, 0])] == ["GET", "HEAD", "GET", "GET"]
    assert [line[0] for line in asked(s3, lambda: second[0, 0])] == ["HEAD", "GET", "GET"]
    assert [line[0] for line in asked(s3, lambda: second[63, 63])] == ["GET"]


def test_a_login_page_is_neither_a_document_nor_cells(s3: Server) -> None:
    made(s3)
    made(s3, path="s", shards=(64, 64))
    arrays = [opened(s3), opened(s3, "s")]
    _ = arrays[1][0, 0]
    s3.turn(faults=[{"kind": "page"}])
    for array in arrays:
        with pytest.raises(StoreError, match="web page"):
            array[63, 63]
    with pytest.raises(StoreError, match=r"zarr\.json.*web page"):
        opened(s3)


def test_an_empty_answer_is_no_document_and_no_chunk(s3: Server) -> None:
    made(s3)
    array = opened(s3)
    s3.write("a/c/0/0", b"")
    with pytest.raises(zarrite.errors.ChunkDecodeError):
        array[0, 0]
    s3.write("a/zarr.json", b"")
    with pytest.raises(ValueError, match=r"zarr\.json"):
        opened(s3)
