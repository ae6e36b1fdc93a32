"""Fill values, chunks that hold nothing else, bits of NaN, integers beyond 2^53 (format reference 8.2 and 8.3)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, cells_of, only_fill, v2, v3
from zarrite import codecs
from zarrite.errors import MetadataValidationError


def made(store: dict[str, bytes], **settings: Any) -> zarrite.Array:
    return zarrite.create_array(store, **{"shape": (4,), "chunks": (2,), "dtype": "f4"} | settings)


def chunks(store: dict[str, bytes]) -> list[str]:
    return sorted(key for key in store if "zarr" not in key)


def test_8_2_a_missing_chunk_and_one_of_fill_values_read_alike() -> None:
    for write_empty in (True, False):
        store: dict[str, bytes] = {}
        made(store, fill_value=7, config={"write_empty_chunks": write_empty})[...] = 7
        assert len(chunks(store)) == (2 if write_empty else 0)
        assert cells_of(store).tolist() == [7, 7, 7, 7]


@pytest.mark.parametrize(
    ("fill", "cell"),
    [
        (0.0, -0.0),
        (-0.0, 0.0),
        (np.nan, np.uint32(0x7FC00001).view("f4")),
        (np.uint32(0xFFC00000).view("f4"), np.nan),
    ],
)
def test_8_2_cells_that_only_look_like_the_fill_value_are_stored(fill: Any, cell: Any) -> None:
    store: dict[str, bytes] = {}
    cells = np.full(4, cell, "f4")
    made(store, fill_value=fill)[...] = cells
    assert len(chunks(store)) == 2
    assert cells_of(store).tobytes() == cells.tobytes()
    again: dict[str, bytes] = {}
    made(again, fill_value=fill)[...] = np.full(4, fill, "f4")
    assert chunks(again) == []


def test_8_2_the_fill_value_goes_through_the_filters() -> None:
    store: dict[str, bytes] = {}
    chain = [codecs.FixedScaleOffset(10, 2, "<f8", "<i2")]
    array = made(store, dtype="f8", fill_value=20, filters=chain, chunks=(2,), shards=(4,))
    array[...] = [20, 20, 1, 2]
    assert cells_of(store).tolist() == [20, 20, 1, 2]
    array[...] = 20
    assert chunks(store) == []
    assert cells_of(store).tolist() == [20] * 4


def test_8_2_what_lies_behind_the_edge_does_not_keep_a_chunk() -> None:
    store: dict[str, bytes] = {}
    array = made(store, shape=(3,), fill_value=5)
    array[...] = [1, 2, 3]
    array[2] = 5
    assert chunks(store) == ["c/0"]


def test_8_2_writing_fill_values_takes_the_object_away() -> None:
    store: dict[str, bytes] = {}
    array = made(store)
    array[...] = 1
    array[:2] = 0
    assert chunks(store) == ["c/1"]


def test_8_2_the_attribute_of_a_missing_value_is_no_fill_value() -> None:
    array = made({}, attributes={"_FillValue": "AAAAAAAAWUA="})
    assert array.fill_value == 0
    assert array.attrs["_FillValue"] == "AAAAAAAAWUA="
    assert not np.ma.isMaskedArray(array[...])


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7FC12345, 0xFFC00000, 0x7F800001])
def test_8_3_the_payload_of_a_nan_is_kept(bits: int) -> None:
    store: dict[str, bytes] = {}
    made(store, fill_value=np.uint32(bits).view("f4"))
    assert cells_of(store).view("u4").tolist() == [bits] * 4
    zarrite.open_array(store, mode="r+").attrs["a"] = 1
    assert cells_of(store).view("u4").tolist() == [bits] * 4


@pytest.mark.parametrize(("dtype", "value"), [("i8", -(2**63)), ("i8", 2**53 + 1), ("u8", 2**64 - 1)])
def test_8_3_integers_beyond_the_mantissa_keep_every_digit(dtype: str, value: int) -> None:
    store: dict[str, bytes] = {}
    made(store, dtype=dtype, fill_value=value, attributes={"large": value})
    assert set(cells_of(store).tolist()) == {value}
    document = json.loads(store["zarr.json"])
    assert document["fill_value"] == value
    assert zarrite.open_array(store, mode="r").attrs["large"] == value


def test_8_3_a_rounded_integer_is_taken_where_it_is_exact_and_refused_elsewhere() -> None:
    assert set(cells_of(only_fill(v3(CELLS.astype("<u8"), fill_value=float(2**60)))).ravel().tolist()) == {2**60}
    for value in (1.8446744073709552e19, 1e300):
        with pytest.raises(MetadataValidationError, match="fill_value"):
            cells_of(only_fill(v2(CELLS.astype("<u8"), fill_value=value)))
