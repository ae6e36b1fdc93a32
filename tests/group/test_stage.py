"""`zarrite.stage`: nothing is seen before all of it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import errors
from zarrite.storage import MemoryStore


@pytest.fixture(params=["disk", "memory", "server"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Where the group is, as keywords."""
    if request.param == "disk":
        return {"store": str(tmp_path / "g")}
    if request.param == "memory":
        return {"store": MemoryStore()}
    s3 = request.getfixturevalue("s3")
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret"}
    return {"store": f"s3://{s3.bucket}/g", "storage_options": options}


def keys(settings: dict[str, Any]) -> list[str]:
    """All keys of the store."""
    group = zarrite.stage(**settings)
    found: list[str] = group._store.list(group._path).result()
    return [key.removeprefix("g/") for key in found]


@pytest.mark.parametrize("zarr_format", [3, 2])
def test_a_whole_group_is_seen_when_the_block_ends(settings: dict[str, Any], zarr_format: int) -> None:
    cells = np.arange(40).reshape(5, 8)
    with zarrite.stage(**settings, zarr_format=zarr_format) as group:
        group.attrs["title"] = "all of it"
        inner = group.create_group("inner", attributes={"a": 1})
        array = inner.create_array("x", data=cells, chunks=(2, 4))
        array.append(cells)
        array[0, 0] = -1
        assert sorted(group) == ["inner"]
        assert group["inner/x"][1:3].tolist() == cells[1:3].tolist()  # type: ignore[index]
        with pytest.raises(errors.NodeNotFoundError):
            zarrite.open(**settings, mode="r")
        with pytest.raises(errors.NodeNotFoundError):
            zarrite.open(**settings, path="inner/x", mode="r")
    seen = zarrite.open_group(**settings, mode="r")
    assert seen.attrs.asdict() == {"title": "all of it"}
    wanted = np.concatenate([cells, cells])
    wanted[0, 0] = -1
    np.testing.assert_array_equal(seen["inner/x"][...], wanted)  # type: ignore[index]
    assert seen["inner"].attrs["a"] == 1
    with pytest.raises(errors.StoreError, match="closed"):
        array[0]


def test_after_an_exception_nothing_is_left(settings: dict[str, Any]) -> None:
    group = zarrite.open_group(**settings, mode="w")
    group.create_array("old", data=np.arange(3))
    before = keys(settings)

    def fail() -> None:
        with zarrite.stage(**settings) as staged:
            staged.create_array("new", data=np.arange(9), chunks=2)
            staged.create_array("deep/new", data=np.arange(9), chunks=2)
            staged.create_array("old", data=np.arange(9), chunks=2, overwrite=True)
            staged.attrs["seen"] = False
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert keys(settings) == before
    assert zarrite.open_group(**settings, mode="r").attrs.asdict() == {}


def test_members_come_into_a_group_that_is_there(settings: dict[str, Any]) -> None:
    group = zarrite.open_group(**settings, mode="w")
    group.create_array("old", data=np.arange(3))
    with zarrite.stage(**settings) as staged:
        staged.create_array("new", data=np.arange(9), chunks=2)
        with pytest.raises(errors.KeyRefusedError, match="there already"):
            staged["old"][0] = 7  # type: ignore[index]
        assert sorted(staged.array_keys()) == ["new", "old"]
        assert "new" not in group
    assert sorted(group.array_keys()) == ["new", "old"]
    assert group["new"][...].tolist() == list(range(9))  # type: ignore[index]


def test_what_is_replaced_is_seen_until_its_successor_is_there(settings: dict[str, Any]) -> None:
    group = zarrite.open_group(**settings, mode="w")
    group.create_array("a", data=np.arange(30), chunks=3)
    with zarrite.stage(**settings) as staged:
        staged.create_array("a", data=np.arange(9) * 2, chunks=3, overwrite=True)
        assert staged["a"][...].tolist() == list(range(0, 18, 2))  # type: ignore[index]
        assert group["a"][...].tolist() == list(range(30))  # type: ignore[index]
    assert zarrite.open_array(**settings, path="a")[...].tolist() == list(range(0, 18, 2))
    assert len([key for key in keys(settings) if key.startswith("a/")]) == 4
    with zarrite.stage(**settings, path="a", overwrite=True) as whole:
        whole.create_array("b", data=np.arange(3))
        assert zarrite.open_array(**settings, path="a").shape == (9,)
    assert sorted(zarrite.open_group(**settings, path="a", mode="r")) == ["b"]


def test_who_was_overtaken_is_told(settings: dict[str, Any]) -> None:
    group = zarrite.open_group(**settings, mode="w")
    staging = zarrite.stage(**settings)
    staging.__enter__().create_array("a", shape=(4,), dtype="i4")
    group.create_array("a", shape=(5,), dtype="i4")
    with pytest.raises(errors.NodeExistsError, match="by another while this was staged"):
        staging.__exit__(None, None, None)
    assert group["a"].shape == (5,)  # type: ignore[union-attr]


def test_an_array_is_in_the_way(settings: dict[str, Any]) -> None:
    zarrite.create_array(**settings, shape=(3,), dtype="i4")
    with pytest.raises(errors.ContainsArrayError), zarrite.stage(**settings):
        pass


def test_the_awaiting_door_stages_too(settings: dict[str, Any]) -> None:
    async def work() -> None:
        async with zarrite.stage(**settings) as group:
            await group.create_array.aio("a", data=np.arange(4))

    asyncio.run(work())
    assert zarrite.open_array(**settings, path="a")[...].tolist() == [0, 1, 2, 3]


def test_documents_are_put_last_and_the_top_one_last_of_all(s3: Any) -> None:
    options = {"endpoint_url": s3.url, "key": "key", "secret": "secret"}
    with zarrite.stage(f"s3://{s3.bucket}/g", storage_options=options) as group:
        group.create_array("b/a", data=np.arange(4), chunks=2)
    s3.settle()
    puts = [request.key for request in s3.requests() if request.method == "PUT"]
    assert sorted(puts[:2]) == ["g/b/a/c/0", "g/b/a/c/1"]
    assert puts[2:] == ["g/b/a/zarr.json", "g/b/zarr.json", "g/zarr.json"]
