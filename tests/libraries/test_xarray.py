"""xarray on zarrite: what is opened and written, with the real zarr-python as the other side and without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from costs.counting import Ledger
from servers.s3 import Server

xr = pytest.importorskip("xarray")

from zarrite.xarray import ZarriteBackendEntrypoint, to_zarr  # noqa: E402 -- only where xarray is

ENGINE = ZarriteBackendEntrypoint
FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])
CONSOLIDATED = pytest.mark.parametrize("consolidated", [None, True, False])


def cube() -> Any:
    """A dataset with times, text, gaps and an axis without coordinates."""
    rng = np.random.default_rng(7)
    cells = rng.random((10, 20, 30)).astype("f4")
    cells[2, 3, 4] = np.nan
    return xr.Dataset(
        {
            "t": (("time", "y", "x"), cells, {"units": "K"}),
            "mask": (("y", "x"), rng.random((20, 30)) > 0.5),
            "name": ("x", [f"ü{i}" for i in range(30)]),
            "count": ("free", np.array([0, 1, np.nan, 3, 4], dtype="f4"), {}, {"dtype": "u2", "_FillValue": 9}),
            "one": ((), 2.5),
        },
        coords={
            "time": np.datetime64("2020-01-01", "ns") + np.arange(10) * np.timedelta64(1, "D"),
            "y": np.arange(20.0),
        },
        attrs={"title": "a cube"},
    )


@FORMATS
@CONSOLIDATED
def test_what_is_written_opens_the_same(tmp_path: Path, zarr_format: int, consolidated: bool | None) -> None:
    to_zarr(cube(), tmp_path / "a", zarr_format=zarr_format, consolidated=consolidated)
    opened = xr.open_dataset(tmp_path / "a", engine=ENGINE, consolidated=consolidated or None)
    xr.testing.assert_identical(opened.load(), cube())


@FORMATS
def test_zarr_pythons_engine_reads_what_this_one_wrote(tmp_path: Path, zarr_format: int) -> None:
    pytest.importorskip("zarr")
    to_zarr(cube(), tmp_path / "a", zarr_format=zarr_format)
    xr.testing.assert_identical(xr.open_dataset(tmp_path / "a", engine="zarr").load(), cube())


@FORMATS
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::RuntimeWarning")
def test_this_engine_reads_what_zarr_pythons_wrote(tmp_path: Path, zarr_format: int) -> None:
    pytest.importorskip("zarr")
    cube().to_zarr(tmp_path / "a", zarr_format=zarr_format)
    xr.testing.assert_identical(xr.open_dataset(tmp_path / "a", engine=ENGINE).load(), cube())


SELECTIONS: dict[str, dict[str, Any]] = {
    "slices": {"time": slice(2, 9, 3), "x": slice(None, None, -4)},
    "integers": {"time": 3, "y": -1},
    "lists": {"time": [5, 1, 1], "x": [29, 0]},
    "masks": {"y": np.arange(20) % 3 == 0},
    "points": {"time": xr.DataArray([0, 9, 4], dims="p"), "x": xr.DataArray([7, 7, 1], dims="p")},
    "points of two axes": {"y": xr.DataArray([[0, 9], [4, 4]], dims=("p", "q")), "x": [3, 2]},
    "nothing": {"x": slice(0, 0)},
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
def test_a_lazy_selection_is_one_call_and_right(
    tmp_path: Path, selection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    to_zarr(cube()[["t"]], tmp_path / "a", encoding={"t": {"chunks": (3, 7, 8), "shards": (6, 14, 16)}})
    opened = xr.open_dataset(tmp_path / "a", engine=ENGINE)["t"].isel(selection)
    calls: list[Any] = []
    reading = zarrite.Array._reading
    monkeypatch.setattr(zarrite.Array, "_reading", lambda *given: calls.append(given) or reading(*given))
    loaded = opened.load()
    assert len(calls) <= 1
    xr.testing.assert_identical(loaded, cube()["t"].isel(selection))
    awaited = xr.open_dataset(tmp_path / "a", engine=ENGINE)["t"].isel(selection)
    asyncio.run(awaited.load_async())
    xr.testing.assert_identical(awaited, loaded)


@FORMATS
def test_appending_grows_one_axis(tmp_path: Path, zarr_format: int) -> None:
    first, second = cube().isel(time=slice(4)), cube().isel(time=slice(4, None))
    to_zarr(first, tmp_path / "a", zarr_format=zarr_format, encoding={"t": {"chunks": (2, 20, 30)}})
    to_zarr(second, tmp_path / "a", append_dim="time")
    xr.testing.assert_identical(xr.open_dataset(tmp_path / "a", engine=ENGINE).load(), cube())


def test_a_region_is_found_and_written(tmp_path: Path) -> None:
    to_zarr(cube(), tmp_path / "a", encoding={"t": {"chunks": (5, 20, 30)}})
    part = cube()[["t"]].isel(time=slice(5, 10)).drop_vars("y") + 1
    to_zarr(part, tmp_path / "a", region="auto")
    opened = xr.open_dataset(tmp_path / "a", engine=ENGINE)
    xr.testing.assert_allclose(opened["t"][5:].load(), cube()["t"][5:] + 1)
    xr.testing.assert_identical(opened["t"][:5].load(), cube()["t"][:5])


def test_encodings_come_back(tmp_path: Path) -> None:
    codec = zarrite.codecs.BloscCodec(cname="lz4", clevel=3)
    encoding = {"t": {"chunks": (5, 10, 10), "shards": (5, 20, 30), "compressors": [codec]}}
    to_zarr(cube(), tmp_path / "a", encoding=encoding)
    opened = xr.open_dataset(tmp_path / "a", engine=ENGINE)
    assert opened["t"].encoding["chunks"] == (5, 10, 10)
    assert opened["t"].encoding["shards"] == (5, 20, 30)
    to_zarr(opened, tmp_path / "b")
    again = zarrite.open_group(tmp_path / "b", mode="r").get_array("t")
    assert (again.chunks, again.shards) == ((5, 10, 10), (5, 20, 30))
    assert again.compressors[0].to_dict() == opened["t"].encoding["compressors"][0].to_dict()


def test_a_tree_of_groups_comes_back(tmp_path: Path) -> None:
    tree = xr.DataTree.from_dict({"/": cube()[["one"]], "/a/b": cube()[["t"]], "/c": cube()[["name"]]})
    to_zarr(tree, tmp_path / "a")
    opened = xr.open_datatree(tmp_path / "a", engine=ENGINE)
    xr.testing.assert_identical(opened.load(), tree)
    inner = xr.open_datatree(tmp_path / "a", engine=ENGINE, group="/a")
    xr.testing.assert_identical(inner.load()["b"].to_dataset(), cube()[["t"]])


def test_axes_without_names_are_refused_with_the_way_out(tmp_path: Path) -> None:
    zarrite.create_group(tmp_path / "a").create_array("bare", shape=(3,), dtype="i1")
    with pytest.raises(KeyError, match=r"names no dimensions.*open it with zarrite\.open_array"):
        xr.open_dataset(tmp_path / "a", engine=ENGINE)


def test_nothing_asks_for_zarr_python(tmp_path: Path) -> None:
    program = """
        import sys
        sys.modules["zarr"] = None
        import numpy as np, xarray as xr
        from zarrite.xarray import ZarriteBackendEntrypoint, to_zarr
        place = sys.argv[1]
        data = xr.Dataset({"a": ("x", np.arange(8.0))}, coords={"x": np.arange(8)})
        to_zarr(data, place)
        to_zarr(data.assign_coords(x=data.x + 8), place, append_dim="x")
        print(float(xr.open_dataset(place, engine=ZarriteBackendEntrypoint)["a"].sum()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "a")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["56.0"]


def forest(groups: int) -> Any:
    leaf = xr.Dataset({"a": ("x", np.arange(3.0))}, {"x": np.arange(3)})
    return xr.DataTree.from_dict({f"/{i % 4}/{i}": leaf for i in range(groups)})


def test_the_documents_of_a_tree_are_copied_once(tmp_path: Path) -> None:
    documents = []
    for groups in (4, 12):
        ledger = Ledger()
        requests = ledger.of(lambda groups=groups, ledger=ledger: to_zarr(forest(groups), ledger.store))
        documents.append([key for operation, key in requests if operation == "put" and key == "zarr.json"])
        opened = xr.open_datatree(ledger.store, engine=ENGINE, consolidated=True)
        xr.testing.assert_identical(opened.load(), forest(groups).load())
    assert len(documents[0]) == len(documents[1]) <= 3


def test_the_groups_of_a_tree_are_listed_once_each() -> None:
    ledger = Ledger()
    to_zarr(forest(12), ledger.store, consolidated=False)
    requests = ledger.of(lambda: xr.open_datatree(ledger.store, engine=ENGINE, consolidated=False).close())
    listed = [key for operation, key in requests if operation == "list_dir"]
    assert sorted(listed) == sorted(["", *map(str, range(4)), *(f"{i % 4}/{i}" for i in range(12))])
    read = [key for operation, key, *_ in requests if operation == "get" and key.endswith("zarr.json")]
    assert len(read) == len(set(read)), "each document once"


def test_a_tree_far_away_is_listed_a_level_at_a_time_and_its_coordinates_come_together(s3: Server) -> None:
    place, options = f"s3://{s3.bucket}/forest", s3.options()
    to_zarr(forest(24), place, consolidated=False, storage_options=options)
    s3.turn(latency=0.05)
    s3.forget()
    opened = xr.open_datatree(place, engine=ENGINE, consolidated=False, storage_options=options)
    asked = s3.requests()
    s3.turn(latency=0)
    listings = [one for one in asked if "list-type" in one.query]
    assert len(listings) == 1 + 4 + 24
    assert max(one.in_flight for one in listings) >= 12
    coordinates = [one for one in asked if "/x/c/" in one.key]
    assert len(coordinates) == 24
    assert max(one.in_flight for one in coordinates) >= 12
    xr.testing.assert_identical(opened.load(), forest(24).load())
