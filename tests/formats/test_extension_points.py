"""What is not known is refused, passed by or kept, exactly as each place in a document allows."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import formats
from zarrite.errors import MetadataValidationError, UnknownCodecError, ZarrUserWarning
from zarrite.model.node import ArrayModel, GroupModel

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
SEAL = {"name": "seal", "configuration": {"k": 1}, "must_understand": False}


def array(**members: Any) -> dict[str, Any]:
    document = ArrayModel.create(shape=(4,), dtype="int32", chunks=(4,), compressors=None).to_dict()
    return {**json.loads(json.dumps(document)), **members}


def store_of(document: dict[str, Any]) -> dict[str, bytes]:
    return {"zarr.json": json.dumps(document).encode(), "c/0": np.arange(4, dtype="<i4").tobytes()}


@pytest.mark.parametrize("member", ["data_type", "chunk_grid", "chunk_key_encoding"])
@pytest.mark.parametrize("known", [True, False])
def test_what_nobody_can_do_without_must_be_understood(member: str, known: bool) -> None:
    found = array()[member]
    entry = {"name": found} if isinstance(found, str) else dict(found)
    entry = {**entry, "must_understand": False} if known else {"name": "odd", "must_understand": False}
    with pytest.raises(MetadataValidationError, match=f"{member}: must_understand: false is not allowed"):
        zarrite.open_array(store_of(array(**{member: entry})), mode="r")
    if known:
        entry["must_understand"] = True
        assert zarrite.open_array(store_of(array(**{member: entry})), mode="r")[3] == 3


@pytest.mark.parametrize(
    "codecs", [[LITTLE, SEAL], [SEAL, LITTLE], [SEAL, LITTLE, SEAL]], ids=["behind", "before", "both"]
)
def test_a_codec_that_need_not_be_understood_is_passed_by_with_a_warning_and_nothing_is_written(codecs: Any) -> None:
    store = store_of(array(codecs=codecs))
    with pytest.warns(ZarrUserWarning, match="'seal' is not known .* cannot be written"):
        opened = zarrite.open_array(store)
    np.testing.assert_array_equal(opened[...], np.arange(4))
    with pytest.raises(ValueError, match="'seal' is not known"):
        opened[...] = np.arange(4)[::-1]
    assert store["c/0"] == np.arange(4, dtype="<i4").tobytes()
    opened.attrs["note"] = "kept"
    assert json.loads(bytes(store["zarr.json"]))["codecs"] == codecs


def test_inside_a_shard_it_is_passed_by_too() -> None:
    made = zarrite.create_array(store := {}, shape=(4,), shards=(4,), chunks=(2,), dtype="i4", compressors=None)
    made[...] = np.arange(4)
    document = json.loads(bytes(store["zarr.json"]))
    document["codecs"][0]["configuration"]["codecs"].append(SEAL)
    store["zarr.json"] = json.dumps(document).encode()
    with pytest.warns(ZarrUserWarning, match="'seal'"):
        np.testing.assert_array_equal(zarrite.open_array(store, mode="r")[...], np.arange(4))


@pytest.mark.parametrize("said", [{}, {"must_understand": True}])
def test_a_codec_that_must_be_understood_is_not_passed_by(said: dict[str, bool]) -> None:
    with pytest.raises(UnknownCodecError, match="'seal'"):
        zarrite.open_array(store_of(array(codecs=[LITTLE, {"name": "seal", **said}])), mode="r")


def test_a_codec_in_place_of_the_one_that_makes_bytes_cannot_be_passed_by() -> None:
    with pytest.raises(MetadataValidationError, match="turns cells into bytes"):
        zarrite.open_array(store_of(array(codecs=[SEAL])), mode="r")


@pytest.mark.parametrize(
    ("extensions", "good"),
    [
        ([], True),
        ([{"name": "example.offset", "configuration": {"offset": [12]}, "must_understand": False}], True),
        ([{"name": "example.offset", "must_understand": True}], False),
        ([{"name": "example.offset"}], False),
        ([{"name": "a", "must_understand": False}, "b"], False),
        ({"name": "a", "must_understand": False}, True),
        ("b", False),
    ],
)
def test_a_list_of_extensions_is_read_where_all_of_them_may_be_ignored(extensions: Any, good: bool) -> None:
    group = {"zarr_format": 3, "node_type": "group", "extensions": extensions}
    for document in (array(extensions=extensions), group):
        store = store_of(document)
        if good:
            node = zarrite.open(store)
            node.attrs["a"] = 1
            written = json.loads(bytes(store["zarr.json"]))
            assert written["extensions"] == extensions
            assert list(written)[: len(document)] == list(document)
        else:
            with pytest.raises(MetadataValidationError, match="'extensions' is not known"):
                zarrite.open(store)


@pytest.mark.parametrize(
    ("found", "why"),
    [([{"name": "manifest"}], "'manifest' is not known"), (["a", {"name": "b"}], "'a', 'b'"), ("x", "a list")],
)
def test_storage_transformers_are_refused_by_name(found: Any, why: str) -> None:
    with pytest.raises(MetadataValidationError, match=why):
        zarrite.open(store_of(array(storage_transformers=found)), mode="r")
    assert zarrite.open(store_of(array(storage_transformers=[])), mode="r")[1] == 1


@pytest.mark.parametrize("number", [2, 3])
def test_unknown_members_and_conventions_and_order_survive_every_change(number: int) -> None:
    made = zarrite.create_array(store := {}, shape=(4,), chunks=(2,), dtype="i4", zarr_format=number)
    key = "zarr.json" if number == 3 else ".zarray"
    made[...] = 1
    document = dict(reversed(json.loads(bytes(store[key])).items()))
    document["later"] = {"must_understand": False, "x": [None, 1.5, {"deep": "é"}]}
    conventions = {
        "zarr_conventions": [{"uuid": "d35379db", "name": "multiscales", "more": 1}],
        "multiscales": {"a": []},
    }
    if number == 3:
        document["attributes"] = conventions
    else:
        store[".zattrs"] = json.dumps(conventions).encode()
    store[key] = json.dumps(document).encode()
    opened = zarrite.open_array(store)
    opened.attrs["new"] = 1
    opened.resize((6,))
    opened.append(np.ones(2, "i4"))
    written = json.loads(bytes(store[key]))
    assert list(written) == list(document)
    assert written["later"] == document["later"]
    assert written["shape"] == [8]
    assert zarrite.open_array(store).attrs.asdict() == {**conventions, "new": 1}


def test_copies_that_nobody_understands_are_not_lost_in_silence() -> None:
    group = zarrite.create_group(store := {})
    group.create_array("a", shape=(4,), dtype="i4")
    group.create_group("odd")
    zarrite.consolidate_metadata(store)
    document = json.loads(bytes(store["zarr.json"]))
    document["consolidated_metadata"]["metadata"]["odd"] = {"zarr_format": 3, "node_type": "array", "shape": [1]}
    store["zarr.json"] = json.dumps(document).encode()
    with pytest.warns(ZarrUserWarning, match="'odd'"):
        opened = zarrite.open_group(store)
    opened["a"].attrs["x"] = 1
    again = zarrite.open_group(store)
    assert again.metadata.consolidated is None  # taken out, and not written again without it
    assert sorted(again) == ["a", "odd"]


DRAFT = (
    b'{"zarr_format": "https://purl.org/zarr/spec/protocol/core/3.0", "metadata_key_suffix": ".json", "extensions": []}'
)


def test_drafts_of_format_3_are_refused_by_what_they_are() -> None:
    store = {
        "zarr.json": DRAFT,
        "meta/root.group.json": b'{"attributes": {}}',
        "meta/root/a.array.json": b'{"shape": [4]}',
        "data/root/a/c0": b"",
    }
    for path in ("", "a", "a/b"):
        for opening in (zarrite.open, zarrite.open_array, zarrite.open_group):
            with pytest.raises(MetadataValidationError, match="a draft of format 3 from 2020 to 2022"):
                opening(store, path=path, mode="r")


def test_format_1_is_refused_by_what_it_is() -> None:
    meta = {"zarr_format": 1, "shape": [4], "chunks": [2], "dtype": "<i4", "compression": None, "fill_value": 0}
    store = {"a/meta": json.dumps(meta).encode(), "a/attrs": b"{}", "a/0": b""}
    with pytest.raises(MetadataValidationError, match="node '/a' is an array of format 1"):
        zarrite.open(store, path="a", mode="r")
    with pytest.raises(FileNotFoundError):
        zarrite.open({"a/meta": b"[1", "zarr.json.bak": b""}, path="a", mode="r")


def test_nothing_of_this_warns_where_all_is_known() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(formats.parse("", {"zarr.json": json.dumps(array()).encode()}), ArrayModel)
        assert isinstance(formats.parse("", {"zarr.json": b'{"zarr_format": 3, "node_type": "group"}'}), GroupModel)
