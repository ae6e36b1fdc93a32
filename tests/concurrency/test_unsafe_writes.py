"""Stores that keep nobody apart: they are found out, and what that means is told or refused."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite import config
from zarrite.errors import UnsafeWriteError, UnsafeWriteWarning


class Plain:
    """The least a store written in Python can be."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found[start:stop]

    def put(self, key: str, value: bytes) -> None:
        self.objects[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


class Versioned(Plain):
    """One that knows versions."""

    def put_if_absent(self, key: str, value: bytes) -> bool:
        return self.put_if_version(key, value, "") if key not in self.objects else False

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        found = self.objects.get(key)
        return None if found is None else (found, str(hash(found)))

    def put_if_version(self, key: str, value: bytes, version: str) -> bool:
        found = self.objects.get(key)
        if found is not None and str(hash(found)) != version:
            return False
        self.put(key, value)
        return True


@pytest.fixture(params=["refuse", "ignore", "python"])
def place(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A store that takes no conditional puts, that does not look at conditions, or that knows none."""
    if request.param == "python":
        yield {"store": Plain()}
        return
    s3: Server = request.getfixturevalue("s3")
    s3.turn(conditional_puts=request.param)
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret"}
    yield {"store": f"s3://{s3.bucket}/{request.param}", "storage_options": options}


def make(place: dict[str, Any], **settings: Any) -> zarrite.Array:
    """An array that holds cells already."""
    array = zarrite.create_array(**place, shape=(8, 8), dtype="i4", chunks=(2, 2), shards=(4, 8), **settings)
    array[...] = np.arange(64).reshape(8, 8) + 1
    return array


def test_a_partial_write_is_done_and_told_once_with_the_shape_that_is_safe(place: dict[str, Any]) -> None:
    array = make(place)
    with pytest.warns(UnsafeWriteWarning, match=r"write whole shards \(of shape \(4, 8\)\)"):
        array[0, 0] = 100
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        array[5, 5] = 200
        array[4:] = 7
        array[0, 1] = 300
    np.testing.assert_array_equal(array[0, :3], [100, 300, 3])


def test_a_partial_write_can_be_refused(place: dict[str, Any]) -> None:
    array = make(place)
    with config.set({"array.unsafe_writes": "refuse"}):
        with pytest.raises(UnsafeWriteError, match="write whole shards"):
            array[0, 0] = 100
        array[:4] = 5
    assert array[0, 0] == 5


def test_a_partial_write_can_be_allowed(place: dict[str, Any]) -> None:
    array = make(place)
    with config.set({"array.unsafe_writes": "allow"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        array[0, 0] = 100
        array.attrs["a"] = 1
        array.append(np.zeros((3, 8), "i4"))
        array.resize((9, 8))
    again = zarrite.open_array(**place, mode="r")
    assert again.shape == (9, 8)
    assert again[0, 0] == 100
    assert again.attrs["a"] == 1


def test_a_change_of_attributes_is_told_too(place: dict[str, Any]) -> None:
    array = make(place)
    with pytest.warns(UnsafeWriteWarning, match="let one process change it"):
        array.attrs["a"] = 1
    assert zarrite.open_array(**place, mode="r").attrs["a"] == 1


def test_a_server_that_keeps_conditions_is_asked_once_and_believed(s3: Server) -> None:
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret"}
    array = make({"store": f"s3://{s3.bucket}/a", "storage_options": options})

    def asked() -> list[tuple[str, int]]:
        s3.settle()
        found = [(request.method, request.status) for request in s3.requests()]
        s3.forget()
        return found

    asked()
    array[0, 0] = 1
    assert asked() == [("GET", 200), ("PUT", 412), ("PUT", 200)]
    array[0, 0] = 2
    assert asked() == [("GET", 200), ("PUT", 200)]


def test_a_server_that_is_vouched_for_is_not_asked(s3: Server) -> None:
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret", "conditional_put": "etag"}
    array = make({"store": f"s3://{s3.bucket}/a", "storage_options": options})
    s3.settle()
    s3.forget()
    array[0, 0] = 1
    s3.settle()
    assert [request.method for request in s3.requests()] == ["GET", "PUT"]


def test_a_store_in_python_that_knows_versions_is_safe() -> None:
    store = Versioned()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        array = make({"store": store})
        array[0, 0] = 9
        array.append(np.ones((3, 8), "i4"))
        array.attrs["a"] = 1
    again = zarrite.open_array(store, mode="r")
    assert (again.shape, int(again[0, 0]), int(again[10, 7])) == ((11, 8), 9, 1)


def test_no_other_word_is_taken_for_the_setting() -> None:
    with pytest.raises(ValueError, match=r"array\.unsafe_writes must be"):
        config.set({"array.unsafe_writes": "ask"})
