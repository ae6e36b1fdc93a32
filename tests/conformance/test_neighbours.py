"""Round trips with the libraries of this interpreter: they read what we write, we read what they write, bit by bit."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strategies
import zarrite
from conformance.cases import CASES, Case


def _zarr(path: Path, case: Case, cells: Any = None) -> Any:
    zarr = pytest.importorskip("zarr", reason="zarr-python is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of data types outside the core specification
        array = zarr.open_array(str(path), mode="r" if cells is None else "r+")
        if cells is None:
            return array[...]
        array[...] = cells
    return None


def _tensorstore(path: Path, case: Case, cells: Any = None) -> Any:
    tensorstore = pytest.importorskip("tensorstore", reason="tensorstore is not installed")
    driver = "zarr" if case.settings.get("zarr_format") == 2 else "zarr3"

    def opened(**more: Any) -> Any:
        place = {"driver": "file", "path": str(path)}
        return tensorstore.open({"driver": driver, "kvstore": place, **more}).result()

    array = zarrite.open_array(path, mode="r")
    if array.dtype.names:  # field by field
        result = np.zeros(array.shape, array.dtype)
        for name in array.dtype.names:
            field = opened(field=name)
            if cells is None:
                result[name] = field.read().result()
            else:
                field.write(cells[name]).result()
        return result
    if cells is None:
        return np.asarray(opened().read().result()).astype(array.dtype)
    return opened().write(cells).result()


LIBRARIES: dict[str, Callable[..., Any]] = {"zarr": _zarr, "tensorstore": _tensorstore}


def pairs(do: str) -> list[Any]:
    """Every library with every array it knows."""
    return [
        pytest.param(library, case, id=f"{library}: {case.name}")
        for library in LIBRARIES
        for case in CASES.values()
        if case.knows(library, do)
    ]


@pytest.mark.parametrize(("library", "case"), pairs("read"))
def test_a_neighbour_reads_what_we_wrote(tmp_path: Path, library: str, case: Case) -> None:
    array, cells = case.make(tmp_path / "a")
    got = LIBRARIES[library](tmp_path / "a", case)
    assert strategies.bits(_as(got, array.dtype), array.dtype) == strategies.bits(cells, array.dtype)


@pytest.mark.parametrize(("library", "case"), pairs("write"))
def test_we_read_what_a_neighbour_wrote(tmp_path: Path, library: str, case: Case) -> None:
    array, _ = case.make(tmp_path / "a")
    cells = case.tame_cells(array, 2)
    LIBRARIES[library](tmp_path / "a", case, cells)
    got = zarrite.open_array(tmp_path / "a", mode="r")[...]
    assert strategies.bits(got, array.dtype) == strategies.bits(cells, array.dtype)
    assert strategies.bits(array[...], array.dtype) == strategies.bits(cells, array.dtype)


def _as(cells: Any, dtype: np.dtype[Any]) -> Any:
    found = np.asarray(cells)
    return found if found.dtype == dtype else found.astype(dtype)


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.knows("tensorstore", "read")], ids=lambda case: case.name
)
def test_tensorstore_accepts_every_document_whose_type_it_knows(tmp_path: Path, case: Case) -> None:
    tensorstore = pytest.importorskip("tensorstore", reason="tensorstore is not installed")
    array, _ = case.make(tmp_path / "a")
    driver = "zarr" if case.settings.get("zarr_format") == 2 else "zarr3"
    field = {"field": array.dtype.names[0]} if array.dtype.names else {}
    opened = tensorstore.open(
        {"driver": driver, "kvstore": {"driver": "file", "path": str(tmp_path / "a")}, **field}
    ).result()
    assert opened.shape == array.shape
    fill = opened.fill_value
    if fill is not None and not field and case.settings.get("fill_value", 0) is not None:
        kind = array.dtype.newbyteorder("=")
        assert np.asarray(fill).astype(kind).tobytes() == np.asarray(array.fill_value).astype(kind).tobytes()


MADE_BY_ZARR: dict[str, dict[str, Any]] = {
    **{name: {"dtype": name} for name in ("bool", "int8", "uint16", "float16", "float64", "complex128")},
    **{name: {"dtype": name} for name in ("S5", "U4", "V5", "M8[ns]", "m8[s]", "str")},
    "shards": {"dtype": "i4", "shards": (6, 4)},
    "no compressor": {"dtype": "f4", "compressors": None},
    "order F": {"dtype": "f4", "order": "F"},
    "v2": {"dtype": ">i4", "zarr_format": 2},
    "v2 order F": {"dtype": "f4", "zarr_format": 2, "order": "F"},
    "v2 text": {"dtype": "str", "zarr_format": 2},
    "v2 struct": {"dtype": [("a", "<i2"), ("b", ">f4")], "zarr_format": 2},
    "v2 slashes": {"dtype": "f4", "zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
    "fill value": {"dtype": "f4", "fill_value": float("nan")},
    "attributes": {"dtype": "i4", "attributes": {"a": [1, None, {"b": 2.5}]}, "dimension_names": ["y", "x"]},
}


@pytest.mark.parametrize("name", MADE_BY_ZARR)
@pytest.mark.filterwarnings("ignore")
def test_arrays_that_zarr_python_made_are_ours_to_read_and_write(tmp_path: Path, name: str) -> None:
    zarr = pytest.importorskip("zarr", reason="zarr-python is not installed")
    theirs = zarr.create_array(str(tmp_path / "a"), shape=(7, 5), chunks=(3, 2), **MADE_BY_ZARR[name])
    ours = zarrite.open_array(tmp_path / "a", mode="r+")
    dtype = ours.dtype
    cells = strategies.random_cells(dtype, (7, 5), 1, tame=dtype.kind in "fc")
    theirs[...] = cells
    assert strategies.bits(ours[...], dtype) == strategies.bits(cells, dtype)
    assert dict(ours.attrs) == dict(theirs.attrs)
    cells = strategies.random_cells(dtype, (4, 5), 2, tame=dtype.kind in "fc")
    ours[2:6] = cells
    assert strategies.bits(_as(theirs[2:6], dtype), dtype) == strategies.bits(cells, dtype)
    ours.attrs["new"] = 1
    ours.resize((9, 6))
    again = zarr.open_array(str(tmp_path / "a"), mode="r")
    assert again.shape == (9, 6)
    assert again.attrs["new"] == 1
    assert strategies.bits(_as(again[...], dtype), dtype) == strategies.bits(ours[...], dtype)


@pytest.mark.filterwarnings("ignore")
def test_documents_are_zarr_pythons_but_for_what_it_leaves_open(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="zarr-python is not installed")
    settings = {"shape": (7, 5), "chunks": (3, 2), "dtype": "f4", "fill_value": 1.5, "attributes": {"a": 1}}
    zarr.create_array(str(tmp_path / "theirs"), **settings)
    zarrite.create_array(tmp_path / "ours", **settings)
    theirs, ours = (json.loads((tmp_path / name / "zarr.json").read_text()) for name in ("theirs", "ours"))
    theirs.pop("storage_transformers", None)
    assert ours == theirs


@pytest.mark.filterwarnings("ignore")
def test_hierarchies_are_seen_alike(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="zarr-python is not installed")
    group = zarrite.create_group(tmp_path / "g", attributes={"title": "ours"})
    group.create_group("a/b", attributes={"deep": True})
    group.create_array("a/x", shape=(4,), chunks=(2,), dtype="i4")[...] = 5
    theirs = zarr.open_group(str(tmp_path / "g"), mode="r+")
    assert theirs.attrs["title"] == "ours"
    assert sorted(name for name, _ in theirs.members(max_depth=None)) == ["a", "a/b", "a/x"]
    assert (theirs["a/x"][...] == 5).all()
    theirs.create_group("c").create_array("y", shape=(3,), chunks=(3,), dtype="f8")[...] = 2
    assert sorted(name for name, _ in group.members(max_depth=None)) == ["a", "a/b", "a/x", "c", "c/y"]
    assert (group["c/y"][...] == 2).all()
    zarr.consolidate_metadata(str(tmp_path / "g"))
    consolidated = zarrite.open_group(tmp_path / "g", mode="r")
    assert sorted(name for name, _ in consolidated.members(max_depth=None)) == ["a", "a/b", "a/x", "c", "c/y"]
    zarrite.consolidate_metadata(tmp_path / "g")
    seen = zarr.open_consolidated(str(tmp_path / "g"))
    assert sorted(name for name, _ in seen.members(max_depth=None)) == ["a", "a/b", "a/x", "c", "c/y"]


def test_the_list_of_cases_has_no_two_of_one_name() -> None:
    assert len(CASES) > 100
    assert functools.reduce(lambda known, case: known | case.unknown, CASES.values(), frozenset()) <= {
        "zarr",
        "zarr-new",
        "zarrs",
        "zarrista",
        "tensorstore",
    }
