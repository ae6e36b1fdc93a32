"""What a group holds: found, listed and shown."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.errors import ContainsArrayError, ContainsGroupError


@pytest.fixture(params=["memory", "directory", "dictionary", "format 2"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> zarrite.Group:
    """A group with the arrays a, b and g/deep/c, and the groups g and g/deep."""
    place: Any = {"memory": None, "directory": tmp_path / "g.zarr", "dictionary": {}, "format 2": None}[request.param]
    group = zarrite.create_group(place, zarr_format=2 if request.param == "format 2" else 3, attributes={"top": True})
    group.create_array("a", data=np.arange(6), chunks=2)
    group.create_array("b", shape=(3, 4), dtype="f4")
    group.create_array("g/deep/c", shape=(2,), dtype="i2", attributes={"units": "m"})
    return group


def test_members_are_found_by_name_and_by_path(group: zarrite.Group) -> None:
    assert isinstance(group["a"], zarrite.Array)
    assert isinstance(group["g"], zarrite.Group)
    assert group["g/deep/c"] == group["g"]["deep"]["c"] == group["/g/deep/c/"]  # type: ignore[index]
    assert group["g/deep/c"].attrs["units"] == "m"
    assert group[""] is group


def test_a_missing_member_is_a_key_error(group: zarrite.Group) -> None:
    for name in ("nothing", "a/below", "g/nothing"):
        with pytest.raises(KeyError, match=name):
            group[name]
        assert name not in group
    assert group.get("nothing") is None
    assert group.get("nothing", 7) == 7
    assert 5 not in group
    with pytest.raises(TypeError, match="called by text"):
        group[5]  # type: ignore[index]


def test_a_member_of_the_wrong_kind_is_refused(group: zarrite.Group) -> None:
    assert group.get_array("a").shape == (6,)
    assert group.get_group("g/deep").path == "g/deep"
    with pytest.raises(ContainsGroupError, match="is a group, not an array"):
        group.get_array("g")
    with pytest.raises(ContainsArrayError, match="is an array, not a group"):
        group.get_group("a")


def test_names_come_in_order(group: zarrite.Group) -> None:
    assert list(group.keys()) == list(group) == ["a", "b", "g"]
    assert len(group) == 3
    assert list(group.array_keys()) == ["a", "b"]
    assert list(group.group_keys()) == ["g"]
    assert group.nmembers() == 3
    assert group.nmembers(max_depth=None) == 5


def test_members_go_as_deep_as_asked(group: zarrite.Group) -> None:
    depths = {0: ["a", "b", "g"], 1: ["a", "b", "g", "g/deep"], 2: ["a", "b", "g", "g/deep", "g/deep/c"]}
    for depth, names in depths.items():
        assert [name for name, _ in group.members(max_depth=depth)] == names
    assert dict(group.members(max_depth=None)) == dict(group.members(max_depth=9))
    with pytest.raises(ValueError, match="max_depth"):
        group.members(max_depth=-1)


def test_arrays_and_groups_come_apart(group: zarrite.Group) -> None:
    assert {name: array.shape for name, array in group.arrays()} == {"a": (6,), "b": (3, 4)}
    assert [name for name, _ in group.groups()] == ["g"]
    assert [array.name for array in group.array_values()] == ["/a", "/b"]
    assert [inner.name for inner in group.group_values()] == ["/g"]
    assert [member.name for member in group.values()] == ["/a", "/b", "/g"]
    assert [name for name, _ in group.items()] == ["a", "b", "g"]


def test_a_tree_shows_everything_once(group: zarrite.Group) -> None:
    assert str(group.tree()).splitlines() == [
        "/",
        "├── a (6,) int64",
        "├── b (3, 4) float32",
        "└── g",
        "    └── deep",
        "        └── c (2,) int16",
    ]
    assert str(zarrite.tree(group, level=1)).splitlines()[-1] == "└── g"
    assert str(group["g"].tree()).splitlines()[0] == "/g"  # type: ignore[union-attr]
    assert str(group.tree(max_nodes=2)).splitlines()[-1].startswith("... and ")


def test_info_says_what_it_is(group: zarrite.Group) -> None:
    assert "No. members" not in str(group.info)
    lines = str(group.info_complete()).replace(" ", "").splitlines()
    assert {"No.members:5", "No.arrays:3", "No.groups:2", "Type:Group"} <= set(lines)


def test_facts(group: zarrite.Group) -> None:
    inner = group["g/deep"]
    assert (inner.path, inner.name, inner.basename) == ("g/deep", "/g/deep", "deep")
    assert (group.path, group.name, group.basename) == ("", "/", "")
    assert group.attrs["top"] is True
    assert inner.store is group.store
    assert group == zarrite.open_group(group.store)
    assert hash(group) == hash(zarrite.open_group(group.store))
    assert group != inner
    assert group != "group"
    assert zarrite.open_group(inner.store_path) == inner
    assert group
    assert group.synchronizer is None
    assert repr(inner).startswith("<zarrite.Group ")
    assert repr(inner).endswith("/g/deep>")


def test_a_pickled_group_opens_the_same_members(group: zarrite.Group) -> None:
    again = pickle.loads(pickle.dumps(group["g"]))
    assert list(again) == ["deep"]
    assert again["deep/c"].shape == (2,)
    assert again.__dask_tokenize__() == again.__dask_tokenize__()


def test_a_folder_that_is_no_node_is_named_and_no_member(tmp_path: Path) -> None:
    group = zarrite.create_group(tmp_path)
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "file").write_text("x")
    (tmp_path / "loose.txt").write_text("x")
    assert list(group) == ["stray"]
    assert group.members() == ()
    assert "stray" not in group


def test_require_gives_what_is_there_or_makes_it(group: zarrite.Group) -> None:
    assert group.require_group("g/deep") == group["g/deep"]
    assert group.require_group("new/one").name == "/new/one"
    one, two = group.require_groups("p", "q/r")
    assert (one.name, two.name) == ("/p", "/q/r")
    assert group.require_groups() == ()
    assert group.require_array("b", shape=(3, 4), dtype="f4") == group["b"]
    assert group.require_array("b", shape=(3, 4), dtype="f8") == group["b"]
    assert group.require_array("fresh", shape=3, dtype="i1").shape == (3,)
    for settings, says in (
        ({"shape": (3,), "dtype": "f4"}, "shape"),
        ({"shape": (3, 4), "dtype": "i2"}, "data type"),
        ({"shape": (3, 4), "dtype": "f8", "exact": True}, "data type"),
    ):
        with pytest.raises(TypeError, match=says):
            group.require_array("b", **settings)
    with pytest.raises(TypeError, match="is an array"):
        group.require_group("a")
    with pytest.raises(TypeError, match="is a group"):
        group.require_array("g", shape=3)


def test_making_what_is_there_is_refused(group: zarrite.Group) -> None:
    with pytest.raises(ContainsArrayError, match="an array is already at path 'a'"):
        group.create_array("a", shape=(1,), dtype="i1")
    with pytest.raises(ContainsGroupError, match="overwrite=True"):
        group.create_group("g")
    with pytest.raises(ContainsArrayError, match="only groups have members"):
        group.create_array("a/below", shape=(1,), dtype="i1")
    with pytest.raises(ContainsGroupError):
        group.create_array("", shape=(1,), dtype="i1")
    assert group["a"].shape == (6,)  # type: ignore[union-attr]
    assert group.create_array("g", shape=(1,), dtype="i1", overwrite=True).shape == (1,)
    assert "g/deep" not in group


def test_brackets_write_an_array(group: zarrite.Group) -> None:
    group["new"] = np.arange(3)
    group["a"] = [1.5, 2.5]
    assert group["new"][:].tolist() == [0, 1, 2]  # type: ignore[index,union-attr]
    assert group["a"][:].tolist() == [1.5, 2.5]  # type: ignore[index,union-attr]


@pytest.mark.parametrize("name", ["../up", "x/../y", ".", "x/./y", "nul\0"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    group = zarrite.create_group({})
    with pytest.raises(ValueError, match="refused"):
        group.create_group(name)
    with pytest.raises(ValueError, match="refused"):
        group[name]


def test_filled_arrays(group: zarrite.Group) -> None:
    assert group.zeros(name="z", shape=3)[:].tolist() == [0, 0, 0]
    assert group.ones(name="o", shape=3, dtype="i2")[:].tolist() == [1, 1, 1]
    assert group.full(name="f", shape=2, fill_value=7)[:].tolist() == [7, 7]
    assert group.empty(name="e", shape=2).dtype == np.float64
    like = group.zeros_like(name="zl", data=group["a"])
    assert (like.shape, like.dtype, like.chunks) == ((6,), np.dtype("i8"), (2,))
    assert group.ones_like(name="ol", data=np.zeros(2, "i1"))[:].tolist() == [1, 1]
    assert group.full_like(name="fl", data=group["a"], fill_value=3)[0] == 3
    assert group.empty_like(name="el", data=group["b"]).shape == (3, 4)


def test_a_class_method_opens_and_makes() -> None:
    store = _engine.memory_store()
    made = zarrite.Group.from_store(store, attributes={"a": 1})
    assert zarrite.Group.open(store).attrs["a"] == 1
    assert made == zarrite.Group.open(store)
    with pytest.raises(FileNotFoundError):
        zarrite.Group.open(_engine.memory_store())
