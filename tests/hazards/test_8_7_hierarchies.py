"""Groups, names and attributes as they are found (format reference 8.7 and 8.10)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, cells_of, v2, v3
from zarrite.errors import MetadataValidationError, ZarriteError

GROUP = b'{"zarr_format": 3, "node_type": "group"}'


def below(path: str, store: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{path}/{key}": raw for key, raw in store.items()}


def test_8_7_a_node_below_missing_groups_is_opened_by_its_path() -> None:
    store = below("a/b", v3())
    np.testing.assert_array_equal(zarrite.open_array(store, path="a/b", mode="r")[...], CELLS)
    assert [one.rule for one in zarrite.check(store).findings if one.severity == "error"].count("group-missing") >= 1


def test_8_7_a_writer_leaves_no_group_missing() -> None:
    store: dict[str, bytes] = {}
    zarrite.create_array(store, name="a/b/c", shape=(1,), dtype="i4")
    assert {"zarr.json", "a/zarr.json", "a/b/zarr.json", "a/b/c/zarr.json"} <= store.keys()


def test_8_7_where_both_formats_are_the_newer_one_counts() -> None:
    store = {**v2(CELLS + 1), **v3()}
    np.testing.assert_array_equal(cells_of(store), CELLS)
    np.testing.assert_array_equal(cells_of(store, zarr_format=2), CELLS + 1)
    assert "both-formats" in [one.rule for one in zarrite.check(store).findings]


def test_8_7_an_array_inside_an_array_can_be_opened_and_is_no_member() -> None:
    store = {"zarr.json": GROUP, **below("a", v3()), **below("a/inner", v3(CELLS + 1))}
    root = zarrite.open_group(store, mode="r")
    assert [name for name, _ in root.members(max_depth=None)] == ["a"]
    np.testing.assert_array_equal(zarrite.open_array(store, path="a/inner", mode="r")[...], CELLS + 1)


@pytest.mark.parametrize("name", ["c", "0", "0.0", "1"])
def test_8_7_a_node_may_be_called_as_chunks_are(name: str) -> None:
    store: dict[str, bytes] = {}
    root = zarrite.create_group(store)
    root.create_group(name).create_array("x", shape=(2,), chunks=(1,), dtype="i4")[...] = 1
    assert sorted(key for key, _ in root.members(max_depth=None)) == [name, f"{name}/x"]


@pytest.mark.parametrize("name", ["zarr.json", ".zgroup", ".", "..", "...", "a/zarr.json", "a/..."])
def test_8_7_names_that_no_node_may_have_are_refused(name: str) -> None:
    store: dict[str, bytes] = {}
    root = zarrite.create_group(store)
    before = dict(store)
    for make in (root.create_group, lambda name: root.create_array(name, shape=(1,), dtype="i4")):
        with pytest.raises(ZarriteError):
            make(name)
    assert store == before


def test_8_7_folders_without_documents_are_no_members() -> None:
    store = {"zarr.json": GROUP, "stuff/readme.txt": b"?", **below("a", v3()), ".DS_Store": b"?", "b/.DS_Store": b"?"}
    assert [name for name, _ in zarrite.open_group(store, mode="r").members(max_depth=None)] == ["a"]


def test_8_7_names_differ_by_case_and_by_normal_form() -> None:
    store: dict[str, bytes] = {}
    root = zarrite.create_group(store)
    names = ["A", "a", "\u00fc", "u\u0308"]
    for name in names:
        root.create_group(name, attributes={"name": name})
    assert sorted(name for name, _ in root.members()) == sorted(names)
    assert all(root[name].attrs["name"] == name for name in names)


def test_8_7_stale_copies_are_told() -> None:
    store: dict[str, bytes] = {}
    root = zarrite.create_group(store)
    root.create_array("x", shape=(2,), dtype="i4")
    zarrite.consolidate_metadata(store)
    document = json.loads(store["x/zarr.json"]) | {"shape": [3]}
    store["x/zarr.json"] = json.dumps(document).encode()
    (finding,) = zarrite.check(store).findings
    assert (finding.rule, finding.severity) == ("consolidated-differs", "error")
    assert "x (shape)" in finding.message
    assert zarrite.open_group(store, mode="r", use_consolidated=False)["x"].shape == (3,)


@pytest.mark.parametrize("form", [None, ...])
def test_8_10_attributes_that_are_null_or_absent_are_none(form: Any) -> None:
    assert dict(zarrite.open_array(v3(attributes=form), mode="r").attrs) == {}
    assert dict(zarrite.open_array(v2(), mode="r").attrs) == {}


def test_8_10_numbers_of_numpy_are_written_and_names_that_are_no_text_refused() -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(1,), dtype="i4")
    array.attrs["n"] = np.float32(1.5)
    array.attrs["list"] = np.arange(3)
    assert json.loads(store["zarr.json"])["attributes"] == {"n": 1.5, "list": [0, 1, 2]}
    for wrong in ({1: 2}, {"a": {1: 2}}, {"a": float("nan")}, {"a": b"x"}):
        with pytest.raises((MetadataValidationError, TypeError)):
            array.attrs.update(wrong)
    assert json.loads(store["zarr.json"])["attributes"] == {"n": 1.5, "list": [0, 1, 2]}


def test_8_10_the_order_of_attributes_is_kept_and_large_ones_too() -> None:
    names = ["z", "a", "m", "_FillValue", "b"]
    store = v3(attributes={name: number for number, name in enumerate(names)})
    array = zarrite.open_array(store, mode="r+")
    array.attrs["new"] = list(range(100_000))
    assert list(json.loads(store["zarr.json"])["attributes"]) == [*names, "new"]
    assert len(zarrite.open_array(store, mode="r").attrs["new"]) == 100_000
