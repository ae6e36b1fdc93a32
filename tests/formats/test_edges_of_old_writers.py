"""Lengths of chunks that releases of zarr-python wrote and the specification does not have."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.errors import MetadataValidationError, ZarrUserWarning

BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def sharded(inner: list[Any]) -> dict[str, Any]:
    indexed = [BYTES, {"name": "crc32c"}]
    configuration = {"chunk_shape": inner, "codecs": [BYTES], "index_codecs": indexed, "index_location": "end"}
    return {"name": "sharding_indexed", "configuration": configuration}


def stored(
    shape: list[int], edges: list[Any], inner: list[Any] | None = None, zarr_format: int = 3
) -> dict[str, bytes]:
    if zarr_format == 2:
        plain = {"dtype": "<i2", "fill_value": 7, "order": "C", "filters": None, "compressor": None}
        return {".zarray": json.dumps({"zarr_format": 2, "shape": shape, "chunks": edges, **plain}).encode()}
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": "int16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": edges}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 7,
        "codecs": [BYTES if inner is None else sharded(inner)],
    }
    return {"zarr.json": json.dumps(document).encode()}


@pytest.mark.parametrize(
    ("store", "chunks"),
    [
        (stored([0, 4], [0, 4]), (1, 4)),
        (stored([0, 4], [0, 4], zarr_format=2), (1, 4)),
        (stored([0], [False]), (1,)),
        (stored([5, 4], [True, 4]), (1, 4)),
        (stored([5], [True], zarr_format=2), (1,)),
        (stored([0], [0], [4]), (4,)),
        (stored([8], [8], [True]), (1,)),
        (stored([8], [8], [2.0]), (2,)),
    ],
)
def test_edges_that_can_mean_one_thing_are_read_without_a_word(
    store: dict[str, bytes], chunks: tuple[int, ...]
) -> None:
    array = zarrite.open_array(store)
    assert array.chunks == chunks
    array.resize((8, 4)[: array.ndim])
    array[...] = 5
    assert (zarrite.open_array(store, mode="r")[...] == 5).all()


@pytest.mark.parametrize(
    "store", [stored([3], [0]), stored([3], [0], zarr_format=2), stored([3], [0], [2]), stored([3], [False])]
)
def test_axes_that_grew_over_chunks_of_no_size_hold_the_fill_value_and_it_is_told(store: dict[str, bytes]) -> None:
    with pytest.warns(ZarrUserWarning, match="a chunk edge of 0; no chunk can be stored under it"):
        array = zarrite.open_array(store)
    assert array[...].tolist() == [7, 7, 7]
    array[1:] = 5
    array.update_attributes({})  # which writes the document by the letter
    assert zarrite.open_array(store, mode="r")[...].tolist() == [7, 5, 5]


@pytest.mark.parametrize("edges", [[2, [5, 10, 5]], [True, [5, 10, 5]], [2, [5.0, 10.0, 5.0]], [2, [20]]])
def test_lists_of_edges_in_a_regular_grid_are_a_rectilinear_one(edges: list[Any]) -> None:
    array = zarrite.open_array(stored([6, 20], edges))
    lengths = [int(edge) for edge in edges[1]]
    assert array.write_chunk_sizes == ((int(edges[0]),) * (6 // int(edges[0])), tuple(lengths))
    cells = np.arange(120, dtype="i2").reshape(6, 20)
    array[...] = cells
    np.testing.assert_array_equal(array[...], cells)


@pytest.mark.parametrize("edges", [[[1, 5], [5, 10, 5]], [2, [[5, 4]]], [2, [5, 5.5]], [2, [0, 20]], [2, [5, 10]]])
def test_lists_that_could_mean_two_things_or_do_not_fit_are_refused(edges: list[Any]) -> None:
    with pytest.raises(MetadataValidationError, match=r"chunk_grid|chunk_shape"):
        zarrite.open_array(stored([6, 20], edges))


@pytest.mark.parametrize("edges", [[[3.0, 1]], [[[2.0, 2]]], [[True, 3]], [2.0]])
def test_rectilinear_edges_may_be_whole_floats_and_true(edges: list[Any]) -> None:
    store = stored([4], [4])
    document = json.loads(store["zarr.json"])
    document["chunk_grid"] = {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": edges}}
    store["zarr.json"] = json.dumps(document).encode()
    array = zarrite.open_array(store)
    array[...] = np.arange(4)
    assert array[...].tolist() == [0, 1, 2, 3]


def test_the_grid_of_an_array_is_a_setting_for_another() -> None:
    for chunks in ([[3, 3, 4], 5], [[3, 3, 4], [5]], (4, 4)):
        array = zarrite.create_array({}, shape=(10, 5), dtype="i2", chunks=chunks)
        other = zarrite.create_array({}, shape=(10, 5), dtype="i2", chunks=array.metadata.chunk_grid)
        assert other.metadata.chunk_grid == array.metadata.chunk_grid
        assert other.write_chunk_sizes == array.write_chunk_sizes


def test_grids_are_alike_however_their_edges_are_spelled() -> None:
    grids = []
    for edges in ([[3, 2], 4], [3, 3, 4], [[3, 1], [3, 1], 4]):
        store = stored([10], [10])
        document = json.loads(store["zarr.json"])
        document["chunk_grid"] = {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [edges]}}
        store["zarr.json"] = json.dumps(document).encode()
        array = zarrite.open_array(store)
        grids.append(array.metadata.chunk_grid)
        array.update_attributes({"a": 1})
        kept = json.loads(store["zarr.json"])["chunk_grid"]["configuration"]["chunk_shapes"]
        assert kept == [edges]
    assert grids[0] == grids[1] == grids[2]
    assert len(set(grids)) == 1
    assert grids[0].chunk_shapes == ((3, 3, 4),)
