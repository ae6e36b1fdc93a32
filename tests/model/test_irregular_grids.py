"""Grids whose chunks differ in shape: what documents may say, what stays as it was spelled, what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import _engine, formats
from zarrite.errors import IrregularGridError, MetadataValidationError
from zarrite.model.edges import Edges, edges_from_json
from zarrite.model.node import ArrayModel


def document(grid: dict[str, Any], shape: tuple[int, ...], **members: Any) -> dict[str, Any]:
    """An array of plain numbers on a grid."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": "int32",
        "chunk_grid": grid,
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "attributes": {},
        **members,
    }


def model_of(grid: dict[str, Any], shape: tuple[int, ...], **members: Any) -> ArrayModel:
    """The array it describes."""
    text = json.dumps(document(grid, shape, **members)).encode()
    model = formats.parse("a", dict.fromkeys(formats.first_keys("a", 3), text))
    assert isinstance(model, ArrayModel)
    return model


def rectilinear(*chunk_shapes: Any, **more: Any) -> dict[str, Any]:
    """The extension object."""
    return {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": list(chunk_shapes), **more}}


def opened(grid: dict[str, Any], shape: tuple[int, ...], **members: Any) -> zarrite.Array:
    """The array on a store in memory."""
    store = _engine.memory_store()
    (key,) = formats.first_keys("", 3)
    store.put(key, json.dumps(document(grid, shape, **members)).encode()).result()
    return zarrite.open_array(store, mode="r+")


@pytest.mark.parametrize(
    ("spelled", "extent", "lengths"),
    [
        (4, 6, (4, 2)),
        ([4, 2], 6, (4, 2)),
        ([[4, 2]], 6, (4, 2)),
        ([[4, 2]], 8, (4, 4)),
        ([[1, 3], 3], 6, (1, 1, 1, 3)),
        ([4, 4, 4], 6, (4, 2)),
        ([4, 4, 4], 9, (4, 4, 1)),
        (3, 10, (3, 3, 3, 1)),
        ([], 0, ()),
        ([3], 0, ()),
        (3, 0, ()),
    ],
)
def test_an_axis_is_an_integer_or_lengths_and_pairs(spelled: Any, extent: int, lengths: tuple[int, ...]) -> None:
    model = model_of(rectilinear(spelled), (extent,))
    assert model.grid.axes[0].lengths(extent) == lengths
    assert model.chunk_grid_shape == (len(lengths),)
    assert model.to_dict()["chunk_grid"] == rectilinear(spelled)
    starts = np.cumsum((0, *lengths))
    for cell in range(extent):
        at = model.grid.axes[0].at(cell)
        assert starts[at] <= cell < starts[at + 1]
        assert model.grid.axes[0].start(at) == starts[at]


@pytest.mark.parametrize(
    "grid",
    [
        rectilinear([3, 3]),
        rectilinear([[3, 3, 1], 4]),
        rectilinear([0, 10]),
        rectilinear([-1, 11]),
        rectilinear([[5, 0], 10]),
        rectilinear([[5]]),
        rectilinear([[[5, 2], 1]]),
        rectilinear([5.5, 5]),
        rectilinear("10"),
        rectilinear(0),
        rectilinear(None),
        rectilinear(5, 5),
        rectilinear(),
        rectilinear([[10**30, 1]]),
        rectilinear([[2**62, 2**62]]),
        rectilinear(5, encoded_chunk_shapes=[4]),
        rectilinear([5, 5], encoded_chunk_shapes=[[5, 5, 5]]),
        rectilinear([5, 5], encoded_chunk_shapes=[[4, 5]]),
        rectilinear([5, 5], encoded_chunk_shapes=[]),
        rectilinear([5, 5], encoded_chunk_shapes=3),
        {"name": "rectilinear"},
        {"name": "rectilinear", "configuration": {"chunk_shapes": [10]}},
        {"name": "rectilinear", "configuration": {"kind": "reference", "chunk_shapes": [10]}},
        {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [10], "other": 1}},
        {"name": "rectangular", "configuration": {"chunk_shape": [[[5, 2]]]}},
        {"name": "rectangular", "configuration": {"chunk_shape": [[5, 4]]}},
        {"name": "zarrs.regular_bounded", "configuration": {"chunk_shape": [0]}},
        {"name": "zarrs.regular_bounded"},
    ],
    ids=repr,
)
def test_grids_that_make_no_sense_are_refused(grid: dict[str, Any]) -> None:
    if grid == rectilinear([[2**62, 2**62]]):
        with pytest.raises(MetadataValidationError, match="2\\^63 bytes"):
            model_of(grid, (10,))
    else:
        with pytest.raises(MetadataValidationError, match="chunk"):
            model_of(grid, (10,))


