"""Cells that may be missing: masked arrays, the codec's bytes, fill values, and what another writer stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.codecs import BytesCodec, GzipCodec, OptionalCodec
from zarrite.dtype import Optional, parse_dtype
from zarrite.errors import ChunkDecodeError, DataTypeValidationError, MetadataValidationError
from zarrite.model.chain import CODECS, codec_from_json


def optional(base: Any, name: str = "optional") -> dict[str, Any]:
    return {"name": name, "configuration": base if isinstance(base, dict) else {"name": base, "configuration": {}}}


def test_the_mask_and_the_values_that_are_there_are_stored() -> None:
    array = zarrite.create_array(None, shape=(4,), dtype=optional("uint16"), compressors=None)
    array[...] = np.ma.MaskedArray([1, 2, 3, 4], [0, 1, 0, 1])
    head = (4).to_bytes(8, "little") + (4).to_bytes(8, "little")
    assert array.store.get("c/0").result() == head + b"\1\0\1\0" + b"\1\0\3\0"
    array[...] = None
    assert array.nchunks_initialized == 0


def test_none_masked_and_values_are_taken() -> None:
    array = zarrite.create_array(None, shape=(5,), dtype=optional("float32"), chunks=(2,))
    array[0] = 1.5
    array[1] = np.ma.masked
    array[2:] = [None, 2, np.float64(3)]
    found = array[...]
    assert isinstance(found, np.ma.MaskedArray)
    assert found.tolist() == [1.5, None, None, 2.0, 3.0]
    assert array[1] is np.ma.masked
    assert array[3] == 2
    out = np.ma.zeros(5, "f4")
    assert array.read(..., out=out).tolist() == found.tolist()


@pytest.mark.parametrize(("fill", "written"), [(None, None), (7, [7]), ([7], [7])])
def test_the_fill_value_is_null_or_a_list_of_the_value(fill: Any, written: Any) -> None:
    array = zarrite.create_array(None, shape=(2,), dtype=optional("int32"), fill_value=fill)
    assert array.metadata.to_dict()["fill_value"] == written
    assert zarrite.open_array(array.store)[...].tolist() == ([None] * 2 if fill is None else [7, 7])


def test_what_may_be_missing_twice_is_a_structure_inside() -> None:
    kind = parse_dtype(optional(optional("uint8")))
    for fill, cell in ((None, b"\0\0\0"), ([None], b"\1\0\0"), ([[5]], b"\1\1\5")):
        assert kind.cell(kind.fill_from_json(fill)) == cell
        assert kind.fill_to_json(kind.fill_from_json(fill)) == fill
    array = zarrite.create_array(None, shape=(3,), dtype=kind)
    cells = np.zeros(3, kind.memory)
    cells["valid"] = [0, 1, 1]
    cells["value"]["valid"] = [0, 0, 1]
    cells["value"]["value"] = [0, 0, 9]
    array[...] = cells
    found = zarrite.open_array(array.store)[...]
    assert np.ma.getdata(found).tolist() == [(False, 0), (False, 0), (True, 9)]
    assert found.mask["valid"].tolist() == [True, False, False]


def test_chains_inside_are_settled_and_refused_like_others() -> None:
    codec = OptionalCodec([BytesCodec(), GzipCodec()], [BytesCodec("big")])
    array = zarrite.create_array(None, shape=(3,), dtype=optional("int16"), serializer=codec, compressors=None)
    array[...] = [1, None, 258]
    assert array.store.get("c/0").result()[-4:] == b"\0\1\1\2"
    assert zarrite.open_array(array.store)[...].tolist() == [1, None, 258]
    with pytest.raises(MetadataValidationError, match="may be missing"):
        zarrite.create_array(None, shape=(3,), dtype="int16", serializer=codec)
    with pytest.raises(MetadataValidationError, match="no place for missing cells"):
        zarrite.create_array(None, shape=(3,), dtype=optional("int16"), serializer=BytesCodec())
    with pytest.raises(MetadataValidationError, match="mask_codecs"):
        zarrite.create_array(None, shape=(3,), dtype=optional("int16"), serializer=OptionalCodec([], [BytesCodec()]))
    with pytest.raises(DataTypeValidationError, match="varies in length"):
        zarrite.create_array(None, shape=(3,), dtype=optional("string"))
    with pytest.raises(DataTypeValidationError, match="format 2"):
        zarrite.create_array(None, shape=(3,), dtype=optional("int16"), zarr_format=2)


def test_types_and_chains_that_go_too_deep_are_refused() -> None:
    kind: Any = "uint8"
    chain: Any = [{"name": "bytes"}]
    for _ in range(200):
        kind = optional(kind)
        chain = [{"name": "optional", "configuration": {"mask_codecs": [{"name": "bytes"}], "data_codecs": chain}}]
    with pytest.raises(MetadataValidationError, match="nest fewer"):
        parse_dtype(kind)
    with pytest.raises(MetadataValidationError, match="deeper"):
        codec_from_json(chain[0])


def test_damaged_chunks_are_errors() -> None:
    array = zarrite.create_array(None, shape=(6,), dtype=optional("int16"), compressors=None)
    array[...] = [1, None, 2, 3, None, 4]
    good = array.store.get("c/0").result()
    random = np.random.default_rng(1)
    bad_ones = [b"", good[:15], good + b"x", b"\xff" * len(good), good[:16] + b"\2" + good[17:]]
    for bad in bad_ones:
        array.store.put("c/0", bad).result()
        with pytest.raises(ChunkDecodeError):
            array[...]
    for _ in range(300):
        bad = bytearray(good)
        bad[random.integers(0, len(bad))] = random.integers(0, 256)
        array.store.put("c/0", bytes(bad)).result()
        try:
            array[...]
        except ChunkDecodeError:
            continue


def test_missing_cells_inside_shards_and_chunks_of_other_order() -> None:
    cells = np.ma.MaskedArray(np.arange(48).reshape(6, 8), np.arange(48).reshape(6, 8) % 3 == 0)
    for settings in ({"shards": (4, 8)}, {"filters": [{"name": "transpose", "configuration": {"order": [1, 0]}}]}):
        array = zarrite.create_array(None, shape=cells.shape, dtype=optional("int64"), chunks=(2, 4), **settings)
        array[...] = cells
        array[1, 1] = None
        wanted = cells.copy()
        wanted[1, 1] = np.ma.masked
        assert zarrite.open_array(array.store)[...].tolist() == wanted.tolist()
        assert array[::-2, 1:3].tolist() == wanted[::-2, 1:3].tolist()


def test_arrays_of_another_writer_are_right(data: Path) -> None:
    if "packbits" not in CODECS:
        pytest.skip("their masks are kept by codec 'packbits'")
    folder = data / "zarr" / "zarrs" / "v3"
    array = zarrite.open_array(folder / "array_optional.zarr" / "array", mode="r")
    assert isinstance(array.metadata.data_type, Optional)
    assert array[...].tolist() == [[0, None, 2, 3], [None, 5, None, 7], [8, 9, None, None], [12, None, None, None]]
    nested = zarrite.open_array(folder / "array_optional_nested.zarr" / "array", mode="r")[...]
    shown = [
        [None if gone else [value["value"] if value["valid"] else None] for gone, value in zip(*row, strict=True)]
        for row in zip(nested.mask["valid"], np.ma.getdata(nested), strict=True)
    ]
    out, inside = None, [None]
    assert json.loads(json.dumps(shown, default=int)) == [
        [out, inside, [2], [3]],
        [out, [5], out, [7]],
        [inside, inside, out, out],
        [inside, inside, out, out],
    ]
