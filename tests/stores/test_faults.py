"""A server that fails in every way it can, under everything that is done with arrays.

The data is right or the error is clear: what failed is never a fill value. Each test does many things, so that every
kind of request is struck; what a fault does to one request is in `test_remote_faults.py`.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from servers.s3 import Server
from zarrite.errors import StoreError

CELLS = np.arange(1, 1025, dtype="i4").reshape(32, 32)
LAYOUTS: dict[str, dict[str, Any]] = {
    "chunks": {"chunks": (8, 8)},
    "shards": {"chunks": (4, 4), "shards": (16, 16)},
}
# No fill value among the cells: whatever was not read would show.
PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "code": "SlowDown"},
    {"kind": "status", "status": 429, "retry_after": 0},
    {"kind": "status", "status": 500, "acts": True},
    {"kind": "reset"},
    {"kind": "torn"},
    {"kind": "long"},
]


def named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for name, value in fault.items() if name in {"kind", "status", "acts"})


def place(s3: Server, path: str = "data.zarr") -> dict[str, Any]:
    return {"store": f"s3://bucket/{path}", "storage_options": s3.options()}


def fill(s3: Server, layout: str) -> zarrite.Array:
    group = zarrite.create_group(**place(s3))
    array = group.create_array("a", data=CELLS, **LAYOUTS[layout])
    group.create_array("deep/b", data=CELLS[0], chunks=(4,))
    return array


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_everything_outlives_failures_in_passing(s3: Server, fault: dict[str, Any], layout: str) -> None:
    array = fill(s3, layout)
    s3.turn(faults=[{**fault, "every": 7}])
    assert_array_equal(array[...], CELLS)
    array[5:20, 3:30] = -1
    array.append(CELLS[:5])
    array.attrs["units"] = "m"
    s3.calm()
    wanted = np.concatenate([CELLS, CELLS[:5]])
    wanted[5:20, 3:30] = -1
    again = zarrite.open_array(**place(s3), path="a")
    assert_array_equal(again[...], wanted)
    assert again.attrs.asdict() == {"units": "m"}


@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_copies_and_deletions_outlive_failures_in_passing(s3: Server, fault: dict[str, Any]) -> None:
    fill(s3, "chunks")
    source, options = place(s3)["store"], s3.options()
    s3.turn(faults=[{**fault, "every": 7}])
    store: dict[str, bytes] = {}
    zarrite.copy(source, store, source_options=options)
    zarrite.copy(store, "s3://bucket/two.zarr", target_options=options)
    zarrite.copy(source, "s3://bucket/three.zarr", source_options=options, target_options=options)
    zarrite.delete(source, storage_options=options)
    s3.calm()
    assert s3.keys("data.zarr") == []
    for name in ("two.zarr", "three.zarr"):
        assert {key: s3.read(f"{name}/{key}") for key in store} == store
        assert len(s3.keys(name)) == len(store)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", [{"kind": "short"}, {"kind": "page"}], ids=named)
def test_answers_that_only_look_right_are_errors_or_asked_again(s3: Server, fault: dict[str, Any], layout: str) -> None:
    array = fill(s3, layout)
    for skip in range(6):
        s3.turn(faults=[{**fault, "method": "GET", "skip": skip, "times": 1, "key": "data.zarr/a/c"}])
        with contextlib.suppress(zarrite.errors.BaseZarrError, zarrite.errors.ZarriteError):
            assert_array_equal(array[...], CELLS)
        with contextlib.suppress(zarrite.errors.BaseZarrError, zarrite.errors.ZarriteError):
            array[3:5, 3:5] = CELLS[3:5, 3:5]
    s3.calm()
    assert_array_equal(zarrite.open_array(**place(s3), path="a")[...], CELLS)


@pytest.mark.parametrize("fault", [{"kind": "short"}, {"kind": "page"}], ids=named)
def test_an_answer_that_is_not_the_object_is_never_copied(s3: Server, fault: dict[str, Any]) -> None:
    fill(s3, "chunks")
    for skip in range(4):
        store: dict[str, bytes] = {}
        s3.turn(faults=[{**fault, "method": "GET", "skip": skip, "times": 1, "key": "data.zarr/a/c"}])
        with contextlib.suppress(StoreError):
            zarrite.copy("s3://bucket/data.zarr", store, source_options=s3.options())
        assert all(store[key] == s3.read(f"data.zarr/{key}") for key in store)
        if "zarr.json" in store:
            assert_array_equal(zarrite.open_array(store, path="a")[...], CELLS)


def test_a_copy_of_what_is_refused_is_an_error_and_no_node(s3: Server) -> None:
    fill(s3, "chunks")
    s3.turn(denied=["data.zarr/a/c/1"])
    for target, options in [({}, {}), ("s3://bucket/two.zarr", {"target_options": s3.options()})]:
        with pytest.raises(StoreError, match=r"data.zarr/a/c/1"):
            zarrite.copy("s3://bucket/data.zarr", target, source_options=s3.options(), **options)  # type: ignore[arg-type]
        with pytest.raises(zarrite.errors.NodeNotFoundError):
            zarrite.open(target, mode="r", storage_options=s3.options() if options else None)


def test_an_object_that_goes_while_it_is_copied_is_an_error(s3: Server) -> None:
    fill(s3, "chunks")
    s3.turn(
        faults=[{"kind": "status", "status": 404, "code": "NoSuchKey", "method": "GET", "key": "data.zarr/a/c/2/2"}]
    )
    with pytest.raises(StoreError, match=r"c/2/2.*not there any more"):
        zarrite.copy("s3://bucket/data.zarr", {}, source_options=s3.options())


def test_stale_reads_lose_no_cells(s3: Server) -> None:
    array = fill(s3, "chunks")
    s3.turn(stale_reads=0.3)
    for row in range(4):
        array[row, :3] = -1  # each a read of the object, which may be that of before, and a put of it
    s3.calm()
    wanted = CELLS.copy()
    wanted[:4, :3] = -1
    assert_array_equal(zarrite.open_array(**place(s3), path="a")[...], wanted)


@pytest.mark.parametrize("knobs", [{"latency": 0.02, "jitter": 0.02}, {"bandwidth": 2_000_000.0}], ids=str)
def test_a_slow_server_is_only_slow(s3: Server, knobs: dict[str, Any]) -> None:
    array = fill(s3, "shards")
    s3.turn(**knobs)
    array[1:9, 1:9] = -1
    wanted = CELLS.copy()
    wanted[1:9, 1:9] = -1
    assert_array_equal(array[...], wanted)
    store: dict[str, bytes] = {}
    zarrite.copy("s3://bucket/data.zarr", store, source_options=s3.options())
    assert_array_equal(zarrite.open_array(store, path="a")[...], wanted)
