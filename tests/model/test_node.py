"""Models: what follows from them, what is made from them, and the settings of new arrays."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from model.strategies import arrays_of_format_2, arrays_of_format_3
from zarrite import codecs
from zarrite.errors import DataTypeValidationError, MetadataValidationError, UnknownNameError
from zarrite.model.node import DEFAULT_FILL, ArrayModel, GroupModel


@given(arrays_of_format_3() | arrays_of_format_2())
def test_models_travel_between_processes(model: ArrayModel) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert hash(again) == hash(model)
    assert again.lower() == model.lower()


def test_a_model_is_as_a_user_knows_arrays() -> None:
    model = ArrayModel.create(shape=(10, 20), dtype="f4", chunks=(2, 3), shards=(4, 9), dimension_names=["y", None])
    assert model.ndim == 2
    assert model.dtype == np.float32
    assert model.chunks == (2, 3)
    assert model.shards == (4, 9)
    assert model.chunk_grid_shape == (3, 3)
    assert model.chunk_cells == 36
    assert model.dimension_names == ("y", None)
    assert model.filters == ()
    assert model.serializer == codecs.BytesCodec()
    assert model.compressors == (codecs.ZstdCodec(),)
    assert model.node_type == "array"
    assert model.to_dict()["node_type"] == "array"


def test_defaults_are_those_of_zarr_python() -> None:
    model = ArrayModel.create(shape=(10,), dtype="f4")
    assert model.codecs == (codecs.BytesCodec("little"), codecs.ZstdCodec(0, False))
    assert model.keys.to_json() == {"name": "default", "configuration": {"separator": "/"}}
    assert model.fill_value == 0
    assert ArrayModel.create(shape=(10,), dtype=str).serializer == codecs.VLenUTF8Codec()
    assert ArrayModel.create(shape=(10,), dtype=bytes).serializer == codecs.VLenBytesCodec()
    old = ArrayModel.create(shape=(10,), dtype="f4", zarr_format=2)
    assert old.compressors == (codecs.ZstdCodec(),)
    assert old.filters == ()
    assert old.serializer is None
    assert old.keys.encode((1, 2)) == "1.2"
    assert ArrayModel.create(shape=(10,), dtype=str, zarr_format=2).filters == (codecs.VLenUTF8Codec(),)
    assert np.isnat(ArrayModel.create(shape=(10,), dtype="M8[s]").fill_value)


def test_parts_of_format_2_are_those_of_its_document() -> None:
    model = ArrayModel.create(
        shape=(10, 10),
        dtype="<i4",
        filters=[codecs.Delta("<i4"), codecs.Shuffle(4)],
        compressors=codecs.Zlib(),
        order="F",
        zarr_format=2,
    )
    assert model.filters == (codecs.Delta("<i4"), codecs.Shuffle(4))
    assert model.compressors == (codecs.Zlib(),)
    assert [step["name"] for step in json.loads(model.lower()[0])["codecs"]] == [
        "transpose",
        "delta",
        "bytes",
        "shuffle",
        "zlib",
    ]
    settings: Any = {"filters": model.filters, "compressors": model.compressors, "order": model.order}
    assert ArrayModel.create(shape=(10, 10), dtype="<i4", zarr_format=2, **settings) == model


def test_models_like_others() -> None:
    model = ArrayModel.create(shape=(10, 20), dtype="f4", attributes={"a": 1})
    assert model.with_shape((1, 2)).shape == (1, 2)
    assert model.with_shape((1, 2)).codecs == model.codecs
    assert model.with_attributes({"b": 2}).attributes == {"b": 2}
    assert model.attributes == {"a": 1}
    for bad in ((1,), (1, -1), (1, 2.0), (1, 2**63)):
        with pytest.raises(MetadataValidationError, match="shape"):
            model.with_shape(bad)  # type: ignore[arg-type]


def test_models_differ_in_every_bit_of_their_fill_value() -> None:
    def made(fill: Any) -> ArrayModel:
        return ArrayModel.create(shape=(1,), dtype="f4", fill_value=fill)

    assert made(np.nan) == made(np.nan)
    assert made(np.nan) != made(-np.nan)
    assert made(0.0) != made(-0.0)
    assert made(0.0) != "0.0"


def test_attributes_are_compared_as_json() -> None:
    def made(value: Any) -> GroupModel:
        return GroupModel(3, {"a": value})

    assert made([np.nan, {"b": 1}]) == made([np.nan, {"b": 1}])
    assert made(1) != made(True)
    assert made(1) != made(1.0)
    assert made([1]) != made([1, 2])
    assert made({"b": 1}) != made({"c": 1})
    assert made(1) != 3
    assert hash(made(1)) == hash(made(2))


def test_the_lowered_document_is_worked_out_once() -> None:
    model = ArrayModel.create(shape=(1,), dtype="f4")
    assert model.lower()[0] is model.lower()[0]
    assert json.loads(model.lower(write_empty_chunks=True)[0])["write_empty_chunks"] is True
    assert json.loads(model.lower(missing="error")[0])["missing"] == "error"
    assert json.loads(model.lower()[0])["fill"] == "00000000"


def test_the_fill_cell_is_told_as_it_lies_in_memory() -> None:
    def fill(dtype: Any, value: Any, **more: Any) -> str:
        model = ArrayModel.create(shape=(1,), dtype=dtype, fill_value=value, **more)
        return str(json.loads(model.lower()[0])["fill"])

    assert fill(">i4", 1, zarr_format=2) == "00000001"
    assert fill("<i4", 1, zarr_format=2) == "01000000"
    assert fill("<i4", None, zarr_format=2) == "00000000"
    assert fill(str, "é") == "c3a9"
    assert fill(str, None, zarr_format=2) == ""
    assert fill(bytes, b"\0\1") == "0001"
    assert fill("S4", "ab") == "61620000"
    assert fill("f4", DEFAULT_FILL) == "00000000"
    assert repr(DEFAULT_FILL) == "DEFAULT_FILL"
    assert pickle.loads(pickle.dumps(DEFAULT_FILL)) is DEFAULT_FILL


def test_format_2_has_one_nan() -> None:
    model = ArrayModel.create(shape=(1,), dtype="f4", fill_value=-np.float32("nan"), zarr_format=2)
    assert model.fill_cell == np.float32("nan").tobytes()
    assert model.to_dict()["fill_value"] == "NaN"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shape": -1}, "shape"),
        ({"shape": (2, "3")}, "shape"),
        ({"shape": (2.0,)}, "shape"),
        ({"shape": None}, "shape"),
        ({"shape": (2**63,)}, "shape"),
        ({"chunks": (2, 2)}, "chunks"),
        ({"chunks": (2,), "shards": (3,)}, "not divisible"),
        ({"filters": ["gzip"]}, "filters must hold"),
        ({"serializer": "gzip"}, "serializer must hold"),
        ({"serializer": "vlen-utf8"}, "any length"),
        ({"dtype": str, "serializer": "bytes"}, "'vlen-utf8' instead"),
        ({"compressors": ["bytes"]}, "compressors must hold"),
        ({"dimension_names": ["x", "y"]}, "dimension_names"),
        ({"dimension_names": "x"}, "dimension_names"),
        ({"dimension_names": [3]}, "dimension_names"),
        ({"attributes": 3}, "attributes"),
        ({"filters": [codecs.TransposeCodec((1, 0))]}, "order of codec"),
        ({"filters": [codecs.Delta("<i8")]}, "set for cells of type int64"),
        ({"filters": [codecs.PackBits()]}, "requires bool dtype"),
        ({"dtype": "S4", "filters": [codecs.BitRound(3)]}, "rounds numbers"),
        ({"zarr_format": 2, "shards": (4,)}, "format 2 has no shards"),
        ({"zarr_format": 2, "serializer": "bytes"}, "format 2 has no serializer"),
        ({"zarr_format": 2, "dimension_names": ["x"]}, "_ARRAY_DIMENSIONS"),
        ({"zarr_format": 2, "chunk_key_encoding": "default"}, "'v2' and no other"),
        ({"zarr_format": 2, "compressors": ["gzip", "zstd"]}, "one compressor"),
        ({"zarr_format": 2, "filters": [codecs.TransposeCodec((0,))]}, "no name in format 2"),
        ({"zarr_format": 2, "order": "K"}, "order"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MetadataValidationError, match=sentence):
        ArrayModel.create(**{"shape": (4,), "dtype": "i4", **settings})


def test_a_fill_value_or_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataTypeValidationError, match=r"0\.5"):
        ArrayModel.create(shape=(4,), dtype="i4", fill_value=0.5)
    with pytest.raises(UnknownNameError, match="'7'"):
        ArrayModel.create(shape=(4,), dtype="i4", zarr_format=7)


def test_a_serializer_that_shards_is_not_compressed_around() -> None:
    model = ArrayModel.create(shape=(8,), dtype="i4", chunks=(4,), serializer=codecs.ShardingCodec((2,)))
    assert model.codecs == (codecs.ShardingCodec((2,)),)
    assert model.chunks == (2,)
    model = ArrayModel.create(
        shape=(8,), dtype="i4", chunks=(2,), shards={"shape": (4,), "index_location": "start"}, compressors=None
    )
    assert model.codecs == (codecs.ShardingCodec((2,), [codecs.BytesCodec()], index_location="start"),)
