"""Documents that are wrong in any way are refused with the node and the member, and nothing else happens."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from model.strategies import arrays_of_format_2, arrays_of_format_3, as_json, json_values
from zarrite import formats
from zarrite.errors import (
    DataTypeValidationError,
    MetadataValidationError,
    NodeTypeValidationError,
    UnknownCodecError,
    ZarriteError,
)
from zarrite.model.node import ArrayModel


def array(**members: Any) -> dict[str, Any]:
    model = ArrayModel.create(shape=(4, 4), dtype="float32", chunks=(2, 2), shards=(4, 4))
    return {**as_json(formats.dump(model, "")["zarr.json"]), **members}


def old_array(**members: Any) -> dict[str, Any]:
    model = ArrayModel.create(shape=(4, 4), dtype="float32", chunks=(2, 2), zarr_format=2)
    return {**as_json(formats.dump(model, "")[".zarray"]), **members}


def refused(document: Any, kind: type[ZarriteError] = MetadataValidationError, *, text: bytes = b"") -> str:
    name = ".zarray" if isinstance(document, dict) and document.get("zarr_format") == 2 else "zarr.json"
    with pytest.raises(kind) as caught:
        formats.parse("a/b", {f"a/b/{name}": text or json.dumps(document).encode()})
    sentence = str(caught.value)
    assert f"a/b/{name}" in sentence
    assert "'/a/b'" in sentence
    return sentence


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b" ", "is empty"),
        (b"null", "JSON object"),
        (b"[1]", "JSON object"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
        (b'{"zarr_format": ' + b"9" * 5000 + b"}", "not usable JSON"),
        (b"\0" * 100, "not JSON"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_what_is_no_json_is_refused(text: bytes, why: str) -> None:
    assert why in refused(None, text=text)


@pytest.mark.parametrize("value", [1, 4, "3", 3.0, None, True, [3], "https://purl.org/zarr/spec/protocol/core/3.0"])
def test_other_formats_are_not_supported(value: object) -> None:
    assert "zarr_format" in refused(array(zarr_format=value))


def test_nodes_are_arrays_or_groups() -> None:
    assert "node_type" in refused(array(node_type="dataset"), NodeTypeValidationError)


@pytest.mark.parametrize("name", formats.v3.ARRAY_REQUIRED)
def test_members_that_are_missing_are_named(name: str) -> None:
    document = array()
    del document[name]
    if name == "fill_value":
        with pytest.warns(UserWarning, match="no fill value"):
            formats.parse("", {"zarr.json": json.dumps(document).encode()})
    else:
        assert f"{name}: this member is missing" in refused(document)


JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    0.5,
    "x",
    [],
    [-1],
    [0, 0],
    [2**62, 2**62],
    {},
    {"name": 3},
    [["a"]],
]


@pytest.mark.filterwarnings("ignore:.*a chunk edge of 0")  # which is read, and told
@pytest.mark.parametrize("member", [*formats.v3.ARRAY_REQUIRED, "attributes", "dimension_names"])
@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_wrong_values_are_refused_with_the_member(member: str, junk: Any) -> None:
    document = array(**{member: junk})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            formats.parse("", {"zarr.json": json.dumps(document).encode()})
        except ZarriteError:
            pass
        else:
            return  # some junk is good for some members
    kinds = (MetadataValidationError, DataTypeValidationError, UnknownCodecError)
    sentence = refused(document, kinds)  # type: ignore[arg-type]
    assert member in sentence or (member == "shape" and "chunk_shape" in sentence)


@pytest.mark.filterwarnings("ignore:.*a chunk edge of 0")  # which is read, and told
@pytest.mark.parametrize(
    "member", ["shape", "chunks", "dtype", "order", "filters", "compressor", "dimension_separator"]
)
@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_wrong_values_in_format_2_are_refused_with_the_member(member: str, junk: Any) -> None:
    document = old_array(**{member: junk})
    try:
        formats.parse("", {".zarray": json.dumps(document).encode()})
    except ZarriteError:
        kinds = (MetadataValidationError, DataTypeValidationError, UnknownCodecError)
        sentence = refused(document, kinds)  # type: ignore[arg-type]
        assert member in sentence or (member == "shape" and "chunks" in sentence)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [([2**63], [1]), ([2**64], [1]), ([4], [2**63]), ([4, 4], [2**40, 2**40]), ([4], [2**62]), ([1] * 65, [1] * 65)],
)
def test_shapes_that_no_machine_has_are_refused(shape: list[int], chunks: list[int]) -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": chunks}}
    refused(array(shape=shape, chunk_grid=grid))
    refused(old_array(shape=shape, chunks=chunks))


def test_the_largest_shapes_are_not() -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 1]}}
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
    document = array(shape=[2**63 - 1, 2**63 - 1], chunk_grid=grid, codecs=codecs)
    model = formats.v3.node_from_json(document)
    assert isinstance(model, ArrayModel)
    assert model.chunk_grid_shape == (2**63 - 1, 2**63 - 1)


def nested(depth: int) -> Any:
    codec: Any = {"name": "bytes", "configuration": {"endian": "little"}}
    index = [{"name": "bytes", "configuration": {"endian": "little"}}]
    for _ in range(depth):
        inside = {"chunk_shape": [1, 1], "codecs": [codec], "index_codecs": index}
        codec = {"name": "sharding_indexed", "configuration": inside}
    return codec


def test_shards_and_structs_may_nest_and_not_without_end() -> None:
    assert formats.v3.node_from_json(array(codecs=[nested(3)]))
    assert "deeper than" in refused(array(codecs=[nested(100)]))
    fields: Any = "int8"
    for _ in range(200):
        fields = {"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": fields}]}}
    assert "deeper than" in refused(array(data_type=fields))
    old: Any = "<i4"
    for _ in range(200):
        old = [["a", old]]
    assert "deeper than" in refused(old_array(dtype=old))


@pytest.mark.parametrize(
    ("codecs", "why"),
    [
        ([], "turns cells into bytes"),
        (["crc32c"], "out of place"),
        ([{"name": "bytes", "configuration": {"endian": "middle"}}], "endian"),
        ([{"name": "bytes", "configuration": {"endian": "little", "x": 1}}], "no parameter 'x'"),
        ([{"name": "bytes", "configuration": {"endian": "little"}, "x": 1}], "no reader knows: x"),
        ([{"name": "bytes", "configuration": {"endian": "little"}}] * 2, "once"),
        ([{"name": "transpose", "configuration": {"order": [0, 0]}}, "bytes"], "each axis once"),
        ([{"name": "transpose", "configuration": {"order": [0]}}, "bytes"], "2 axes"),
        ([{"name": "vlen-utf8"}], "any length"),
        ([{"name": "sharding_indexed", "configuration": {"chunk_shape": [3, 2], "codecs": ["bytes"]}}], "index_codecs"),
    ],
)
def test_chains_that_make_no_sense_are_refused(codecs: Any, why: str) -> None:
    assert why in refused(array(codecs=codecs))


def test_an_index_whose_length_is_not_known_is_refused() -> None:
    codec = array()["codecs"][0]
    codec["configuration"]["index_codecs"].append({"name": "gzip", "configuration": {"level": 1}})
    assert "index_codecs" in refused(array(codecs=[codec]))
    codec["configuration"]["index_codecs"].pop()
    codec["configuration"]["chunk_shape"] = [3]
    assert "one for each" in refused(array(codecs=[codec]))


def test_names_that_are_not_known_are_refused_with_those_that_are() -> None:
    assert "known: " in refused(array(codecs=[{"name": "fpzip"}]), UnknownCodecError)
    assert "known: " in refused(array(data_type="octonion"), DataTypeValidationError)
    assert "did you mean 'float8_e5m2'" in refused(array(data_type="float8_e9"), DataTypeValidationError)
    assert "'fpzip'" in refused(old_array(compressor={"id": "fpzip"}), UnknownCodecError)
    assert "'hexagonal'" in refused(array(chunk_grid={"name": "hexagonal", "configuration": {}}))
    assert "'wheel'" in refused(array(chunk_key_encoding={"name": "wheel"}))
    keys = {"name": "default", "configuration": {"separator": "-"}}
    assert "separator" in refused(array(chunk_key_encoding=keys))


def test_objects_without_a_codec_that_says_what_they_are_are_refused() -> None:
    assert "'vlen-utf8'" in refused(old_array(dtype="|O"))
    assert "'json3'" in refused(old_array(dtype="|O", filters=[{"id": "json3"}]), UnknownCodecError)
    assert "<f16" in refused(old_array(dtype="<f16"), DataTypeValidationError)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    if at:
        yield at
    if len(at) > 9:
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


deep = st.just(json.loads("[" * 400 + "]" * 400))
more_junk = (
    st.sampled_from([*JUNK, "NaN", "0x7f", "\ud800", "<M8[ns]", "|S0", "r8", {"id": "zlib"}]) | json_values | deep
)


@given(arrays_of_format_3() | arrays_of_format_2(), st.data())
def test_no_change_to_a_document_gives_anything_but_a_node_or_an_error_of_ours(
    model: ArrayModel, data: st.DataObject
) -> None:
    name, raw = next(iter(formats.dump(model, "p").items()))
    document = copy.deepcopy(as_json(raw))
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(sorted(places(document), key=str)))
        holder = document
        for key in path:
            holder = holder[key]
        if data.draw(st.booleans()) or isinstance(holder, list):
            holder[last] = copy.deepcopy(data.draw(more_junk))
        else:
            del holder[last]
        if not document:
            return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = formats.parse("p", {name: json.dumps(document).encode()})
        except ZarriteError as error:
            assert "'/p'" in str(error)
            return
    assert isinstance(found, ArrayModel)
    found.lower()
    try:
        documents = formats.dump(found, "p")
    except MetadataValidationError:
        return
    assert formats.parse("p", documents, found.zarr_format) == found
