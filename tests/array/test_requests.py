"""Requests a store gets: counted, because they are what a far store costs."""

from __future__ import annotations

import numpy as np
import pytest

import zarrite
from zarrite import _engine

Requests = list[tuple[str, str]]


@pytest.fixture
def store() -> _engine.Store:
    return _engine.recorded_store(_engine.memory_store())


def requests(store: _engine.Store) -> Requests:
    """Verb and key of every request since the last call."""
    return [(verb, key) for verb, key, _, _ in _engine.recorded(store)]


def kinds(store: _engine.Store) -> list[str]:
    """The verbs alone."""
    return [verb for verb, _ in requests(store)]


def test_opening_is_one_request(store: _engine.Store) -> None:
    zarrite.create_array(store, name="g/a", shape=(4,), dtype="i4")
    for open_it in (zarrite.open, zarrite.open_array):
        requests(store)
        open_it(store, path="g/a", mode="r")
        assert len(requests(store)) == 1
    zarrite.open_group(store, path="g")
    assert len(requests(store)) == 1


def test_making_an_array_is_one_request(store: _engine.Store) -> None:
    zarrite.create_array(store, shape=(4,), dtype="i4")
    assert kinds(store) == ["put"]


def test_making_an_array_in_a_group_is_one_request(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    requests(store)
    group.create_array("a", shape=(4,), dtype="i4")
    group.create_group("b")
    assert requests(store) == [("put", "a/zarr.json"), ("put", "b/zarr.json")]


def test_every_missing_parent_is_one_request_more(store: _engine.Store) -> None:
    zarrite.create_array(store, name="x/a", shape=(4,), dtype="i4")
    assert requests(store) == [("put", "zarr.json"), ("put", "x/zarr.json"), ("put", "x/a/zarr.json")]


def test_overwriting_deletes_first(store: _engine.Store) -> None:
    zarrite.create_array(store, shape=(4,), dtype="i4")
    requests(store)
    zarrite.create_array(store, shape=(5,), dtype="i4", overwrite=True)
    assert kinds(store) == ["list", "delete", "delete_prefix", "put"]


def test_whole_chunks_are_one_put_each_and_nothing_else(store: _engine.Store) -> None:
    array = zarrite.create_array(store, shape=(10, 10), chunks=(5, 4), dtype="i4")
    requests(store)
    array[...] = 1
    assert sorted(requests(store)) == [("put", f"c/{y}/{x}") for y in range(2) for x in range(3)]


def test_reading_chunks_is_one_get_each_and_lists_nothing(store: _engine.Store) -> None:
    array = zarrite.create_array(store, data=np.arange(100).reshape(10, 10), chunks=(5, 5))
    requests(store)
    for key in (..., (slice(None, None, -1), 3), ([0, 9],)):
        array[key]
    assert all(kind.startswith("get") for kind in kinds(store))
    array[0, 0]
    assert len(requests(store)) == 1


def test_a_missing_chunk_is_asked_for_once(store: _engine.Store) -> None:
    array = zarrite.create_array(store, shape=(10,), chunks=5, dtype="i4")
    requests(store)
    assert array[0] == 0
    assert len(requests(store)) == 1


def test_members_are_one_list_and_one_batch_a_level(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    for number in range(5):
        group.create_array(f"a{number}", data=np.arange(6), chunks=2)
    group.create_group("g").create_array("deep", data=np.arange(6), chunks=2)
    requests(store)
    assert len(group.members()) == 6
    assert sorted(kinds(store)) == ["get"] * 6 + ["list_dir"]
    assert len(group.members(max_depth=None)) == 7
    assert [key for kind, key in requests(store) if kind == "list_dir"] == ["", "g"]


def test_names_are_one_listing(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    group.create_array("a", data=np.arange(6), chunks=2)
    group.create_group("g")
    requests(store)
    assert list(group) == list(group.keys()) == ["a", "g"]
    assert len(group) == 2
    assert set(kinds(store)) == {"list_dir"}
    assert len(kinds(store)) == 0


def test_one_member_is_one_request_however_deep(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    group.create_array("x/y/a", shape=(3,), dtype="i4")
    requests(store)
    group["x/y/a"]
    assert "x/y/a" in group
    assert requests(store) == [("get", "x/y/a/zarr.json")] * 2


def test_a_consolidated_group_asks_for_nothing_more(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    group.create_array("x/a", shape=(3,), dtype="i4")
    zarrite.consolidate_metadata(store)
    requests(store)
    group = zarrite.open_consolidated(store)
    assert len(requests(store)) == 1
    assert [name for name, _ in group.members(max_depth=None)] == ["x", "x/a"]
    assert group["x"]["a"].shape == (3,)
    assert "nothing" not in group
    assert requests(store) == []


def test_deleting_a_member_takes_its_document_first(store: _engine.Store) -> None:
    group = zarrite.create_group(store)
    group.create_array("a", data=np.arange(6), chunks=2)
    requests(store)
    del group["a"]
    assert requests(store) == [("list", "a"), ("delete", "a/zarr.json"), ("delete_prefix", "a")]


def python_calls(work: object) -> int:
    """How many Python functions a call enters."""
    import sys

    count = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()  # type: ignore[operator]
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("key", [..., (slice(None), slice(None, None, 2)), (slice(None, None, -1),), ([0, 5, 9],)])
def test_python_work_does_not_grow_with_chunks(key: object) -> None:
    few = zarrite.create_array(None, data=np.ones((40, 40)), chunks=40)
    many = zarrite.create_array(None, data=np.ones((40, 40)), chunks=1)
    for array in (few, many):
        array[key]
    assert python_calls(lambda: few[key]) == python_calls(lambda: many[key])
    values = np.zeros(few[key].shape)
    assert python_calls(lambda: few.write(key, values)) == python_calls(lambda: many.write(key, values))