def test_a_grid_of_a_billion_chunks_costs_what_its_description_costs() -> None:
    array = opened(rectilinear([[4, 10**9], 7, [1, 10**9]], 10**9), (5 * 10**9, 10**18))
    assert array.cdata_shape == (10**9 + 1 + 999_999_993, 10**9)
    assert array.metadata.grid.axes[0].at(4 * 10**9 + 7) == 10**9 + 1
    array = opened(rectilinear([[4, 10**9], 7, [1, 10**9]], 3), (5 * 10**9, 10))
    array[4 * 10**9 - 1 : 4 * 10**9 + 9, 2:4] = 5
    assert array[4 * 10**9 - 2 : 4 * 10**9 + 10, 3].tolist() == [0, *[5] * 10, 0]
    assert array.nchunks_initialized == 2 * 4
    assert array[:: 10**9, 0].tolist() == [0] * 5
    assert array.blocks[10**9, 0].shape == (7, 3)


def test_chunks_that_count_more_than_64_bits_are_right_or_refused() -> None:
    array = opened(rectilinear(*[[[1, 2**62]]] * 3), (2**62,) * 3)
    assert array.nchunks == 2**186
    array[2**61, 5, 2**62 - 1] = 9
    assert array[2**61, 4:7, -1].tolist() == [0, 9, 0]
    with pytest.raises(zarrite.errors.ZarriteError, match=r"2\*\*64 objects"):
        array.vindex[[0], [0], [0]]


@pytest.mark.parametrize("ndim", [0, 1, 33, 64])
def test_arrays_of_any_rank_have_irregular_chunks(ndim: int) -> None:
    shape = tuple(3 if axis % 16 == 0 else 1 for axis in range(ndim))
    array = opened(rectilinear(*([1, 2] if extent == 3 else [1] for extent in shape)), shape)
    array[...] = 4
    assert (array[...] == 4).all()
    assert array.nchunks == 2 ** sum(extent == 3 for extent in shape)


def test_edge_chunks_are_stored_at_their_full_length() -> None:
    array = opened(rectilinear([3, 5]), (4,))
    array[...] = [1, 2, 3, 4]
    assert len(array.store.get("c/0").result() or b"") == 12
    assert np.frombuffer(array.store.get("c/1").result() or b"", "<i4").tolist() == [4, 0, 0, 0, 0]


def test_the_last_chunks_of_a_bounded_grid_are_stored_as_long_as_they_are() -> None:
    grid = {"name": "zarrs.regular_bounded", "configuration": {"chunk_shape": [3, 4]}}
    array = opened(grid, (7, 6))
    cells = np.arange(42, dtype="i4").reshape(7, 6)
    array[...] = cells
    assert {len(array.store.get(f"c/{i}/{j}").result() or b"") for i in range(2) for j in range(1)} == {48}
    assert np.frombuffer(array.store.get("c/2/1").result() or b"", "<i4").tolist() == [40, 41]
    assert np.frombuffer(array.store.get("c/1/1").result() or b"", "<i4").tolist() == cells[3:6, 4:].ravel().tolist()
    np.testing.assert_array_equal(array[::-1, 1::2], cells[::-1, 1::2])
    assert array.chunks == (3, 4)
    assert array.metadata.to_dict()["chunk_grid"]["name"] == "zarrs.regular_bounded"
    with pytest.raises(MetadataValidationError, match="cannot be resized"):
        array.resize((8, 6))


def test_zep_3_grids_are_read_and_stay_as_they_were_spelled() -> None:
    grid = {"name": "rectangular", "configuration": {"chunk_shape": [[5, 3, 5], 10]}}
    array = opened(grid, (13, 25))
    cells = np.arange(13 * 25, dtype="i4").reshape(13, 25)
    array[...] = cells
    np.testing.assert_array_equal(array[4:9], cells[4:9])
    assert array.write_chunk_sizes == ((5, 3, 5), (10, 10, 5))
    assert json.loads(json.dumps(array.metadata.to_dict()["chunk_grid"])) == grid
    array.resize((15, 25))
    assert array.metadata.to_dict()["chunk_grid"]["configuration"] == {"chunk_shape": [[5, 3, 5, 2], 10]}


