"""Members deleted, moved and copied as a whole; hierarchies written at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.errors import ContainsArrayError, ContainsGroupError, MetadataValidationError, ReadOnlyError
from zarrite.progress import Report


@pytest.fixture(params=["memory", "directory", "dictionary"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> zarrite.Group:
    place: Any = {"memory": None, "directory": tmp_path / "g.zarr", "dictionary": {}}[request.param]
    group = zarrite.create_group(place)
    group.create_array("x/a", data=np.arange(6), chunks=2)
    group.create_array("b", data=np.arange(4), chunks=2, attributes={"units": "m"})
    return group


def keys(group: zarrite.Group, prefix: str = "") -> list[str]:
    return group.store.list(prefix).result()


def test_deleting_takes_everything_below(group: zarrite.Group) -> None:
    del group["x"]
    assert list(group) == ["b"]
    assert keys(group, "x") == []
    with pytest.raises(KeyError, match="x"):
        del group["x"]
    with pytest.raises(KeyError):
        group.delete("nothing")


def test_moving_leaves_nothing_behind(group: zarrite.Group) -> None:
    group.move("x", "y/z")
    assert "x" not in group
    assert keys(group, "x") == []
    assert group["y/z/a"][:].tolist() == [0, 1, 2, 3, 4, 5]  # type: ignore[index,union-attr]
    assert isinstance(group["y"], zarrite.Group)
    group.move("b", "c")
    assert group["c"].attrs["units"] == "m"


def test_moving_onto_something_or_into_itself_is_refused(group: zarrite.Group) -> None:
    with pytest.raises(ContainsArrayError, match="'b'"):
        group.move("x", "b")
    with pytest.raises(ValueError, match="inside or above itself"):
        group.move("x", "x/inner")
    with pytest.raises(KeyError, match="nothing"):
        group.move("nothing", "y")
    group.move("b", "b")
    assert list(group) == ["b", "x"]


def test_copying_keeps_the_source(group: zarrite.Group) -> None:
    copied = group.copy("x", "y")
    assert isinstance(copied, zarrite.Group)
    assert copied["a"][:].tolist() == list(range(6))  # type: ignore[index,union-attr]
    group["x/a"][0] = 99  # type: ignore[index]
    assert copied["a"][0] == 0  # type: ignore[index]
    assert group.copy("b", "deep/b").attrs["units"] == "m"


def test_copying_onto_something_needs_overwrite(group: zarrite.Group) -> None:
    with pytest.raises(ContainsGroupError):
        group.copy("b", "x")
    assert group.copy("b", "x", overwrite=True).shape == (4,)  # type: ignore[union-attr]
    assert keys(group, "x") == ["x/c/0", "x/c/1", "x/zarr.json"]


@pytest.mark.parametrize("with_progress", [False, True])
def test_copying_goes_into_another_store(group: zarrite.Group, tmp_path: Path, with_progress: bool) -> None:
    other = zarrite.create_group(tmp_path / "other")
    seen: list[Report] = []
    copied = group.copy("x", "here/x", into=other, progress=seen.append if with_progress else None)
    assert copied.store is other.store
    assert other["here/x/a"][:].tolist() == list(range(6))  # type: ignore[index,union-attr]
    if with_progress:
        objects = [other.store.size(key).result() or 0 for key in keys(other, "here/x")]
        assert seen[-1] == Report("copy", "", sum(objects), sum(objects), len(objects), len(objects), finished=True)
    single = group.copy("b", "b", into=other, progress=seen.append)
    assert single[:].tolist() == [0, 1, 2, 3]  # type: ignore[index,union-attr]


def test_copying_into_another_format_is_refused(group: zarrite.Group) -> None:
    older = zarrite.create_group(None, zarr_format=2)
    with pytest.raises(MetadataValidationError, match="from_array"):
        group.copy("b", "b", into=older)


def test_nothing_changes_in_a_group_that_is_open_for_reading(group: zarrite.Group) -> None:
    reader = zarrite.open_group(group.store, mode="r")
    changes: list[Any] = [
        lambda: reader.delete("b"),
        lambda: reader.move("b", "c"),
        lambda: reader.copy("b", "c"),
        lambda: reader.create_group("new"),
        lambda: reader.create_array("new", shape=1, dtype="i1"),
        lambda: reader.create_hierarchy({"new": {"zarr_format": 3, "node_type": "group"}}),
    ]
    for change in changes:
        with pytest.raises(ReadOnlyError, match="open for reading only"):
            change()
    assert list(group) == ["b", "x"]


def test_a_hierarchy_is_written_at_once() -> None:
    model = zarrite.zeros((3,), dtype="i2").metadata
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"made": "here"}}
    store = _engine.recorded_store(_engine.memory_store())
    made = dict(zarrite.create_hierarchy(store=store, nodes={"g/deep/a": model, "g": document}))
    assert list(made) == ["", "g", "g/deep", "g/deep/a"]
    group = zarrite.open_group(store)
    assert group["g"].attrs["made"] == "here"
    assert group["g/deep/a"].shape == (3,)  # type: ignore[union-attr]


def test_a_hierarchy_that_meets_something_writes_nothing(group: zarrite.Group) -> None:
    model = zarrite.zeros((3,), dtype="i2").metadata
    before = keys(group)
    with pytest.raises(ContainsArrayError):
        group.create_hierarchy({"new": model, "b": model})
    with pytest.raises(ContainsArrayError, match="cannot hold"):
        group.create_hierarchy({"new": model, "new/below": model})
    with pytest.raises(ContainsArrayError, match="cannot hold members"):
        group.create_hierarchy({"b/below": model})
    with pytest.raises(TypeError, match="must be a model"):
        group.create_hierarchy({"new": 5})
    with pytest.raises(ValueError, match="names its own top"):
        group.create_hierarchy({"": model})
    assert keys(group) == before
    names = [name for name, _ in group.create_hierarchy({"b": model, "x/more": model}, overwrite=True)]
    assert names == ["b", "x/more"]
    assert group["x/a"][1] == 1  # type: ignore[index]
