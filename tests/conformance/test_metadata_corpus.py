"""The documents that other projects keep as examples: each valid one comes back equal, others are refused."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from zarrite import formats
from zarrite.errors import DataTypeValidationError, MetadataValidationError, UnknownCodecError, ZarriteError
from zarrite.model.node import ArrayModel

EXCERPTS = "conventions show their attributes in documents of arrays that lack every other member"
DIFFERENT = {
    "v2/array/blosc_compressor_with_filters.json": {"filters": "delta's second type, which follows from the first"},
    "v2/array/empty_filters_list.json": {"filters": "an empty list, which the specification calls null"},
    "v2/array/structured_dtype.json": {"fill_value": "0 for fields, which the specification writes in base64"},
}
"""Members that are written in another form than they were read in, and why."""


def name_of(document: dict[str, Any]) -> str:
    if "node_type" in document:
        return "zarr.json"
    return ".zarray" if "shape" in document else ".zgroup"


def settled(value: Any, member: str = "") -> Any:
    """A document with what goes without saying said: one form for what has several."""
    if member == "chunk_key_encoding":
        value = {"name": value} if isinstance(value, str) else value
        plain = {"separator": "/" if value["name"] == "default" else "."}
        return {"name": value["name"], "configuration": {**plain, **value.get("configuration", {})}}
    if member in ("codecs", "index_codecs"):
        return [settled({"name": entry} if isinstance(entry, str) else entry) for entry in value]
    if isinstance(value, dict):
        found = {name: settled(inner, name) for name, inner in value.items()}
        if found.get("name") == "sharding_indexed":
            found["configuration"] = {"index_location": "end", **found["configuration"]}
        if found.get("configuration") == {}:
            del found["configuration"]
        return found
    return [settled(inner) for inner in value] if isinstance(value, list) else value


def documents(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*.json")) if "zarr_format" in json.loads(path.read_text())]
    assert found
    return found


def parsed(path: Path) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    document = json.loads(path.read_text())
    key = name_of(document)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = formats.parse("", {key: path.read_bytes()})
    assert model is not None
    written = formats.dump(model, "")
    assert formats.parse("", dict(written)) == model
    return model, document, json.loads(written[key])


def test_every_valid_document_of_zarr_python_comes_back_equal(data: Path) -> None:
    folder = data / "metadata/zarr-python"
    for path in documents(folder):
        _, document, written = parsed(path)
        for member in DIFFERENT.get(str(path.relative_to(folder)), {}):
            assert document.pop(member) != written.pop(member)
        assert settled(written) == settled(document), path
        assert list(written) == list(document), path


def test_every_document_of_a_product_comes_back_equal(data: Path) -> None:
    for path in documents(data / "metadata/eopf"):
        _, document, written = parsed(path)
        assert settled(written) == settled(document), path


def test_conventions_come_back_equal_and_their_excerpts_are_refused_with_what_they_lack(data: Path) -> None:
    whole = 0
    for path in documents(data / "metadata/zarr-conventions"):
        document = json.loads(path.read_text())
        if document.get("node_type") == "array" and "shape" not in document:
            with pytest.raises(MetadataValidationError, match="shape: this member is missing"):
                parsed(path)
            continue
        _, document, written = parsed(path)
        assert settled(written) == settled(document), path
        whole += 1
    assert whole, EXCERPTS


def array(**members: Any) -> dict[str, Any]:
    document = ArrayModel.create(shape=(12, 12, 12), dtype="int32", chunks=(6, 6, 6), compressors=None).to_dict()
    return {**json.loads(json.dumps(document)), **members}


def read(document: dict[str, Any]) -> dict[str, Any]:
    model = formats.parse("", {"zarr.json": json.dumps(document).encode()})
    assert model is not None
    return json.loads(formats.dump(model, "")["zarr.json"])  # type: ignore[no-any-return]


def cases(data: Path, kind: str) -> list[tuple[str, str, Any]]:
    folder = data / "metadata/zarr-python/v3" / kind
    files = sorted(folder.glob("*/cases.json"))
    return [(path.parent.name, name, case) for path in files for name, case in json.loads(path.read_text()).items()]


@pytest.mark.parametrize("kind", ["codec", "chunk_key_encoding", "chunk_grid"])
def test_every_example_of_an_extension_comes_back_equal(data: Path, kind: str) -> None:
    count = 0
    for extension, name, case in cases(data, kind):
        if kind == "codec":
            document = codec_document(extension, case)
            member = "codecs"
        else:
            ndim = len(next(iter(case["configuration"].values()), [])) if kind == "chunk_grid" else 3
            if kind == "chunk_grid" and extension == "rectilinear":
                ndim = len(case["configuration"]["chunk_shapes"])
            document = array(**{kind: case, "shape": [12] * ndim} if kind == "chunk_grid" else {kind: case})
            member = kind
        try:
            written = read(document)
        except (UnknownCodecError, MetadataValidationError) as error:
            if (extension, name) == ("cast_value", "named_config_dtype"):
                assert "not 'numpy.datetime64'" in str(error)  # the specification casts numbers alone
                continue
            raise AssertionError(f"{extension} {name}: {error}") from error
        if extension == "cast_value" and written["codecs"][1] == {"name": "bytes"}:
            del document["codecs"][1]["configuration"]  # cells are single bytes by then, which have no order
        if (extension, name) == ("blosc", "no_typesize"):
            del written["codecs"][1]["configuration"]["typesize"]  # it follows from the cells, and is written
        assert settled(written[member], member) == settled(document[member], member), f"{extension} {name}"
        count += 1
    assert count


def codec_document(extension: str, case: Any) -> dict[str, Any]:
    plain = {"name": "bytes", "configuration": {"endian": "little"}}
    if extension == "bytes":
        bare = isinstance(case, str) or not case.get("configuration")
        return array(codecs=[case], data_type="uint8" if bare else "int32")
    if extension == "sharding_indexed":
        edges = [4 * edge for edge in case["configuration"]["chunk_shape"]]
        grid = {"name": "regular", "configuration": {"chunk_shape": edges}}
        return array(codecs=[case], chunk_grid=grid, shape=edges)
    before = extension in ("transpose", "cast_value", "scale_offset")
    return array(codecs=[case, plain] if before else [plain, case], data_type="float64" if before else "int32")


def test_every_example_of_a_fill_value_is_read_and_means_the_same_when_written(data: Path) -> None:
    count = 0
    for path in sorted((data / "metadata/zarr-python/v3/data_type").glob("*/fill_values.json")):
        beside = path.parent / "data_type.json"
        kind = json.loads(beside.read_text()) if beside.exists() else path.parent.name
        kind = "r32" if kind == "raw" else kind
        serializer = {"string": "vlen-utf8", "bytes": "vlen-bytes"}.get(kind if isinstance(kind, str) else "", "bytes")
        codec = {"name": serializer, "configuration": {"endian": "little"}} if serializer == "bytes" else serializer
        for name, fill in json.loads(path.read_text()).items():
            document = array(data_type=kind, fill_value=fill, codecs=[codec])
            try:
                written = read(document)
            except (DataTypeValidationError, ZarriteError) as error:
                raise AssertionError(f"{path.parent.name} {name}: {error}") from error
            key = {"zarr.json": json.dumps(document).encode()}
            again = {"zarr.json": json.dumps(written).encode()}
            assert formats.parse("", key) == formats.parse("", again), f"{path.parent.name} {name}"
            count += 1
    assert count > 40


@pytest.mark.parametrize("number", [2, 3])
def test_consolidated_examples_come_back_equal(data: Path, number: int) -> None:
    for path in sorted((data / f"metadata/zarr-python/v{number}/consolidated").glob("*.json")):
        copies = json.loads(path.read_text())
        group: dict[str, Any] = {"zarr_format": number}
        if number == 3:
            document = {**group, "node_type": "group", "consolidated_metadata": copies}
            assert read(document)["consolidated_metadata"] == copies
            model = formats.parse("", {"zarr.json": json.dumps(document).encode()})
        else:
            attributes = json.dumps(copies["metadata"].get(".zattrs", {})).encode()
            raws = {".zgroup": json.dumps(group).encode(), ".zattrs": attributes, ".zmetadata": path.read_bytes()}
            model = formats.parse("", raws)
            assert model is not None
            assert json.loads(formats.dump(model, "")[".zmetadata"])["metadata"] == copies["metadata"]
        assert model is not None
        names = {key.strip("/").rpartition("/")[0] if number == 2 else key for key in copies["metadata"]} - {""}
        assert set(formats.consolidated_members(model) or ()) == names  # type: ignore[arg-type]


def test_what_is_invalid_for_a_convention_is_still_zarr_and_what_is_no_json_is_refused(data: Path) -> None:
    broken = ("colors_rgba_length.ome.zarr", "zero_field_count.ome.zarr")
    count = 0
    for path in sorted((data / "malformed/ngff-spec").rglob("zarr.json")):
        if path.parent.name in broken:
            with pytest.raises(MetadataValidationError, match="not JSON"):
                formats.parse("", {"zarr.json": path.read_bytes()})
        else:
            assert formats.parse("", {"zarr.json": path.read_bytes()}) is not None
            count += 1
    assert count > 50