def test_chunks_may_store_more_than_they_cover() -> None:
    grid = rectilinear([3, 2, 4], 2, encoded_chunk_shapes=[[4, [4, 2]], 3])
    array = opened(grid, (9, 4))
    cells = np.arange(36, dtype="i4").reshape(9, 4)
    store = array.store
    for i, (start, stop) in enumerate(((0, 3), (3, 5), (5, 9))):
        for j in range(2):
            stored = np.full((4, 3), -1, "<i4")
            stored[: stop - start, :2] = cells[start:stop, 2 * j : 2 * j + 2]
            store.put(f"c/{i}/{j}", stored.tobytes()).result()
    np.testing.assert_array_equal(array[...], cells)
    np.testing.assert_array_equal(array.vindex[[0, 3, 8], [3, 1, 2]], cells[[0, 3, 8], [3, 1, 2]])
    array[2:6, 1:3] = 7
    cells[2:6, 1:3] = 7
    np.testing.assert_array_equal(array[...], cells)
    assert array.read_chunk_sizes == ((3, 2, 4), (2, 2))
    assert array.metadata.to_dict()["chunk_grid"] == grid
    array.resize((11, 4))
    assert array.metadata.to_dict()["chunk_grid"] == rectilinear(
        [3, 2, 4, 2], 2, encoded_chunk_shapes=[[4, [4, 2], 2], 3]
    )
    np.testing.assert_array_equal(array[:9], cells)


def test_drafts_are_written_only_where_a_program_asks_for_them() -> None:
    settings: dict[str, Any] = {"shape": (10,), "dtype": "i4"}
    clipped = {"chunks": (4,), "shards": (10,)}
    with pytest.raises(MetadataValidationError, match=r"experimental\.drafts"):
        zarrite.create_array(None, **settings, **clipped)
    with pytest.raises(MetadataValidationError, match="multiple of the chunk's"):
        zarrite.create_array(None, **settings, chunks=(2,), shards=[[4, 6, 3]])
    with zarrite.config.set({"experimental.drafts": True}):
        array = zarrite.create_array(None, **settings, **clipped)
    array[...] = np.arange(10)
    assert array.read_chunk_sizes == ((4, 4, 2),)
    assert zarrite.open_array(array.store)[5:].tolist() == [5, 6, 7, 8, 9]


def test_one_shape_is_not_told_where_there_are_several() -> None:
    array = zarrite.create_array(None, shape=(5, 4), chunks=[[2, 3], 4], dtype="i4")
    for name in ("chunks", "write_chunks"):
        with pytest.raises(IrregularGridError, match="read_chunk_sizes"):
            getattr(array, name)
    with pytest.raises(NotImplementedError):
        _ = array.chunks
    assert array.shards is None
    assert "<variable>" in str(array.info)
    sharded = zarrite.create_array(None, shape=(5, 4), chunks=(1, 2), shards=[[2, 3], 4], dtype="i4")
    assert sharded.chunks == (1, 2)
    with pytest.raises(IrregularGridError):
        _ = sharded.shards
    assert sharded.read_chunk_sizes == ((1,) * 5, (2, 2))


def test_a_shard_that_is_added_holds_whole_chunks() -> None:
    array = zarrite.create_array(None, shape=(5,), chunks=(2,), shards=[[2, 4]], dtype="i4")
    array.append(np.ones(4, "i4"))
    assert array.metadata.to_dict()["chunk_grid"] == rectilinear([2, [4, 2]])
    assert array[...].tolist() == [0] * 5 + [1] * 4


def test_lengths_are_listed_in_many_forms() -> None:
    def grid(chunks: Any) -> Any:
        return zarrite.create_array(None, shape=(10, 4), chunks=chunks, dtype="i4").metadata.to_dict()["chunk_grid"]

    wanted = rectilinear([[3, 2], 4], 2)
    for chunks in ([[3, 3, 4], 2], ((3, 3, 4), 2), [np.array([3, 3, 4]), np.int64(2)], [[[3, 2], 4], 2]):
        assert grid(chunks) == wanted
    assert grid([[3, 3, 4], -1]) == rectilinear([[3, 2], 4], 4)
    for bad in ([[3, 3], 2], [[3, 3, 4]], [[3, 3, 4], 2, 2], [[0, 10], 2], [[10], None], [["10"], 2]):
        with pytest.raises(MetadataValidationError, match="chunk"):
            grid(bad)
    with pytest.raises(MetadataValidationError, match="format 2"):
        zarrite.create_array(None, shape=(10,), chunks=[[3, 7]], dtype="i4", zarr_format=2)
    with pytest.raises(MetadataValidationError, match="one shape"):
        zarrite.create_array(None, shape=(10,), chunks=[[3, 7]], shards=(10,), dtype="i4")


