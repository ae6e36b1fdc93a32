"""NCZarr, and what xarray writes: read as Zarr of format 2, with names of axes, and nothing of theirs lost."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import formats
from zarrite.model.node import ArrayModel

OLD_ARRAY = {"dimrefs": ["/lat", "/g/lon"], "storage": "chunked"}
NEW_ARRAY = {"dimension_references": ["/lat", "/g/lon"], "storage": "chunked"}


def store_of(attributes: dict[str, Any], **members: Any) -> dict[str, bytes]:
    document = {
        "zarr_format": 2,
        "shape": [2, 3],
        "chunks": [2, 3],
        "dtype": "<i4",
        "compressor": None,
        "fill_value": None,
        "filters": None,
        "order": "C",
        **members,
    }
    return {
        ".zarray": json.dumps(document).encode(),
        ".zattrs": json.dumps(attributes).encode(),
        "0.0": np.arange(6, dtype="<i4").tobytes(),
    }


@pytest.mark.parametrize(
    ("attributes", "members", "names"),
    [
        ({"_ARRAY_DIMENSIONS": ["y", "x"]}, {}, ("y", "x")),
        ({"_nczarr_array": NEW_ARRAY}, {}, ("lat", "lon")),
        ({"_NCZARR_ARRAY": OLD_ARRAY}, {}, ("lat", "lon")),
        ({}, {"_NCZARR_ARRAY": OLD_ARRAY}, ("lat", "lon")),
        ({"_ARRAY_DIMENSIONS": ["y", "x"], "_nczarr_array": NEW_ARRAY}, {}, ("y", "x")),
        ({"_ARRAY_DIMENSIONS": ["y"], "_nczarr_array": NEW_ARRAY}, {}, ("lat", "lon")),
        ({"_nczarr_array": {"dimension_references": [], "storage": "scalar"}}, {}, None),
        ({"_ARRAY_DIMENSIONS": "yx", "_nczarr_array": ["/lat"]}, {}, None),
        ({"_ARRAY_DIMENSIONS": [1, 2]}, {}, None),
        ({}, {}, None),
    ],
)
def test_axes_have_the_names_that_somebody_wrote(
    attributes: dict[str, Any], members: dict[str, Any], names: tuple[str, ...] | None
) -> None:
    array = zarrite.open_array(store_of(attributes, **members), mode="r")
    assert array.dimension_names == names
    assert array.attrs.asdict() == attributes
    assert array[1].tolist() == [3, 4, 5]


def test_names_of_format_3_go_first() -> None:
    array = zarrite.create_array(
        None, shape=(1, 1), dtype="i1", dimension_names=["a", None], attributes={"_ARRAY_DIMENSIONS": ["y", "x"]}
    )
    assert array.dimension_names == ("a", None)


def test_an_array_made_after_one_with_names_in_its_attributes_is_of_format_2_again() -> None:
    array = zarrite.open_array(store_of({"_ARRAY_DIMENSIONS": ["y", "x"]}), mode="r")
    assert zarrite.zeros_like(array).metadata.zarr_format == 2
    assert zarrite.from_array(None, data=array).dimension_names == ("y", "x")
    assert zarrite.from_array(None, data=array, zarr_format=3)[0, 1] == 1


def test_old_members_of_its_documents_are_kept() -> None:
    group = {"zarr_format": 2, "_NCZARR_GROUP": {"dims": {"lat": 2}, "vars": ["v"], "groups": []}}
    array = json.loads(store_of({}, _NCZARR_ARRAY=OLD_ARRAY)[".zarray"])
    store = {
        ".zgroup": json.dumps({**group, "_NCZARR_SUPERBLOCK": {"version": "1.0.0"}}).encode(),
        ".nczgroup": b'{"dims": {}}',
        "v/.zarray": json.dumps(array).encode(),
        "v/.nczarray": b'{"dimrefs": []}',
        "v/.nczattr": b'{"types": {}}',
        "v/0.0": np.arange(6, dtype="<i4").tobytes(),
    }
    before = dict(store)
    opened = zarrite.open_group(store)
    opened.attrs["a"] = 1
    member = opened["v"]
    member.attrs["b"] = 2
    member.resize((2, 4))
    assert list(opened) == ["v"]
    assert member.nchunks_initialized == 1
    assert store[".zgroup"] == before[".zgroup"]
    written = json.loads(bytes(store["v/.zarray"]))
    assert {**written, "shape": [2, 3]} == array
    for key in (".nczgroup", "v/.nczarray", "v/.nczattr"):
        assert store[key] == before[key]


def test_members_that_have_defaults_may_be_missing_and_a_fill_value_may_stand_in_a_list() -> None:
    document = {"zarr_format": 2, "shape": [2, 3], "chunks": [2, 3], "dtype": "<i4", "compressor": None}
    model = formats.parse("", {".zarray": json.dumps(document).encode()})
    assert isinstance(model, ArrayModel)
    assert (model.order, model.keys.separator, model.fill_value, model.filters) == ("C", ".", None, ())
    listed = formats.parse("", {".zarray": json.dumps({**document, "fill_value": [-32767]}).encode()})
    assert isinstance(listed, ArrayModel)
    assert listed.fill_value == -32767


def test_a_scalar_is_an_array_of_one_cell_as_it_is_stored() -> None:
    attributes = {"_nczarr_array": {"dimension_references": [], "storage": "scalar"}}
    store = store_of(attributes, shape=[1], chunks=[1])
    store["0"] = np.int32(7).tobytes()
    array = zarrite.open_array(store, mode="r")
    assert (array.shape, array.dimension_names, array[0]) == ((1,), None, 7)


def test_what_netcdf_c_wrote_has_its_names_and_its_cells(data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(data / "zarr/nczarr/ref_oldformat.zip") as archive:
        archive.extractall(tmp_path)
    group = zarrite.open_group(tmp_path / "ref_oldformat", mode="r")
    assert group["lat"][...].tolist() == list(range(1, 9))  # type: ignore[union-attr]
    assert group["lat"].dimension_names == ("_Anonymous_Dim_8",)  # type: ignore[union-attr]
    assert group["g1/pos"].dimension_names == ("_Anonymous_Dim_8", "_Anonymous_Dim_10")  # type: ignore[union-attr]
    assert (group["g1/pos"][...] == -1).all()  # type: ignore[union-attr]


# ---------------------------------------------------------------- separators that documents lack


def nested() -> dict[str, bytes]:
    store = store_of({})
    store["0/0"] = store.pop("0.0")
    return store


def test_chunks_in_folders_are_found_when_the_caller_says_so_and_are_not_guessed() -> None:
    assert not zarrite.open_array(nested(), mode="r")[...].any()
    for opening in (zarrite.open, zarrite.open_array):
        assert opening(nested(), mode="r", dimension_separator="/")[1].tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="dimension_separator"):
        zarrite.open_array(nested(), mode="r", dimension_separator="-")
    with pytest.raises(ValueError, match="axis_order"):
        zarrite.open_array(nested(), mode="r", axis_order="F")


def test_what_the_caller_said_is_written_when_the_document_changes() -> None:
    array = zarrite.open_array(store := nested(), dimension_separator="/")
    array.attrs["a"] = 1
    assert "dimension_separator" not in json.loads(bytes(store[".zarray"]))
    array.append(np.full((2, 3), 9, "i4"))
    assert array[2:].tolist() == [[9, 9, 9]] * 2
    assert json.loads(bytes(store[".zarray"]))["dimension_separator"] == "/"
    assert zarrite.open_array(store, mode="r")[1].tolist() == [3, 4, 5]
    assert "1/0" in store


def test_format_3_always_says_it_itself() -> None:
    store: dict[str, bytes] = {}
    zarrite.create_array(store, shape=(2,), chunks=(1,), dtype="i4")[...] = 5
    assert zarrite.open_array(store, mode="r", dimension_separator=".")[...].tolist() == [5, 5]
