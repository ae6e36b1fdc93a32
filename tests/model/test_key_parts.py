"""Chunk keys made of parts: suffixes, prefixes, fan-outs and templates; spelled, found again, and refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.errors import MetadataValidationError
from zarrite.model.key_parts import PartKeys, keys_from_json

KEYS: dict[str, tuple[dict[str, Any], tuple[int, ...], str]] = {
    "zarrs suffix": (
        {"name": "zarrs.default_suffix", "configuration": {"separator": ".", "suffix": ".tif"}},
        (1, 23),
        "c.1.23.tif",
    ),
    "zarrs suffix alone": ({"name": "zarrs.default_suffix", "configuration": {"suffix": ".tif"}}, (), "c.tif"),
    "suffix": ({"name": "suffix", "configuration": {"suffix": ".shard"}}, (1, 23), "c/1/23.shard"),
    "suffix of v2": (
        {"name": "suffix", "configuration": {"suffix": ".png", "base_encoding": {"name": "v2"}}},
        (1, 23),
        "1.23.png",
    ),
    "suffix of v2 without axes": (
        {"name": "suffix", "configuration": {"suffix": ".png", "base_encoding": "v2"}},
        (),
        "0.png",
    ),
    "prefix": ({"name": "prefix", "configuration": {"prefix": "data/"}}, (1, 23), "data/c/1/23"),
    "prefix of a suffix": (
        {
            "name": "prefix",
            "configuration": {
                "prefix": "x_",
                "base_encoding": {"name": "suffix", "configuration": {"suffix": "_y", "base_encoding": "v2"}},
            },
        },
        (7,),
        "x_7_y",
    ),
    "fanout": ({"name": "fanout"}, (1234, 5), "c/1/001/234/0/005"),
    "fanout of one axis": ({"name": "fanout", "configuration": {"max_children": 1000}}, (12,), "c/0/012"),
    "fanout without axes": ({"name": "fanout"}, (), "c"),
    "fanout floored": ({"name": "fanout", "configuration": {"max_children": 999}}, (1234,), "c/1/12/34"),
    "fanout of millions": ({"name": "fanout"}, (1_234_567, 0), "c/2/001/234/567/0/000"),
    "template": (
        {"name": "template", "configuration": {"template": "images/{0}/{2}_{1}.jpeg"}},
        (7, 8, 9),
        "images/7/9_8.jpeg",
    ),
    "template with zeros": ({"name": "template", "configuration": {"template": "z{-1:04}.{0}"}}, (7, 8), "z0008.7"),
    "template of the rest": (
        {"name": "template", "configuration": {"template": "{1}/{*}", "separator": "-"}},
        (7, 8, 9),
        "8/7-9",
    ),
    "template of all": (
        {"name": "template", "configuration": {"format": "c/{*:02}", "separator": "/"}},
        (7, 123),
        "c/07/123",
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_spelled_as_documents_say_and_found_again(name: str) -> None:
    document, index, key = KEYS[name]
    keys = keys_from_json(document)
    assert keys.encode(index) == key
    decode = keys.decoder(len(index))
    assert decode(key) == index
    for other in ("", key + "0/", key + "x", "x" + key, key.upper() + "-", "zarr.json"):
        assert decode(other) is None
    assert keys_from_json(keys.to_json()) == keys
    for place in itertools.product((0, 5, 99, 100, 1000, 12345), repeat=len(index)):
        assert decode(keys.encode(place)) == place


@pytest.mark.parametrize("name", KEYS)
def test_arrays_keep_their_cells_under_any_keys(name: str) -> None:
    document, index, _ = KEYS[name]
    shape = tuple(3 + axis for axis in range(len(index)))
    with zarrite.config.set({"experimental.drafts": True}):
        array = zarrite.create_array(
            None, shape=shape, chunks=(1,) * len(shape), dtype="i4", chunk_key_encoding=document, compressors=None
        )
    cells = np.arange(1, array.size + 1, dtype="i4").reshape(shape)
    array[...] = cells
    again = zarrite.open_array(array.store, mode="r")
    np.testing.assert_array_equal(again[...], cells)
    assert again.nchunks_initialized == array.nchunks
    for place in np.ndindex(shape):
        stored = array.store.get(keys_from_json(document).encode(place)).result()
        assert np.frombuffer(stored or b"", "<i4").tolist() == [cells[place]]
    if shape:
        array.resize(tuple(extent - 1 for extent in shape))
        assert array.nchunks_initialized == array.nchunks
    if document["name"] != "zarrs.default_suffix":
        with pytest.raises(MetadataValidationError, match=r"experimental\.drafts"):
            zarrite.create_array(None, shape=shape, dtype="i4", chunk_key_encoding=document)


TEMPLATES = (
    "..",
    "../{0}/{1}",
    "a/../{0}.{1}",
    "{0}..{1}",
    "a//{0}.{1}",
    "/{0}.{1}",
    "{0}.{1}/",
    "./{0}.{1}",
    "{0}/./{1}",
    "{0}\\{1}",
    "{0}\x00{1}",
    "{0}\n{1}",
    "zarr.json/{0}.{1}",
    "{0}.{1}.zarr.json",
    ".zarray/{0}.{1}",
    "{0}/.zattrs/{1}",
    "attributes.json.{0}.{1}",
    "{0}{1}",
    "{0}12{1}",
    "{0}",
    "{0}/{0}",
    "{0}.{2}",
    "{-3}.{0}.{1}",
    "{*}",
    "{0}.{1}.{",
    "{x}.{0}.{1}",
    "{0:3}.{1}",
    "{0:0999}.{1}",
    "",
    "x",
    7,
    None,
    "{0}.{1}" + "x" * 2000,
)


@pytest.mark.parametrize("template", TEMPLATES, ids=repr)
def test_templates_whose_keys_leave_the_array_or_coincide_are_refused(template: Any) -> None:
    document = {"name": "template", "configuration": {"template": template}}
    with zarrite.config.set({"experimental.drafts": True}), pytest.raises(MetadataValidationError):
        zarrite.create_array(None, shape=(20, 20), chunks=(1, 1), dtype="i4", chunk_key_encoding=document)


@pytest.mark.parametrize(
    "document",
    [
        {"name": "suffix"},
        {"name": "suffix", "configuration": {"suffix": "/"}},
        {"name": "suffix", "configuration": {"suffix": "/.."}},
        {"name": "suffix", "configuration": {"suffix": "/zarr.json"}},
        {"name": "suffix", "configuration": {"suffix": "0"}, "x": 1},
        {"name": "suffix", "configuration": {"suffix": ".a", "base_encoding": {"name": "other"}}},
        {"name": "prefix", "configuration": {"prefix": "/a"}},
        {"name": "prefix", "configuration": {"prefix": "../"}},
        {"name": "prefix", "configuration": {"prefix": "zarr.json/"}},
        {
            "name": "prefix",
            "configuration": {
                "prefix": "zarr",
                "base_encoding": {"name": "prefix", "configuration": {"prefix": ".json/"}},
            },
        },
        {"name": "fanout", "configuration": {"max_children": 99}},
        {"name": "fanout", "configuration": {"max_children": "1000"}},
        {"name": "fanout", "configuration": {"most": 1000}},
        {"name": "zarrs.default_suffix", "configuration": {"suffix": ".a", "separator": "-"}},
    ],
    ids=repr,
)
def test_encodings_that_make_no_keys_are_refused(document: dict[str, Any]) -> None:
    with zarrite.config.set({"experimental.drafts": True}), pytest.raises(MetadataValidationError, match="key"):
        zarrite.create_array(None, shape=(20, 20), chunks=(1, 1), dtype="i4", chunk_key_encoding=document)


def test_encodings_are_not_nested_without_end() -> None:
    document: dict[str, Any] = {"name": "default"}
    for _ in range(300):
        document = {"name": "prefix", "configuration": {"prefix": "a", "base_encoding": document}}
    with pytest.raises(MetadataValidationError, match="nests"):
        keys_from_json(document)


def test_an_axis_of_one_chunk_need_not_be_named() -> None:
    keys = PartKeys("template", {"template": "{2}/{1}"})
    keys.check((1, 9, 9))
    with pytest.raises(MetadataValidationError, match="axis 0"):
        keys.check((2, 9, 9))
    with zarrite.config.set({"experimental.drafts": True}):
        array = zarrite.create_array(
            None,
            shape=(3, 4),
            chunks=(3, 1),
            dtype="i4",
            chunk_key_encoding={**keys.to_json(), "configuration": {"template": "{1}.png"}},
        )
    with pytest.raises(MetadataValidationError, match="axis 0"):
        array.resize((4, 4))
