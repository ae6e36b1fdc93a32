"""Attributes: a mutable mapping that writes one document a call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine

Handle = zarrite.Array | zarrite.Group


@pytest.fixture(params=["array", "group"])
def handle(request: pytest.FixtureRequest) -> Handle:
    store = _engine.recorded_store(_engine.memory_store())
    made: Handle
    if request.param == "array":
        made = zarrite.create_array(store, shape=(2,), dtype="i4", attributes={"a": 1, "deep": {"list": [1, 2]}})
    else:
        made = zarrite.create_group(store, attributes={"a": 1, "deep": {"list": [1, 2]}})
    _engine.recorded(store)
    return made


CHANGES: dict[str, Callable[[Any], object]] = {
    "set": lambda attrs: attrs.__setitem__("b", 2),
    "delete": lambda attrs: attrs.__delitem__("a"),
    "update": lambda attrs: attrs.update({"b": 2, "c": 3}, d=4),
    "put": lambda attrs: attrs.put({"z": 0}),
    "clear": lambda attrs: attrs.clear(),
    "pop": lambda attrs: attrs.pop("a"),
    "setdefault": lambda attrs: attrs.setdefault("new", 5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_reads_one_document_and_writes_it(handle: Handle, change: str) -> None:
    expected = handle.attrs.asdict()
    if change == "put":
        expected = {"z": 0}
    else:
        CHANGES[change](expected)
    CHANGES[change](handle.attrs)
    assert [verb for verb, *_ in _engine.recorded(handle.store)] == ["get", "put"]
    assert handle.attrs.asdict() == expected
    assert zarrite.open(handle.store).attrs.asdict() == expected


def test_reading_asks_for_nothing(handle: Handle) -> None:
    assert handle.attrs["a"] == 1
    assert len(handle.attrs) == 2
    assert "a" in handle.attrs
    assert handle.attrs.get("missing") is None
    assert handle.attrs == {"a": 1, "deep": {"list": [1, 2]}}
    assert sorted(handle.attrs) == ["a", "deep"]
    assert handle.attrs.setdefault("a", 7) == 1
    assert _engine.recorded(handle.store) == []


def test_a_missing_attribute_is_a_key_error(handle: Handle) -> None:
    with pytest.raises(KeyError):
        handle.attrs["missing"]
    assert _engine.recorded(handle.store) == []
    with pytest.raises(KeyError):
        del handle.attrs["missing"]
    assert [verb for verb, *_ in _engine.recorded(handle.store)] == ["get"]


def test_what_is_read_is_a_copy(handle: Handle) -> None:
    handle.attrs["deep"]["list"].append(3)
    handle.attrs.asdict()["a"] = 5
    assert handle.attrs.asdict() == {"a": 1, "deep": {"list": [1, 2]}}
    assert zarrite.open(handle.store).attrs["deep"] == {"list": [1, 2]}


def test_what_is_written_is_a_copy(handle: Handle) -> None:
    mine = [1]
    handle.attrs["mine"] = mine
    mine.append(2)
    assert handle.attrs["mine"] == [1]


def test_numpy_values_become_json(handle: Handle) -> None:
    handle.attrs.update(number=np.float32(1.5), numbers=np.arange(3), nested={"n": np.int8(2)})
    assert zarrite.open(handle.store).attrs["numbers"] == [0, 1, 2]
    assert handle.attrs["nested"] == {"n": 2}


def test_what_is_no_json_is_refused_and_nothing_changes(handle: Handle) -> None:
    with pytest.raises((TypeError, ValueError)):
        handle.attrs["bad"] = object()
    assert "bad" not in handle.attrs
    assert "bad" not in zarrite.open(handle.store).attrs


def test_update_attributes_gives_the_handle(handle: Handle) -> None:
    assert handle.update_attributes({"b": 2}) is handle
    assert handle.attrs.asdict() == {"a": 1, "deep": {"list": [1, 2]}, "b": 2}


@pytest.mark.parametrize("handles", ["one", "several"])
def test_threads_that_set_attributes_do_not_undo_each_other(handle: Handle, handles: str) -> None:
    each = [handle if handles == "one" else zarrite.open(handle.store) for _ in range(8)]

    def fill(number: int) -> None:
        for at in range(20):
            each[number].attrs[f"{number}.{at}"] = at

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(zarrite.open(handle.store).attrs) == 2 + 160


def test_attributes_of_a_read_only_handle_stay(handle: Handle) -> None:
    reader = zarrite.open(handle.store, mode="r")
    with pytest.raises(PermissionError, match="open for reading only"):
        reader.attrs["b"] = 1
    with pytest.raises(ValueError, match="open for reading only"):
        reader.attrs.clear()


def test_format_two_keeps_attributes_in_a_document_of_their_own() -> None:
    store = _engine.recorded_store(_engine.memory_store())
    array = zarrite.create_array(store, shape=(2,), dtype="i4", zarr_format=2)
    _engine.recorded(store)
    array.attrs["a"] = 1
    requests = [(verb, key) for verb, key, *_ in _engine.recorded(store)]
    assert requests == [("get", ".zarray"), ("get", ".zattrs"), ("put", ".zattrs")]
    assert zarrite.open_array(store).attrs.asdict() == {"a": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_is_not_kept_waiting_by_a_lock_that_a_thread_of_its_parent_held(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(2,), dtype="i4")
    with array._seat.lock:
        child = os.fork()
        if child == 0:
            try:
                array.attrs["child"] = True
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert zarrite.open_array(tmp_path / "a").attrs["child"] is True
