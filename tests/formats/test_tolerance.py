"""Each thing that is forgiven, the warnings that go with it, and that none of it is ever written."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

from model.strategies import as_json
from zarrite import formats
from zarrite.errors import MetadataValidationError, ZarriteError, ZarrUserWarning
from zarrite.formats.tolerance import V2_FIXES, V3_FIXES
from zarrite.model.node import ArrayModel, GroupModel

BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def array(dtype: Any = "int32", *, drop: str = "", **members: Any) -> dict[str, Any]:
    model = ArrayModel.create(shape=(4, 6), dtype=dtype, chunks=(2, 3), compressors=None)
    document = {**as_json(formats.dump(model, "")["zarr.json"]), **members}
    document.pop(drop, None)
    return document


def old_array(dtype: Any = "int32", *, drop: str = "", **members: Any) -> dict[str, Any]:
    model = ArrayModel.create(shape=(4, 6), dtype=dtype, chunks=(2, 3), compressors=None, zarr_format=2)
    document = {**as_json(formats.dump(model, "")[".zarray"]), **members}
    document.pop(drop, None)
    return document


def parsed(document: dict[str, Any], warns: str = "") -> Any:
    """The node of a document, and that it warned of what it should, or of nothing."""
    name = "zarr.json" if document.get("zarr_format") == 3 else ".zarray"
    text = json.dumps(document).encode()
    formats._models._models.clear()  # what was seen before warns no more
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = formats.parse("p", {f"p/{name}": text})
    said = [str(one.message) for one in caught]
    assert all(one.category is ZarrUserWarning for one in caught)
    if warns:
        assert len(said) == 1, said
        assert warns in said[0]
        assert "'/p'" in said[0]
    else:
        assert said == []
    return model


def strictly(model: ArrayModel) -> None:
    """What is written of a forgiven document needs no forgiving."""
    for name, raw in formats.dump(model, "").items():
        if name == "zarr.json":
            assert formats.v3.node_from_json(as_json(raw)) == model
        elif name == ".zarray":
            assert formats.v2.array_from_json(as_json(raw), model.attributes) == model


SAME_V3 = {
    "1 dimension_names null": array(dimension_names=None),
    "2 storage_transformers": array(storage_transformers=[]),
    "3 no configuration": array("int8", codecs=[{"name": "bytes"}]),
    "3 empty configuration": array("int8", codecs=[{"name": "bytes", "configuration": {}}]),
    "3 a string": array("int8", codecs=["bytes"]),
    "5 endian": array(codecs=[{**BYTES, "name": "endian"}]),
    "14c strings": array("int8", codecs=["bytes", "crc32c"]),
    "18 whole floats": array(
        shape=[4.0, 6], chunk_grid={"name": "regular", "configuration": {"chunk_shape": [2, 3.0]}}
    ),
    "28 a URI": array(codecs=[{**BYTES, "name": "https://purl.org/zarr/spec/codec/bytes/1.0"}]),
    "13 whole float": array(fill_value=0.0),
    "13 text": array(fill_value="0"),
    "13 text of a float": array(fill_value="0.0"),
    "14 a list": array(fill_value=[0]),
    "attributes null": array(attributes=None),
    "must_understand": array(codecs=[{**BYTES, "must_understand": True}]),
}


@pytest.mark.parametrize("document", SAME_V3.values(), ids=SAME_V3)
def test_forms_that_mean_the_same_are_read_in_silence(document: dict[str, Any]) -> None:
    model = parsed(document)
    plain = "int8" if document["data_type"] == "int8" else "int32"
    reference = parsed(array(plain))
    assert model.codecs[0] == reference.codecs[0]
    assert model.fill_cell == reference.fill_cell
    assert model.shape == reference.shape
    assert model.chunks == reference.chunks
    strictly(model)


@pytest.mark.parametrize(
    ("dtype", "found", "cell"),
    [
        ("bool", 1, b"\1"),
        ("bool", 0, b"\0"),
        ("bool", "0", b"\0"),
        ("float32", "0.5", np.float32(0.5).tobytes()),
        ("float32", "+Infinity", np.float32("inf").tobytes()),
        ("float32", [1], np.float32(1).tobytes()),
        ("complex64", 2, np.complex64(2).tobytes()),
        ("string", 0, b"0"),
        ("U3", 0, bytes(12)),
        ("S3", 0, bytes(3)),
        ("S3", [88], b"X\0\0"),  # zarr-python writes NumPy's scalar, which knows no zeros at its end
        ("S3", "WFk=", b"XY\0"),
        ("V3", [88], None),
        ("S3", [88, 89, 0], b"XY\0"),
        ("datetime64[ns]", "NaT", np.int64(-(2**63)).tobytes()),
        ("r16", [1, 2], b"\1\2"),
        ("r16", "AQI=", b"\1\2"),
        ([("a", "<i2")], 0, bytes(2)),
        ([("a", "<i2")], "AQA=", np.int16(1).tobytes()),
        (bytes, [1, 2], b"\1\2"),
        (bytes, "AQI=", b"\1\2"),
    ],
)
@pytest.mark.parametrize("form", [array, old_array])
def test_fill_values_in_other_forms(form: Any, dtype: Any, found: Any, cell: bytes | None) -> None:
    document = form(dtype, fill_value=found)
    if cell is None:
        with pytest.raises(MetadataValidationError, match="3 bytes"):
            parsed(document)
    else:
        model = parsed(document)
        assert model.fill_cell == cell
        strictly(model)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (array(fill_value=None), "default"),
        (array(drop="fill_value"), "default"),
        (array(codecs=["bytes"]), "little endian is assumed"),
        (array(codecs=[{"name": "bytes", "configuration": {}}]), "little endian is assumed"),
    ],
)
def test_what_could_be_misread_is_told(document: dict[str, Any], sentence: str) -> None:
    model = parsed(document, sentence)
    assert model == parsed(array())
    strictly(model)


def test_old_structs_need_no_byte_order() -> None:
    fields = [["a", "int32"], ["b", "float64"]]
    zero = "AAAAAAAAAAAAAAAA"
    named = {"name": "structured", "configuration": {"fields": fields}}
    for data_type in (named, fields):
        model = parsed(array(data_type=data_type, codecs=["bytes"], fill_value=zero))
        assert model.dtype == np.dtype([("a", "<i4"), ("b", "<f8")])
        assert model.codecs[0].endian == "little"
        strictly(model)


def test_letters_for_the_order_of_a_transpose() -> None:
    for letter, order in (("C", (0, 1)), ("F", (1, 0))):
        model = parsed(array(codecs=[{"name": "transpose", "configuration": {"order": letter}}, BYTES]))
        assert model.codecs[0].order == order
        strictly(model)


def test_blosc_as_others_wrote_it() -> None:
    def blosc(**more: Any) -> Any:
        configuration = {"cname": "lz4", "clevel": 5, "blocksize": 0, **more}
        return parsed(array(codecs=[BYTES, {"name": "blosc", "configuration": configuration}])).codecs[1]

    plain = blosc(shuffle="shuffle", typesize=4)
    assert blosc(shuffle="shuffle", typesize=4, nthreads=8) == plain
    assert blosc(shuffle=1, typesize=4) == plain
    assert blosc(shuffle=-1) == plain
    assert blosc(shuffle="shuffle") == plain
    assert blosc(shuffle="noshuffle").shuffle == "noshuffle"
    with pytest.raises(MetadataValidationError, match="shuffle"):
        blosc(shuffle=7)


def test_levels_that_leave_the_choice_to_the_library() -> None:
    model = parsed(array(codecs=[BYTES, {"name": "gzip", "configuration": {"level": -1}}]))
    assert model.codecs[1].level == 6
    strictly(model)
    assert parsed(old_array(compressor={"id": "zlib", "level": -1})).compressors[0].level == 6


def test_a_checksum_that_is_not_there_is_said_in_format_3_and_not_in_format_2() -> None:
    model = parsed(array(codecs=[BYTES, {"name": "zstd", "configuration": {"level": 1}}]))
    assert b'"checksum": false' in formats.dump(model, "")["zarr.json"]  # zarrs needs it
    model = parsed(old_array(compressor={"id": "zstd", "level": 1, "checksum": False}))
    assert b"checksum" not in formats.dump(model, "")[".zarray"]


@pytest.mark.parametrize(
    ("shape", "chunks", "warns"),
    [([0, 6], [0, 3], ""), ([4, 6], [0, 3], "all cells are the fill value"), ([0, 0], [0, 0], "")],
)
def test_chunks_of_no_size_along_axes_of_no_size(shape: list[int], chunks: list[int], warns: str) -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": chunks}}
    for document in (array(shape=shape, chunk_grid=grid), old_array(shape=shape, chunks=chunks)):
        assert parsed(document, warns).chunks == tuple(max(1, edge) for edge in chunks)


def test_old_documents_without_the_members_that_have_defaults() -> None:
    document = old_array()
    for name in ("fill_value", "filters", "order", "dimension_separator", "compressor"):
        del document[name]
    model = parsed(document)
    assert model.fill_value is None
    assert model.order == "C"
    assert model.keys.separator == "."
    assert parsed(old_array(filters=[])) == parsed(old_array())


def test_bare_tokens_and_a_byte_order_mark_are_read() -> None:
    text = b'\xef\xbb\xbf{"zarr_format": 3, "node_type": "group", "attributes": {"a": NaN, "b": [-Infinity]}}\r\n'
    model = formats.parse("", {"zarr.json": text})
    assert isinstance(model, GroupModel)
    assert np.isnan(model.attributes["a"])
    assert b'"a": NaN' in formats.dump(model.with_attributes({**model.attributes, "c": 1}), "")["zarr.json"]
    with pytest.raises(MetadataValidationError, match=r"attributes\..* not JSON serializable"):
        formats.dump(GroupModel(3, model.attributes), "")
    document = json.dumps(array("float32")).replace('"fill_value": 0.0', '"fill_value": NaN')
    found = formats.parse("", {"zarr.json": document.encode()})
    assert isinstance(found, ArrayModel)
    assert b'"fill_value": "NaN"' in formats.dump(found, "")["zarr.json"]


def test_the_last_of_two_members_of_one_name_counts() -> None:
    text = b'{"zarr_format": 3, "node_type": "array", "node_type": "group", "attributes": {"a": 1, "a": 2}}'
    model = formats.parse("", {"zarr.json": text})
    assert isinstance(model, GroupModel)
    assert model.attributes == {"a": 2}


@pytest.mark.parametrize("value", [None, {"kind": "elsewhere"}, 3, {"kind": "inline", "metadata": []}])
def test_other_consolidated_metadata_is_as_none(value: Any) -> None:
    document = {"zarr_format": 3, "node_type": "group", "consolidated_metadata": value}
    model = parsed(document, "" if value is None else "ignored")
    assert model.consolidated is None


def test_a_trailing_comma_is_no_json() -> None:
    with pytest.raises(MetadataValidationError, match=r"'/a'.*line 1, column"):
        formats.parse("a", {"a/zarr.json": b'{"zarr_format": 3,}'})


def test_the_fixes_have_names_of_their_own() -> None:
    for fixes in (V2_FIXES, V3_FIXES):
        names = [fix.name for fix in fixes]
        assert len(set(names)) == len(names)
        assert all(fix.row for fix in fixes)


def test_a_fix_never_hides_what_else_is_wrong() -> None:
    with pytest.raises(ZarriteError, match="chunk_grid"):
        parsed(array(fill_value=None, chunk_grid={"name": "hexagonal"}))
