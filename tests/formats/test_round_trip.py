"""What is dumped and parsed again is what it was, to the last bit, and the text is the same every time."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from model.strategies import arrays_of_format_2, arrays_of_format_3, as_json, attributes
from zarrite import formats
from zarrite.formats.remembered import Remembered
from zarrite.model.node import ArrayModel, GroupModel

arrays = arrays_of_format_3() | arrays_of_format_2()
groups = st.builds(GroupModel, st.sampled_from([2, 3]), attributes)


@given(arrays | groups)
def test_parsing_a_dump_gives_the_model_back(model: ArrayModel | GroupModel) -> None:
    documents = formats.dump(model, "a/b")
    again = formats.parse("a/b", documents, model.zarr_format)
    assert again == model
    assert type(again) is type(model)
    assert formats.dump(again, "a/b") == documents
    for raw in documents.values():
        as_json(raw)


@given(arrays_of_format_3() | arrays_of_format_2())
def test_the_fill_value_keeps_its_bits(model: ArrayModel) -> None:
    again = formats.parse("", formats.dump(model, ""), model.zarr_format)
    assert isinstance(again, ArrayModel)
    assert again.fill_cell == model.fill_cell
    assert (again.fill_value is None) == (model.fill_value is None)


@given(arrays)
def test_every_model_can_be_lowered(model: ArrayModel) -> None:
    text, handles = model.lower(write_empty_chunks=True, missing="error")
    lowered = as_json(text.encode("ascii"))
    assert lowered["shape"] == list(model.shape)
    assert lowered["write_empty_chunks"] is True
    assert handles == ()


@given(arrays)
def test_a_model_as_a_dict_is_its_document_and_what_that_leaves_out(model: ArrayModel) -> None:
    documents = {key: as_json(raw) for key, raw in formats.dump(model, "").items()}
    written = documents.get("zarr.json") or {**documents[".zarray"], "attributes": documents[".zattrs"]}
    assert json.loads(json.dumps(model.document())) == written
    left_out = {"storage_transformers": []} if "zarr.json" in documents else {}
    assert json.loads(json.dumps(model.to_dict())) == left_out | written


FLOATS = {
    "float16": ["0x7e00", "0x7e01", "0xfe00", "0x7c01", "0x8000"],
    "float32": ["0x7fc00000", "0x7fc00001", "0xffc00000", "0x7f800001", "0x80000000"],
    "float64": ["0x7ff8000000000000", "0x7ff8000000000001", "0xfff8000000000000", "0x7ff0000000000001"],
}


@pytest.mark.parametrize(("name", "bits"), [(name, bits) for name, all_bits in FLOATS.items() for bits in all_bits])
@pytest.mark.parametrize("digits", [str.lower, lambda text: "0x" + text[2:].upper()], ids=["lower", "upper"])
def test_bits_in_hexadecimal_are_those_bits(name: str, bits: str, digits: Any) -> None:
    model = ArrayModel.create(shape=(3,), dtype=name)
    document = as_json(formats.dump(model, "")["zarr.json"])
    document["fill_value"] = digits(bits)
    found = formats.v3.node_from_json(document)
    width = np.dtype(name).itemsize
    assert int.from_bytes(found.fill_cell, "little" if np.little_endian else "big") == int(bits, 16)
    written = found.to_dict()["fill_value"]
    if isinstance(written, str) and written.startswith("0x"):
        assert written == bits
        assert len(written) == 2 + 2 * width
    elif isinstance(written, str):
        assert written == "NaN"
        assert bits == FLOATS[name][0]
    else:
        assert math.copysign(1, written) == -1
        assert written == 0


def test_short_hexadecimal_is_filled_up_with_zeros() -> None:
    document = ArrayModel.create(shape=(1,), dtype="float32").to_dict()
    assert formats.v3.node_from_json({**document, "shape": [1], "fill_value": "0x1", **_lists(document)}).fill_cell in (
        b"\1\0\0\0",
        b"\0\0\0\1",
    )


def _lists(document: dict[str, Any]) -> dict[str, Any]:
    return {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}}}


@pytest.mark.parametrize("value", [2**64 - 1, 2**53 + 1, 2**63])
def test_large_integers_keep_every_digit(value: int) -> None:
    model = ArrayModel.create(shape=(1,), dtype="uint64", fill_value=value, attributes={"n": value})
    raw = formats.dump(model, "")["zarr.json"]
    assert str(value).encode() in raw
    again = formats.parse("", {"zarr.json": raw})
    assert again is not None
    assert int(again.fill_value) == value
    assert again.attributes == {"n": value}


def test_null_is_not_zero_in_format_2() -> None:
    null = ArrayModel.create(shape=(1,), dtype="int32", fill_value=None, zarr_format=2)
    zero = ArrayModel.create(shape=(1,), dtype="int32", fill_value=0, zarr_format=2)
    assert null != zero
    assert null.fill_value is None
    assert null.lower() == zero.lower()
    again = formats.parse("", formats.dump(null.with_shape((5,)), ""), 2)
    assert again is not None
    assert again.fill_value is None


def test_documents_seen_before_give_the_model_they_gave() -> None:
    raw = formats.dump(ArrayModel.create(shape=(7, 7), dtype="int16"), "")["zarr.json"]
    first = formats.parse("", {"zarr.json": raw})
    assert formats.parse("elsewhere", {"elsewhere/zarr.json": bytes(bytearray(raw))}) is first


def test_what_is_remembered_has_a_bound() -> None:
    model = GroupModel(3)
    kept = Remembered(nodes=10, total_bytes=6400)
    for number in range(40):
        documents = b"%09d" % number
        assert kept.keep(documents, model) is model
        assert kept.get(b"000000000") is model
    assert len(kept) == 10
    assert b"000000031" in kept
    assert b"000000030" not in kept
    for number in range(400):
        kept.keep((b"%050d" % number, None, b"b" * 30), model)
    assert len(kept) == 10
    kept.nodes = 1000
    for number in range(400):
        kept.keep((b"%050d" % number, None, b"b" * 30), model)
    assert len(kept) == 80
    kept.keep(b"c" * 101, model)
    assert b"c" * 101 not in kept
    assert kept.get(b"c" * 101) is None
