"""Data types: every name and form, and the fill values that users give."""

from __future__ import annotations

import datetime as dt
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from model.strategies import data_types, fills
from zarrite.dtype import DType, parse_dtype
from zarrite.errors import DataTypeValidationError, MetadataValidationError
from zarrite.model.dtype_names import dtype_from_json, dtype_from_numpy


@given(data_types)
def test_a_type_is_what_its_document_says(data_type: DType) -> None:
    native = data_type.native()
    assert dtype_from_json(native.to_json()) == native
    assert pickle.loads(pickle.dumps(data_type)) == data_type
    assert hash(dtype_from_json(native.to_json())) == hash(native)


@given(data_types.flatmap(lambda kind: st.tuples(st.just(kind), fills(kind))))
def test_a_fill_value_keeps_its_bits_through_json(pair: tuple[DType, Any]) -> None:
    data_type, fill = pair
    written = data_type.fill_to_json(fill)
    assert data_type.cell(data_type.fill_from_json(written)) == data_type.cell(fill)
    assert data_type.cell(data_type.cast(fill)) == data_type.cell(fill)


@given(data_types)
def test_the_default_is_a_value_of_the_type(data_type: DType) -> None:
    default = data_type.default()
    assert data_type.cell(data_type.cast(default)) == data_type.cell(default)
    assert data_type.cell(None) == b"" if data_type.vlen else bytes(data_type.cell_bytes)


@pytest.mark.parametrize(
    ("given_as", "name"),
    [
        ("float32", "float32"),
        ("<f4", "float32"),
        (np.float32, "float32"),
        (float, "float64"),
        (int, "int64"),
        (bool, "bool"),
        (complex, "complex128"),
        (str, "string"),
        ("str", "string"),
        ("string", "string"),
        (np.dtypes.StringDType(), "string"),
        (bytes, "bytes"),
        ("bytes", "bytes"),
        ("variable_length_bytes", "variable_length_bytes"),
        ("binary", "binary"),
        ("S4", "null_terminated_bytes"),
        ("V4", "raw_bytes"),
        ("r32", "r32"),
        ("U4", "fixed_length_utf32"),
        ("M8[ns]", "numpy.datetime64"),
        ("timedelta64[s]", "numpy.timedelta64"),
        ([("a", "i4"), ("b", "f8")], "struct"),
        ([["a", "i4"]], "struct"),
        ({"name": "numpy.datetime64", "configuration": {"unit": "\u03bcs", "scale_factor": 10}}, "numpy.datetime64"),
        ("complex_float32", "complex_float32"),
        (np.dtype([("a", "i1"), ("b", "f8")], align=True), "struct"),
    ],
    ids=str,
)
def test_a_type_may_be_given_in_many_forms(given_as: Any, name: str) -> None:
    assert parse_dtype(given_as).name == name
    assert parse_dtype(parse_dtype(given_as)).name == name


def test_padding_between_fields_is_not_kept() -> None:
    assert parse_dtype(np.dtype([("a", "i1"), ("b", "f8")], align=True)).cell_bytes == 9


@pytest.mark.parametrize(
    "bad",
    [
        object,
        "O",
        "f16",
        np.longdouble,
        "nothing",
        None,
        3.5,
        "S0",
        "U0",
        [],
        [("a", "O")],
        {"name": "r7"},
        "r0",
        "\ud800",
    ],
    ids=repr,
)
def test_what_is_no_data_type_is_refused(bad: Any) -> None:
    with pytest.raises((DataTypeValidationError, MetadataValidationError)):
        parse_dtype(bad)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("float8_e9m9", "did you mean"),
        ({"name": "float32", "configuration": {"x": 1}}, "no parameter 'x'"),
        ({"name": "numpy.datetime64"}, "unit"),
        ({"name": "numpy.datetime64", "configuration": {"unit": "fortnight", "scale_factor": 1}}, "unit"),
        ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 0}}, "scale_factor"),
        ({"name": "numpy.datetime64", "configuration": {"unit": "generic", "scale_factor": 2}}, "scale_factor"),
        ({"name": "fixed_length_utf32", "configuration": {"length_bytes": 6}}, "multiple of 4"),
        ({"name": "fixed_length_utf32", "configuration": {"length_bytes": 0}}, "length_bytes"),
        ({"name": "raw_bytes"}, "length_bytes"),
        ({"name": "struct", "configuration": {"fields": []}}, "at least one field"),
        ({"name": "struct", "configuration": {"fields": [["a", "int8"], ["a", "int8"]]}}, "different names"),
        ({"name": "struct", "configuration": {"fields": [["", "int8"]]}}, "not empty"),
        ({"name": "struct", "configuration": {"fields": [["a", "string"]]}}, "varies in length"),
        ({"name": "struct", "configuration": {"fields": [["a"]]}}, "each field"),
        ("r12", "multiple of 8"),
        ({"name": 3}, "name"),
        (7, "name"),
    ],
)
def test_documents_that_name_no_type_say_why(document: Any, sentence: str) -> None:
    with pytest.raises((DataTypeValidationError, MetadataValidationError), match=sentence):
        dtype_from_json(document)


