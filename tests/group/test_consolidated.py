"""Consolidated documents: used when they are there, never stale by our own hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine
from zarrite.catalog import Catalog


@pytest.fixture(params=[3, 2])
def store(request: pytest.FixtureRequest) -> _engine.Store:
    store = _engine.recorded_store(_engine.memory_store())
    group = zarrite.create_group(store, zarr_format=request.param, attributes={"top": 1})
    group.create_array("a", data=np.arange(6), chunks=2)
    group.create_array("g/deep/c", shape=(2,), dtype="i2", attributes={"units": "m"})
    group.create_array("g/d", shape=(2,), dtype="i2")
    consolidated = zarrite.consolidate_metadata(store)
    assert [name for name, _ in consolidated.members(max_depth=None)] == ["a", "g", "g/d", "g/deep", "g/deep/c"]
    _engine.recorded(store)
    return store


def shown(group: zarrite.Group) -> dict[str, Any]:
    """Everything below a group: shape of arrays, attributes of all."""
    return {
        name: (getattr(member, "shape", None), member.attrs.asdict()) for name, member in group.members(max_depth=None)
    }


def test_members_come_from_the_documents(store: _engine.Store) -> None:
    group = zarrite.open_consolidated(store)
    _engine.recorded(store)
    assert group["g"]["deep"]["c"].attrs["units"] == "m"  # type: ignore[index]
    assert list(group) == ["a", "g"]
    assert list(group["g"]) == ["d", "deep"]  # type: ignore[arg-type]
    assert "g/nothing" not in group
    assert _engine.recorded(store) == []
    assert group["a"][:].tolist() == list(range(6))  # type: ignore[index,union-attr]


def test_they_are_used_unless_that_is_refused(store: _engine.Store) -> None:
    store.delete_prefix("g").result()
    assert "g/d" in zarrite.open_group(store)
    assert "g/d" in zarrite.open_group(store, use_consolidated=True)
    assert "g/d" in zarrite.open(store)  # type: ignore[operator]
    assert "g/d" not in zarrite.open_group(store, use_consolidated=False)


def test_demanding_them_where_there_are_none_is_a_value_error() -> None:
    zarrite.create_group(place := _engine.memory_store())
    with pytest.raises(ValueError, match="has no consolidated metadata"):
        zarrite.open_consolidated(place)
    with pytest.raises(ValueError, match="has no consolidated metadata"):
        zarrite.open_group(place, use_consolidated=True)
    with pytest.raises(TypeError, match="use_consolidated=True"):
        zarrite.open_consolidated(place, use_consolidated=False)
    with pytest.raises(FileNotFoundError):
        zarrite.consolidate_metadata(_engine.memory_store())


CHANGES: dict[str, Callable[[zarrite.Group], object]] = {
    "a new array": lambda group: group.create_array("new", shape=(9,), dtype="i1"),
    "a new array below a new group": lambda group: group.create_array("p/q/new", shape=(9,), dtype="i1"),
    "a new group": lambda group: group.create_group("g/new", attributes={"x": 1}),
    "an array replaced": lambda group: group.create_array("a", shape=(9,), dtype="i1", overwrite=True),
    "an array deleted": lambda group: group.delete("a"),
    "a group deleted": lambda group: group.delete("g"),
    "attributes of a member": lambda group: group["g/d"].attrs.update(x=1),
    "attributes of a member's member": lambda group: group["g"]["deep"]["c"].attrs.put({}),  # type: ignore[index]
    "attributes of an inner group": lambda group: group["g"].attrs.update(x=1),
    "a member resized": lambda group: group["a"].resize(3),  # type: ignore[union-attr]
    "a member appended to": lambda group: group["a"].append([7]),  # type: ignore[union-attr]
    "a member moved": lambda group: group.move("a", "g/a"),
    "a member copied": lambda group: group.copy("g", "h"),
    "its own attributes": lambda group: group.attrs.update(top=2),
    "a hierarchy": lambda group: group.create_hierarchy({"x/y": group["a"].metadata}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("limit", [128, 0])
def test_after_a_change_they_say_what_the_store_says(
    store: _engine.Store, change: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalog, "REWRITE_LIMIT", limit)
    group = zarrite.open_consolidated(store)
    CHANGES[change](group)
    truth = shown(zarrite.open_group(store, use_consolidated=False))
    assert shown(group) == truth
    assert shown(zarrite.open_group(store)) == truth
    assert zarrite.open_group(store).attrs.asdict() == group.attrs.asdict()


def test_changing_a_large_hierarchy_drops_them_once(store: _engine.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalog, "REWRITE_LIMIT", 5)
    group = zarrite.open_consolidated(store)
    group.create_group("n0")
    with pytest.raises(ValueError, match="no consolidated metadata"):
        zarrite.open_consolidated(store)
    _engine.recorded(store)
    group.create_group("n1")
    assert not [key for verb, key, *_ in _engine.recorded(store) if "/" not in key]
    assert [name for name in group if name.startswith("n")] == ["n0", "n1"]
    zarrite.consolidate_metadata(store)
    assert "n1" in zarrite.open_consolidated(store)


def test_a_group_below_can_be_consolidated_alone(store: _engine.Store) -> None:
    zarrite.consolidate_metadata(store, path="g")
    inner = zarrite.open_consolidated(store, path="g")
    assert list(inner) == ["d", "deep"]
    inner.create_group("new")
    assert sorted(zarrite.open_consolidated(store, path="g")) == ["d", "deep", "new"]


def test_consolidating_again_does_not_believe_what_stands_there(store: _engine.Store) -> None:
    with zarrite.config.set({"consolidated.on_write": "keep"}):
        zarrite.open_group(store, use_consolidated=False).create_group("behind")
    assert "behind" not in zarrite.open_consolidated(store)
    zarrite.consolidate_metadata(store)
    assert "behind" in zarrite.open_consolidated(store)


# ---------------------------------------------------------------- every copy, and what becomes of it


@pytest.fixture
def nested(store: _engine.Store) -> _engine.Store:
    """Copies in the root, in a group below it, and in one below that."""
    for path in ("g/deep", "g", ""):
        zarrite.consolidate_metadata(store, path=path)
    return store


INSIDE: dict[str, Callable[[zarrite.Group], object]] = {
    "attributes": lambda group: group["g/deep/c"].attrs.update(x=1),
    "attributes of a group": lambda group: group["g/deep"].attrs.update(x=1),
    "resize": lambda group: group["g/deep/c"].resize(5),  # type: ignore[union-attr]
    "append": lambda group: group["g/deep/c"].append([7]),  # type: ignore[union-attr]
    "create": lambda group: group["g/deep"].create_array("new", shape=(9,), dtype="i1"),  # type: ignore[union-attr]
    "delete": lambda group: group["g"].delete("deep/c"),  # type: ignore[union-attr]
    "move in": lambda group: group.move("a", "g/deep/a"),
    "move out": lambda group: group.move("g/deep", "out"),
    "copy": lambda group: group.copy("g/d", "g/deep/d"),
    "hierarchy": lambda group: group.create_hierarchy({"g/deep/x/y": group["a"].metadata}),
}


@pytest.mark.parametrize("change", INSIDE)
@pytest.mark.parametrize("on_write", ["update", "drop", "keep"])
@pytest.mark.parametrize("use", [None, False])
def test_every_copy_above_a_change_is_right_or_gone_or_kept(
    nested: _engine.Store, change: str, on_write: str, use: bool | None
) -> None:
    group = zarrite.open_group(nested, use_consolidated=use)
    before = {path: shown(zarrite.open_consolidated(nested, path=path)) for path in ("", "g")}
    with zarrite.config.set({"consolidated.on_write": on_write}):
        INSIDE[change](group)
    assert shown(group) == shown(zarrite.open_group(nested, use_consolidated=False))
    for path in ("", "g", "g/deep", "out"):
        if path and path not in zarrite.open_group(nested, use_consolidated=False):
            continue
        model = zarrite.open_group(nested, path=path).metadata
        if on_write == "drop" and path in ("", "g"):
            assert model.consolidated is None
        elif on_write == "keep" and path in before:
            assert shown(zarrite.open_group(nested, path=path)) == before[path]
        elif on_write != "keep":
            truth = shown(zarrite.open_group(nested, path=path, use_consolidated=False))
            assert shown(zarrite.open_group(nested, path=path)) == truth


def test_a_setting_that_is_none_of_the_three_is_refused() -> None:
    with pytest.raises(ValueError, match=r"consolidated\.on_write must be"):
        zarrite.config.set({"consolidated.on_write": "sometimes"})


def test_format_2_may_have_its_copies_under_another_name() -> None:
    store = _engine.memory_store()
    group = zarrite.create_group(store, zarr_format=2)
    group.create_array("a", shape=(2,), dtype="i2")
    zarrite.consolidate_metadata(store)
    usual = store.get(".zmetadata").result()
    assert usual is not None
    store.put("other", usual).result()
    store.delete([".zmetadata"]).result()
    assert zarrite.open_group(store).metadata.consolidated is None
    named = zarrite.open_consolidated(store, use_consolidated="other")
    assert list(named) == ["a"]
    store.put(".zmetadata", usual).result()
    named.create_group("b")
    named["a"].resize(5)
    zarrite.open_group(store).attrs.update(top=1)  # a handle that does not know of the other name
    named.attrs.update(top=2)
    for name in ("other", ".zmetadata"):
        found = zarrite.open_group(store, use_consolidated=name)
        assert shown(found) == shown(zarrite.open_group(store, use_consolidated=False))
        assert list(found) == ["a", "b"]
    assert zarrite.open_group(store, use_consolidated="other").attrs.asdict() == {"top": 2}
    with pytest.raises(ValueError, match="no consolidated metadata"):
        zarrite.open_group(store, use_consolidated="third")
    with pytest.raises(ValueError, match="cannot be the name"):
        zarrite.open_group(store, use_consolidated=".zattrs")


def test_copies_that_are_not_all_there_are_taken_out_by_a_change_and_not_made_up() -> None:
    store = _engine.memory_store()
    group = zarrite.create_group(store)
    group.create_array("g/a", shape=(2,), dtype="i2")
    group["g"].attrs["known"] = 1
    zarrite.consolidate_metadata(store)
    document = json.loads(bytes(store.get("zarr.json").result() or b""))
    del document["consolidated_metadata"]["metadata"]["g"]
    store.put("zarr.json", json.dumps(document).encode()).result()
    partial = zarrite.open_consolidated(store)
    assert partial["g"]["a"].shape == (2,)  # type: ignore[index,union-attr]
    partial["g/a"].resize(3)  # type: ignore[union-attr]
    assert partial["g"].attrs.asdict() == {"known": 1}
    assert zarrite.open_group(store).metadata.consolidated is None


@pytest.mark.parametrize("use", [None, False])
def test_two_handles_of_one_group_do_not_undo_each_other(store: _engine.Store, use: bool | None) -> None:
    one, two = (zarrite.open_group(store, use_consolidated=use) for _ in range(2))
    one.create_group("one")
    two.create_group("two")
    one["a"].attrs["x"] = 1
    two["g/d"].resize(5)  # type: ignore[union-attr]
    two.attrs["top"] = 2
    one.delete("two")
    assert shown(zarrite.open_group(store)) == shown(zarrite.open_group(store, use_consolidated=False))
    assert zarrite.open_group(store).attrs.asdict() == {"top": 2}


def test_handles_in_many_threads_lose_nothing(store: _engine.Store) -> None:
    def work(number: int) -> None:
        group = zarrite.open_group(store)
        for step in range(5):
            group.create_group(f"n{number}-{step}")
            group.attrs[f"n{number}-{step}"] = 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    group = zarrite.open_consolidated(store)
    assert len([name for name in group if name.startswith("n")]) == 40
    assert shown(group) == shown(zarrite.open_group(store, use_consolidated=False))
    assert len(group.attrs) == 41


def test_names_of_axes_are_known_to_the_handle_that_consolidated(recwarn: pytest.WarningsRecorder) -> None:
    store = zarrite.storage.MemoryStore()
    zarrite.create_array(store, name="a", shape=(2, 3), dtype="i1", dimension_names=("y", None))
    group = zarrite.consolidate_metadata(store)
    assert group.get_array("a").dimension_names == ("y", None)
    assert not recwarn.list
