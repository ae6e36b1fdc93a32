"""Members that nobody here knows survive a rewrite, in their places, or refuse the node."""

from __future__ import annotations

from typing import Any

import pytest

from model.strategies import as_json
from zarrite import formats
from zarrite.errors import MetadataValidationError
from zarrite.model.node import ArrayModel, GroupModel

HARMLESS = {"name": "something", "must_understand": False, "deep": [1, {"2": None}]}


def array(**members: Any) -> dict[str, Any]:
    document = as_json(formats.dump(ArrayModel.create(shape=(4,), dtype="int32"), "")["zarr.json"])
    return {**document, **members}


def test_they_stay_where_they_were_when_attributes_change() -> None:
    document = {"later": HARMLESS, **array(), "last": {"must_understand": False}}
    model = formats.v3.node_from_json(document)
    changed = model.with_attributes({"a": 1})
    written = as_json(formats.dump(changed, "")["zarr.json"])
    assert list(written) == list(document)
    assert written["later"] == HARMLESS
    assert written["attributes"] == {"a": 1}


def test_members_keep_their_order_and_new_ones_come_behind() -> None:
    document = dict(reversed(array().items()))
    del document["attributes"]
    written = as_json(formats.dump(formats.v3.node_from_json(document).with_attributes({"b": 2}), "")["zarr.json"])
    assert list(written) == [*document, "attributes"]


@pytest.mark.parametrize("value", [1, "x", [], {}, {"must_understand": True}, {"name": "x"}, None])
def test_one_that_does_not_say_it_may_be_ignored_refuses_the_node(value: object) -> None:
    with pytest.raises(MetadataValidationError, match=r"'strange'.*must_understand"):
        formats.v3.node_from_json(array(strange=value))


def test_those_of_groups_and_of_format_2_stay_too() -> None:
    group = formats.v3.node_from_json({"zarr_format": 3, "node_type": "group", "odd": HARMLESS})
    assert isinstance(group, GroupModel)
    assert as_json(formats.dump(group.with_attributes({"a": 1}), "")["zarr.json"])["odd"] == HARMLESS
    documents = formats.dump(ArrayModel.create(shape=(4,), dtype="int32", zarr_format=2), "")
    old = {"_NCZARR_ARRAY": {"storage": "chunked"}, **as_json(documents[".zarray"])}
    model = formats.v2.array_from_json(old, {})
    assert list(as_json(formats.dump(model, "")[".zarray"])) == list(old)


def test_an_empty_list_of_storage_transformers_stays_and_a_full_one_is_refused() -> None:
    model = formats.v3.node_from_json(array(storage_transformers=[]))
    assert as_json(formats.dump(model, "")["zarr.json"])["storage_transformers"] == []
    with pytest.raises(MetadataValidationError, match="storage_transformers"):
        formats.v3.node_from_json(array(storage_transformers=[{"name": "x"}]))


def test_must_understand_inside_an_extension_is_read_and_not_written() -> None:
    document = array(codecs=[{"name": "bytes", "configuration": {"endian": "little"}, "must_understand": True}, "gzip"])
    written = formats.dump(formats.v3.node_from_json(document), "")["zarr.json"]
    assert b"must_understand" not in written
    assert as_json(written)["codecs"][1] == {"name": "gzip", "configuration": {"level": 5}}


def test_a_codec_that_need_not_be_understood_is_passed_by_when_reading_and_refuses_to_write() -> None:
    odd = {"name": "seal", "configuration": {"k": 1}, "must_understand": False}
    model = formats.v3.node_from_json(array(codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, odd]))
    _, (handle,) = model.lower()
    assert handle.decode(b"abc") == b"abc"
    with pytest.raises(ValueError, match="'seal'"):
        handle.encode(b"abc")
    assert as_json(formats.dump(model, "")["zarr.json"])["codecs"][1] == odd