def test_spellings_are_kept_where_they_are_legal() -> None:
    fields = [
        ["a", "int8"],
        ["b", {"name": "struct", "configuration": {"fields": [{"name": "c", "data_type": "int16"}]}}],
    ]
    document = {"name": "structured", "configuration": {"fields": fields}}
    assert dtype_from_json(document).to_json() == document
    assert dtype_from_json("binary").to_json() == "binary"
    assert dtype_from_json({"name": "int8"}).to_json() == "int8"


def test_fields_that_are_arrays_are_lists_of_lists_in_format_3() -> None:
    data_type = parse_dtype([("a", "<f4", (2, 3))])
    assert data_type.cell_bytes == 24
    inner = {"name": "fixed_size_list", "configuration": {"base_data_type": "float32", "list_size": 3}}
    outer = {"name": "fixed_size_list", "configuration": {"base_data_type": inner, "list_size": 2}}
    assert data_type.to_json() == {"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": outer}]}}
    assert dtype_from_json(data_type.to_json()) == data_type


def test_byte_order_is_kept_where_numpy_has_it() -> None:
    assert dtype_from_numpy(np.dtype(">f4")).numpy.str == ">f4"
    assert dtype_from_numpy(np.dtype(">f4")).native().numpy.isnative
    mixed = parse_dtype([("a", ">i2"), ("b", "<i2"), ("c", [("d", ">f8")])])
    assert all(order in "<>" for *_, order in mixed.units)
    assert mixed.native().numpy == np.dtype([("a", "i2"), ("b", "i2"), ("c", [("d", "f8")])])


@pytest.mark.parametrize(
    ("dtype", "value", "cell"),
    [
        ("i4", 7.0, np.int32(7).tobytes()),
        ("i4", np.int64(7), np.int32(7).tobytes()),
        ("i4", np.array(7), np.int32(7).tobytes()),
        ("i4", True, np.int32(1).tobytes()),
        ("f4", 0.1, np.float32(0.1).tobytes()),
        ("f4", "NaN", np.float32("nan").tobytes()),
        ("f4", "0x7fc00001", np.uint32(0x7FC00001).tobytes()),
        ("f2", 1e9, np.float16("inf").tobytes()),
        ("?", 0, b"\0"),
        ("c8", 2, np.complex64(2).tobytes()),
        ("c8", [1, "NaN"], np.array([1, np.nan], "f4").tobytes()),
        ("M8[D]", "2020-01-02", np.datetime64("2020-01-02", "D").tobytes()),
        ("M8[D]", dt.date(2020, 1, 2), np.datetime64("2020-01-02", "D").tobytes()),
        ("M8[D]", np.datetime64("NaT"), np.int64(-(2**63)).tobytes()),
        ("m8[s]", 5, np.int64(5).tobytes()),
        ("m8[s]", np.timedelta64(2, "m"), np.int64(120).tobytes()),
        ("S4", "ab", b"ab\0\0"),
        ("S4", 0, bytes(4)),
        ("V4", b"ab", b"ab\0\0"),
        ("U2", "ab", np.array("ab", "U2").tobytes()),
        (str, 0, b""),
        (str, "é", "é".encode()),
        (bytes, b"ab", b"ab"),
        (bytes, "YWI=", b"ab"),
        ([("a", "i2"), ("b", "f4")], (1, 2), np.array((1, 2), "i2,f4").tobytes()),
        ([("a", "i2"), ("b", "f4")], {"a": 1, "b": "NaN"}, np.array((1, np.nan), "i2,f4").tobytes()),
        ([("a", "i2"), ("b", "f4")], 0, bytes(6)),
        ([("a", "i2"), ("b", "f4")], None, bytes(6)),
    ],
    ids=str,
)
def test_users_may_give_a_fill_value_in_many_forms(dtype: Any, value: Any, cell: bytes) -> None:
    data_type = parse_dtype(dtype)
    assert data_type.cell(data_type.cast(value)) == cell


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("u1", -1),
        ("u1", 256),
        ("i4", 0.5),
        ("i4", "seven"),
        ("i4", np.nan),
        ("i4", [1, 2]),
        ("i8", 2**63),
        ("f4", 1j),
        ("f4", "much"),
        ("f4", b"1"),
        ("?", "yes"),
        ("S2", "abc"),
        ("S2", 5),
        ("U2", "abc"),
        ("U2", "\ud800"),
        (str, 5),
        (str, b"x"),
        (bytes, 5),
        (bytes, "no base64!"),
        ("M8[D]", np.datetime64("2020-01-02T03", "h")),
        ("M8[D]", "never"),
        ([("a", "i2")], (1, 2)),
        ([("a", "i2")], {"b": 1}),
        ([("a", "i2")], {"a": 1, "b": 1}),
        ([("a", "i2")], "word"),
    ],
    ids=str,
)
def test_a_fill_value_that_does_not_fit_is_refused(dtype: Any, value: Any) -> None:
    with pytest.raises(DataTypeValidationError, match="does not fit data type"):
        parse_dtype(dtype).cast(value)


def test_types_of_zarr_python_are_taken_as_they_are() -> None:
    zarr = pytest.importorskip("zarr")
    kinds = zarr.core.dtype
    assert parse_dtype(kinds.Int32()).name == "int32"
    assert parse_dtype(kinds.VariableLengthUTF8()).name == "string"
    assert parse_dtype(kinds.VariableLengthBytes()).vlen == "bytes"
