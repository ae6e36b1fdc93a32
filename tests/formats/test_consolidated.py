"""Copies of documents inside a group's own: made, read, and in whatever order they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model.strategies import as_json
from zarrite import formats
from zarrite.errors import ZarrUserWarning
from zarrite.model.node import ArrayModel, GroupModel


def hierarchy(number: int) -> dict[str, ArrayModel | GroupModel]:
    array = ArrayModel.create(shape=(4,), dtype="i4", attributes={"a": 1}, zarr_format=number)
    group = GroupModel(number, {"g": 1})
    return {"b/c/array": array, "b": group, "a": array, "b/c": group}


@pytest.mark.parametrize("number", [2, 3])
def test_what_is_below_a_group_is_found_in_it(number: int) -> None:
    root = formats.consolidate(hierarchy(number), GroupModel(number, {"r": 1}))
    documents = formats.dump(root, "x")
    again = formats.parse("x", documents, number)
    assert isinstance(again, GroupModel)
    assert again == root
    assert formats.consolidated_members(again) == hierarchy(number)
    assert formats.consolidated_members(GroupModel(number)) is None
    assert formats.consolidated_members(formats.consolidate({}, GroupModel(number))) == {}


def test_format_3_keeps_the_copies_in_the_document_of_the_group() -> None:
    root = formats.consolidate(hierarchy(3), GroupModel(3))
    (raw,) = formats.dump(root, "").values()
    copies = as_json(raw)["consolidated_metadata"]
    assert copies["kind"] == "inline"
    assert copies["must_understand"] is False
    assert list(copies["metadata"]) == ["a", "b", "b/c", "b/c/array"]
    assert copies["metadata"]["b"]["consolidated_metadata"]["metadata"] == {}
    assert copies["metadata"]["a"]["node_type"] == "array"


def test_format_2_keeps_the_copies_in_a_document_of_their_own_and_its_own_among_them() -> None:
    root = formats.consolidate(hierarchy(2), GroupModel(2, {"r": 1}))
    documents = formats.dump(root.with_attributes({"r": 2}), "x")
    assert list(documents) == ["x/.zgroup", "x/.zattrs", "x/.zmetadata"]
    copies = as_json(documents["x/.zmetadata"])
    assert copies["zarr_consolidated_format"] == 1
    assert copies["metadata"][".zattrs"] == {"r": 2}
    assert copies["metadata"]["b/c/array/.zarray"]["shape"] == [4]
    del documents["x/.zgroup"]
    again = formats.parse("x", documents)
    assert isinstance(again, GroupModel)
    assert set(formats.consolidated_members(again) or ()) == set(hierarchy(2))


def copies_of(metadata: Any) -> GroupModel:
    document = {
        "zarr_format": 3,
        "node_type": "group",
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": metadata},
    }
    model = formats.parse("", {"zarr.json": json.dumps(document).encode()})
    assert isinstance(model, GroupModel)
    return model


def test_the_order_and_a_leading_slash_mean_nothing() -> None:
    group = {"zarr_format": 3, "node_type": "group"}
    found = formats.consolidated_members(copies_of({"/b/c": group, "b": group, "": group}))
    assert found == {"b/c": GroupModel(3), "b": GroupModel(3)}


def test_a_copy_that_is_damaged_leaves_the_rest_usable() -> None:
    group = {"zarr_format": 3, "node_type": "group"}
    for bad in (None, [], {}, {"zarr_format": 3, "node_type": "array"}, {"zarr_format": 2}):
        with pytest.warns(ZarrUserWarning, match="'bad'.*left out"):
            assert formats.consolidated_members(copies_of({"bad": bad, "good": group})) == {"good": GroupModel(3)}


def test_copies_are_read_as_patiently_as_documents() -> None:
    array = ArrayModel.create(shape=(4,), dtype="i4", compressors=None).to_dict()
    found = formats.consolidated_members(copies_of({"a": {**array, "dimension_names": None, "fill_value": 0.0}}))
    assert found is not None
    assert isinstance(found["a"], ArrayModel)


def test_a_copy_of_format_2_that_is_damaged_is_told_and_the_group_stays() -> None:
    documents = {".zgroup": b'{"zarr_format": 2}', ".zmetadata": b"{"}
    with pytest.warns(ZarrUserWarning, match=r"\.zmetadata.*ignored"):
        model = formats.parse("", documents)
    assert model == GroupModel(2)


def test_the_keys_that_describe_a_node() -> None:
    old = (".zarray", ".zgroup", ".zattrs", ".zmetadata")
    assert formats.first_keys("") == ("zarr.json",)
    assert formats.first_keys("a/b", 3) == ("a/b/zarr.json",)
    assert formats.first_keys("a", 2) == tuple(f"a/{name}" for name in old)
    assert formats.next_keys("") == old
    assert formats.next_keys("", 3) == formats.next_keys("", 2) == ()
    assert formats.last_keys("a") == ("a/attributes.json",)
    assert formats.last_keys("", 3) == formats.last_keys("", 2) == ()
    assert formats.document_keys("a") == ("a/zarr.json", *(f"a/{name}" for name in old), "a/attributes.json")
    assert formats.document_keys("", 2) == old
    assert formats.is_document("a/b/.zarray")
    assert formats.is_document("zarr.json")
    assert not formats.is_document("a/c/0/0")
    for ask in (formats.first_keys, formats.next_keys, formats.document_keys):
        if ask is not formats.next_keys:
            with pytest.raises(ValueError, match="2 or 3"):
                ask("", 4)


def test_where_both_formats_are_the_newer_one_counts() -> None:
    documents: dict[str, bytes | None] = {
        **formats.dump(GroupModel(3, {"n": 3}), "a"),
        **formats.dump(ArrayModel.create(shape=(1,), dtype="i4", zarr_format=2), "a"),
        "a/.zgroup": b'{"zarr_format": 2}',
    }
    assert formats.parse("a", documents) == GroupModel(3, {"n": 3})
    assert isinstance(formats.parse("a", documents, 2), ArrayModel)
    assert formats.parse("b", documents) is None
    assert formats.parse("a", {"a/.zattrs": b"{}"}) is None
    assert formats.parse("a", {"a/zarr.json": None}, 3) is None


def test_copies_inside_copies_and_groups_without_one_are_found() -> None:
    group: dict[str, Any] = {"zarr_format": 3, "node_type": "group"}
    inner = {"kind": "inline", "must_understand": False, "metadata": {"y": group, "deep/z": group, "x": None}}
    model = copies_of({"g": {**group, "consolidated_metadata": inner}, "g/x": group, "/p/q/r": group})
    found = formats.consolidated_members(model)
    assert found is not None
    assert sorted(found) == ["g", "g/deep", "g/deep/z", "g/x", "g/y", "p", "p/q", "p/q/r"]
    assert not formats.is_complete(model, found)  # nothing is known of p, p/q and g/deep
    whole = copies_of({"g": {**group, "consolidated_metadata": {**inner, "metadata": {"y": group}}}})
    assert formats.is_complete(whole, formats.consolidated_members(whole) or {})


def test_copies_of_format_2_may_lack_groups_too() -> None:
    copies = {"zarr_consolidated_format": 1, "metadata": {"/a/b/.zgroup": {"zarr_format": 2}, "a/b/.zattrs": {"x": 1}}}
    model = formats.parse("", {".zmetadata": json.dumps(copies).encode()})
    assert isinstance(model, GroupModel)
    assert formats.consolidated_members(model) == {"a": GroupModel(2), "a/b": GroupModel(2, {"x": 1})}


def test_null_is_as_none() -> None:
    model = formats.parse("", {"zarr.json": b'{"zarr_format": 3, "node_type": "group", "consolidated_metadata": null}'})
    assert isinstance(model, GroupModel)
    assert formats.consolidated_members(model) is None
