"""A new array with the cells of another, where the other lies in its place, or is of a type that NumPy has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite

MAKERS: list[Callable[..., Any]] = [zarrite.from_array, zarrite.create_array]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("source", "goal"), [("a", "a"), ("g/a", "g"), ("g/a", "")])
def test_an_array_is_not_deleted_before_its_cells_are_copied(
    tmp_path: Path, make: Callable[..., Any], source: str, goal: str
) -> None:
    group = zarrite.open_group(tmp_path, mode="w")
    array = group.create_array(source, data=np.arange(5))
    read_only = zarrite.open_array(tmp_path, path=source, mode="r")
    for data in (array, read_only):
        with pytest.raises(ValueError, match="before its cells are copied"):
            make(tmp_path, name=goal, data=data, overwrite=True)
    assert array[...].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("make", MAKERS)
def test_what_does_not_touch_the_source_is_made(tmp_path: Path, make: Callable[..., Any]) -> None:
    group = zarrite.open_group(tmp_path, mode="w")
    array = group.create_array("ab", data=np.arange(5))
    assert make(tmp_path, name="a", data=array, overwrite=True)[...].tolist() == [0, 1, 2, 3, 4]
    assert make(tmp_path, name="ab", data=array[...], overwrite=True)[...].tolist() == [0, 1, 2, 3, 4]
    assert make(tmp_path, name="ab", data=array, overwrite=True, write_data=False).shape == (5,)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kind", ["variable_length_bytes", "string", "int8"])
def test_the_data_type_is_that_of_the_array(make: Callable[..., Any], kind: str) -> None:
    array = zarrite.create_array({}, shape=(3,), dtype=kind)
    made = make({}, data=array)
    assert made.metadata.data_type == array.metadata.data_type
    assert made[...].tolist() == array[...].tolist()


@pytest.mark.parametrize(("zarr_format", "name", "separator"), [(2, "v2", "/"), (3, "default", "."), (3, "v2", "/")])
def test_stored_objects_are_called_as_before(zarr_format: int, name: str, separator: str) -> None:
    keys = {"name": name, "separator": separator}
    array = zarrite.create_array({}, shape=(4, 4), dtype="i2", zarr_format=zarr_format, chunk_key_encoding=keys)
    pair = zarrite.create_array(
        {}, shape=(4, 4), dtype="i2", zarr_format=zarr_format, chunk_key_encoding=(name, separator)
    )
    assert zarrite.from_array({}, data=array).metadata == array.metadata == pair.metadata
    other = zarrite.from_array({}, data=array, zarr_format=5 - zarr_format)
    assert (
        other.metadata.keys == zarrite.create_array({}, shape=(), dtype="i2", zarr_format=5 - zarr_format).metadata.keys
    )