def test_arrays_like_an_irregular_one_have_its_chunks() -> None:
    array = zarrite.create_array(None, shape=(5, 4), chunks=[[2, 3], 4], dtype="i4")
    array[...] = np.arange(20).reshape(5, 4)
    for other in (zarrite.zeros_like(array), zarrite.from_array(None, data=array)):
        assert other.write_chunk_sizes == array.write_chunk_sizes
    np.testing.assert_array_equal(zarrite.from_array(None, data=array)[...], array[...])
    assert zarrite.zeros_like(array, shape=(7, 7)).metadata.grid.is_regular
    assert zarrite.from_array(None, data=array, zarr_format=2).metadata.grid.is_regular
    assert [row.tolist() for row in array] == array[...].tolist()


def test_runs_are_looked_up_and_not_written_out() -> None:
    edges = edges_from_json([[3, 10**12], 5, [2, 10**12]], None, 5 * 10**12, "an axis")
    assert edges.at(3 * 10**12 + 4) == 10**12
    assert edges.start(10**12 + 1) == 3 * 10**12 + 5
    assert edges.lowered(3 * 10**12 + 1) == [(3, 10**12, 3), (5, 1, 5)]
    assert edges.lowered(9) == 3
    assert Edges(()).count(0) == 0


def test_a_clipped_chunk_is_stored_at_the_shape_it_has() -> None:
    plain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    codec = {
        "name": "sharding_indexed",
        "configuration": {"chunk_shape": [3, 2], "codecs": plain, "index_codecs": plain},
    }
    array = opened({"name": "regular", "configuration": {"chunk_shape": [5, 3]}}, (7, 3), codecs=[codec])
    cells = np.arange(1, 22, dtype="<i4").reshape(7, 3)
    array[...] = cells
    stored = array.store.get("c/0/0").result() or b""
    index = np.frombuffer(stored[-64:], "<u8").reshape(2, 2, 2)
    assert index[..., 1].tolist() == [[24, 12], [16, 8]]
    for row, column in np.ndindex(2, 2):
        start, size = index[row, column].tolist()
        wanted = cells[:5, :][3 * row : 3 * row + 3, 2 * column : 2 * column + 2]
        assert np.frombuffer(stored[start : start + size], "<i4").tolist() == wanted.ravel().tolist()
    # The second shard holds two rows of the array; what lies beyond is stored as the fill value.
    stored = array.store.get("c/1/0").result() or b""
    index = np.frombuffer(stored[-64:], "<u8").reshape(2, 2, 2)
    assert index[0, :, 1].tolist() == [24, 12]
    assert (index[1] == 2**64 - 1).all()
    assert array.nchunks == 6
    np.testing.assert_array_equal(zarrite.open_array(array.store)[::2], cells[::2])


@pytest.mark.parametrize("form", ["pairs", "base64"])
def test_an_index_may_stand_in_the_document(form: str) -> None:
    plain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    # Two chunks behind a header of 8 bytes, stored backwards, and one that is not there.
    pairs = [[20, 12], [8, 12], [2**64 - 1, 2**64 - 1]]
    given: Any = pairs if form == "pairs" else base64.b64encode(np.array(pairs, "<u8").tobytes()).decode()
    configuration = {
        "chunk_shape": [3],
        "codecs": plain,
        "index_codecs": [] if form == "pairs" else plain,
        "index_location": "configuration",
        "predefined_index": given,
    }
    codec = {"name": "sharding_indexed", "configuration": configuration}
    grid = {"name": "regular", "configuration": {"chunk_shape": [9]}}
    array = opened(grid, (18,), codecs=[codec])
    array.store.put("c/0", b"a header" + np.array([4, 5, 6, 1, 2, 3], "<i4").tobytes()).result()
    assert array[...].tolist() == [1, 2, 3, 4, 5, 6] + [0] * 12
    assert array[4] == 5
    assert array.metadata.to_dict()["codecs"] == [codec]
    with pytest.raises(zarrite.errors.ChunkEncodeError, match="not written"):
        array[9:] = 1
    with pytest.raises(zarrite.errors.ChunkEncodeError, match="not written"):
        array[...] = 0
    assert array[...].tolist() == [1, 2, 3, 4, 5, 6] + [0] * 12
    for bad in ({"predefined_index": pairs[:2]}, {"predefined_index": "#"}, {"index_location": "end"}):
        wrong = {"name": "sharding_indexed", "configuration": {**configuration, **bad}}
        with pytest.raises(MetadataValidationError, match="index"):
            model_of(grid, (18,), codecs=[wrong])
    array.store.put("c/0", b"short").result()
    with pytest.raises(zarrite.errors.ChunkDecodeError):
        _ = array[...]
