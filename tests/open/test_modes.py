"""Opening: modes, and what is said when something is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    GroupNotFoundError,
    NodeExistsError,
    NodeNotFoundError,
    NodeTypeValidationError,
    ReadOnlyError,
)


@pytest.fixture(params=["memory", "directory"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return _engine.memory_store() if request.param == "memory" else str(tmp_path / "place.zarr")


@pytest.fixture
def full(empty: Any) -> Any:
    """A place with a group that holds the array a."""
    zarrite.create_group(empty, attributes={"here": 1}).create_array("a", data=np.arange(4), chunks=2)
    return empty


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_what_is_missing_is_a_file_not_found_and_a_value_error(empty: Any, mode: str) -> None:
    for opening, error in (
        (zarrite.open, NodeNotFoundError),
        (zarrite.open_array, ArrayNotFoundError),
        (zarrite.open_group, GroupNotFoundError),
    ):
        with pytest.raises(error, match=r"at path 'x' in .*looked for x/") as caught:
            opening(empty, path="x", mode=mode)
        assert isinstance(caught.value, FileNotFoundError)
        assert isinstance(caught.value, ValueError)
        assert caught.value.path == "x"


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        zarrite.open(tmp_path / "missing", mode="r")
    assert list(tmp_path.iterdir()) == []


def test_open_gives_what_is_there(full: Any) -> None:
    for mode in (None, "r", "r+", "a"):
        assert isinstance(zarrite.open(full, mode=mode), zarrite.Group)
        assert isinstance(zarrite.open(full, mode=mode, path="a"), zarrite.Array)
    assert zarrite.open(full, path="/a/") == zarrite.open_array(full, path="a")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_both_formats_are_found_without_being_named(empty: Any, zarr_format: int) -> None:
    zarrite.create_array(empty, name="g/a", data=np.arange(3), zarr_format=zarr_format)
    assert zarrite.open(empty, path="g/a", mode="r")[:].tolist() == [0, 1, 2]
    assert zarrite.open_array(empty, path="g/a", zarr_format=zarr_format).zarr_format == zarr_format
    assert zarrite.open_group(empty, path="g", mode="r").zarr_format == zarr_format
    with pytest.raises(FileNotFoundError):
        zarrite.open(empty, path="g/a", mode="r", zarr_format=5 - zarr_format)


def test_mode_r_refuses_writes(full: Any) -> None:
    array = zarrite.open_array(full, path="a", mode="r")
    assert array.read_only
    writes: list[Callable[[], object]] = [
        lambda: array.__setitem__(0, 1),
        lambda: array.__setitem__([0, 1], 1),
        lambda: array.write(..., 1),
        lambda: array.vindex.__setitem__([0], 1),
        lambda: array.resize(9),
        lambda: array.append([1]),
    ]
    for write in writes:
        with pytest.raises(ReadOnlyError, match=r"open it with mode='r\+'") as caught:
            write()
        assert isinstance(caught.value, PermissionError)
        assert isinstance(caught.value, ValueError)
    assert zarrite.open_array(full, path="a")[:].tolist() == [0, 1, 2, 3]


def test_mode_a_makes_a_group_where_nothing_is(empty: Any) -> None:
    assert isinstance(zarrite.open(empty), zarrite.Group)
    assert zarrite.open_group(empty, mode="r").attrs.asdict() == {}
    assert isinstance(zarrite.open_group(empty, path="deep/er", attributes={"a": 1}), zarrite.Group)
    assert zarrite.open_group(empty, path="deep", mode="r").attrs.asdict() == {}


def test_mode_a_makes_an_array_where_it_is_described(empty: Any) -> None:
    made = zarrite.open(empty, path="a", shape=(3,), dtype="i2", chunks=2)
    assert isinstance(made, zarrite.Array)
    assert made.chunks == (2,)
    again = zarrite.open_array(empty, path="a", shape=(99,), dtype="f8")
    assert again.shape == (3,)
    with pytest.raises(ArrayNotFoundError):
        zarrite.open_array(empty, path="b")


def test_mode_w_replaces(full: Any) -> None:
    assert zarrite.open_group(full, mode="w").attrs.asdict() == {}
    assert list(zarrite.open_group(full)) == []
    assert zarrite.open_array(full, mode="w", shape=(2,), dtype="i1").shape == (2,)
    assert zarrite.open(full, mode="w", shape=(3,), dtype="i1").shape == (3,)  # type: ignore[union-attr]
    assert isinstance(zarrite.open(full, mode="w"), zarrite.Group)


def test_mode_w_minus_makes_and_never_replaces(full: Any) -> None:
    for opening in (
        lambda: zarrite.open_group(full, mode="w-"),
        lambda: zarrite.open_array(full, path="a", mode="w-", shape=(2,), dtype="i1"),
        lambda: zarrite.open(full, mode="w-"),
    ):
        with pytest.raises(NodeExistsError, match="mode 'w-'") as caught:
            opening()
        assert isinstance(caught.value, FileExistsError)
        assert isinstance(caught.value, ValueError)
    assert zarrite.open_group(full, path="new", mode="w-").path == "new"


def test_an_unknown_mode_is_refused(empty: Any) -> None:
    for opening in (zarrite.open, zarrite.open_array, zarrite.open_group):
        with pytest.raises(ValueError, match="mode must be"):
            opening(empty, mode="x")


def test_the_wrong_kind_of_node_is_refused(full: Any) -> None:
    with pytest.raises(NodeTypeValidationError, match="open it with open_group"):
        zarrite.open_array(full, mode="r")
    with pytest.raises(ContainsArrayError, match="open it with open_array"):
        zarrite.open_group(full, path="a")


def test_group_opens_makes_and_replaces(empty: Any) -> None:
    zarrite.group(empty, attributes={"a": 1})
    assert zarrite.group(empty).attrs.asdict() == {"a": 1}
    assert zarrite.group(empty, overwrite=True).attrs.asdict() == {}


def test_open_like_takes_after_another_array(empty: Any) -> None:
    first = zarrite.zeros((6,), chunks=2, dtype="i2", fill_value=3)
    made = zarrite.open_like(first, "copy", store=empty)
    assert (made.shape, made.chunks, made.dtype) == ((6,), (2,), np.dtype("i2"))
    made[0] = 9
    assert zarrite.open_like(first, "copy", store=empty)[0] == 9


def test_a_place_that_can_only_be_read_is_opened_for_reading() -> None:
    store = _engine.memory_store({}, read_only=False)
    zarrite.save(store, np.arange(3))
    reader = store.with_read_only()
    assert zarrite.open(reader)[:].tolist() == [0, 1, 2]  # type: ignore[index]
    assert zarrite.open_array(reader).read_only
    for opening in (
        lambda: zarrite.open(reader, mode="r+"),
        lambda: zarrite.open_group(reader, mode="w"),
        lambda: zarrite.create_array(reader, shape=1, dtype="i1"),
        lambda: zarrite.create_group(reader),
        lambda: zarrite.consolidate_metadata(reader),
    ):
        with pytest.raises(ReadOnlyError):
            opening()


def test_a_damaged_document_is_named(empty: Any) -> None:
    zarrite.create_group(empty).create_array("a", shape=(3,), dtype="i2")
    group = zarrite.open_group(empty)
    (key,) = [key for key in group.store.list("a").result() if key.endswith("json")]
    group.store.put(key, b"{").result()
    for opening in (lambda: zarrite.open(empty, path="a"), lambda: group["a"], group.members):
        with pytest.raises(ValueError, match="a"):
            opening()
    with pytest.raises(ValueError, match="overwrite=True"):
        group.create_array("a", shape=(3,), dtype="i2")
    assert group.create_array("a", shape=(3,), dtype="i2", overwrite=True).shape == (3,)


def test_two_handles_of_one_array_see_each_others_cells(full: Any) -> None:
    one, two = (zarrite.open_array(full, path="a") for _ in range(2))
    one[0] = 50
    assert two[0] == 50
