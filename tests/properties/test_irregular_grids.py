"""Random arrays on irregular grids against NumPy: every kind of selection, through shards and codecs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, strategies as st

import reference
import selecting
import zarrite
from properties.profile import share
from zarrite import codecs

CHAINS: tuple[dict[str, Any], ...] = (
    {"compressors": None},
    {},
    {"compressors": [codecs.GzipCodec(1), codecs.Crc32cCodec()]},
    {"compressors": codecs.BloscCodec(cname="lz4", shuffle="shuffle")},
    {"serializer": codecs.BytesCodec("big")},
)


@st.composite
def lengths(draw: st.DrawFn, extent: int, unit: int = 1) -> Any:
    """The chunks of an axis: an integer, or lengths and pairs of length and count, that may reach beyond its end."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.integers(1, 5)) * unit
    listed: list[Any] = []
    reach = 0
    while reach < extent or draw(st.integers(0, 3)) == 0:
        edge, count = draw(st.integers(1, 5)) * unit, draw(st.integers(1, 3))
        listed.append([edge, count] if count > 1 else edge)
        reach += edge * count
    return listed


@st.composite
def arrays(draw: st.DrawFn, axes: int = 3, least: int = 0) -> tuple[zarrite.Array, np.ndarray[Any, Any]]:
    """An array with random cells, and these."""
    shape = draw(selecting.shapes(least, axes))
    settings: dict[str, Any] = dict(draw(st.sampled_from(CHAINS)))
    if draw(st.booleans()):
        settings["filters"] = [codecs.TransposeCodec(draw(st.permutations(range(len(shape)))))]
    units = tuple(draw(st.integers(1, 3)) for _ in shape)
    if draw(st.booleans()):
        listed = [draw(lengths(extent, unit)) for extent, unit in zip(shape, units, strict=True)]
        settings |= {"chunks": units, "shards": listed}
    else:
        settings["chunks"] = [draw(lengths(extent)) for extent in shape]
    dtype = draw(st.sampled_from(("u1", "<i4", "<f8", "string")))
    if dtype == "string":
        settings.pop("serializer", None)
    array = zarrite.create_array(None, shape=shape, dtype=dtype, **settings)
    numbers = np.arange(1, array.size + 1).reshape(shape)
    cells = numbers.astype(array.dtype)
    if draw(st.booleans()):
        array[...] = cells
    else:
        cells = np.full(shape, array.fill_value, array.dtype)
    return array, cells


@share(0.2)
@given(st.data())
def test_brackets_read_and_write_what_numpy_does(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    for _ in range(3):
        key = data.draw(selecting.basic_keys(array.shape))
        chosen = np.asarray(cells[key])
        new = np.arange(chosen.size)[::-1].reshape(chosen.shape).astype(cells.dtype)
        array[key] = new
        cells[key] = new
        np.testing.assert_array_equal(array[key], cells[key])
        np.testing.assert_array_equal(array[...], cells)


@share(0.1)
@given(st.data())
def test_orthogonal_keys_read_and_write_what_numpy_does(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    key = data.draw(selecting.orthogonal_keys(array.shape))
    np.testing.assert_array_equal(array.oindex[key], reference.orthogonal(cells, key))
    array.oindex[key] = np.array(7).astype(cells.dtype)
    # Every cell that is chosen is found again, whatever was chosen twice.
    chosen = reference.orthogonal(np.arange(cells.size).reshape(cells.shape), key)
    cells.reshape(-1)[np.asarray(chosen).reshape(-1)] = np.array(7).astype(cells.dtype)
    np.testing.assert_array_equal(array[...], cells)


@share(0.1)
@given(st.data())
def test_points_and_masks_read_and_write_what_numpy_does(data: st.DataObject) -> None:
    array, cells = data.draw(arrays(least=1).filter(lambda made: made[0].ndim > 0))
    key = data.draw(selecting.coordinate_keys(array.shape))
    np.testing.assert_array_equal(array.vindex[key], cells[key])
    mask = data.draw(selecting.masks(array.shape))
    np.testing.assert_array_equal(array[mask], cells[mask])
    array.vindex[key] = np.array(5).astype(cells.dtype)
    cells[key] = np.array(5).astype(cells.dtype)
    array[mask] = np.array(6).astype(cells.dtype)
    cells[mask] = np.array(6).astype(cells.dtype)
    np.testing.assert_array_equal(array[...], cells)


@share(0.05)
@given(st.data())
def test_blocks_are_the_stored_objects(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    places = [np.cumsum((0, *sizes)) for sizes in array.write_chunk_sizes]
    key = tuple(
        data.draw(st.integers(0, len(ends) - 2)) if len(ends) > 1 and data.draw(st.booleans()) else slice(None)
        for ends in places
    )
    wanted = tuple(
        slice(ends[one], ends[one + 1]) if isinstance(one, int) else one for one, ends in zip(key, places, strict=True)
    )
    np.testing.assert_array_equal(array.blocks[key], cells[wanted])


@share(0.1)
@given(st.data())
def test_an_array_may_grow_and_shrink_and_its_cells_stay(data: st.DataObject) -> None:
    array, cells = data.draw(arrays())
    fill = array.fill_value
    for _ in range(3):
        shape = tuple(data.draw(st.integers(0, 12)) for _ in array.shape)
        array.resize(shape)
        kept = tuple(slice(0, min(old, new)) for old, new in zip(cells.shape, shape, strict=True))
        grown = np.full(shape, fill, cells.dtype)
        grown[kept] = cells[kept]
        cells = grown
        assert [sum(sizes) for sizes in array.write_chunk_sizes] == list(shape)
        assert [sum(sizes) for sizes in array.read_chunk_sizes] == list(shape)
        assert array.cdata_shape == tuple(len(sizes) for sizes in array.read_chunk_sizes)
        again = zarrite.open_array(array.store, mode="r")
        assert again.metadata == array.metadata
        np.testing.assert_array_equal(again[...], cells)


@share(0.1)
@given(st.data())
def test_chunks_that_are_clipped_at_the_end_of_a_shard_keep_their_cells(data: st.DataObject) -> None:
    shape = data.draw(selecting.shapes())
    chunks = tuple(data.draw(st.integers(1, 5)) for _ in shape)
    shards = tuple(data.draw(st.integers(1, 9)) for _ in shape)
    inner = data.draw(st.booleans())
    after = data.draw(st.sampled_from([None, codecs.GzipCodec(1)]))
    one = codecs.ShardingCodec(chunks, [codecs.BytesCodec(), codecs.ZstdCodec()])
    if inner:
        one = codecs.ShardingCodec(tuple(edge + 1 for edge in chunks), [one])
    with zarrite.config.set({"experimental.drafts": True}):
        array = zarrite.create_array(None, shape=shape, dtype="i4", chunks=shards, serializer=one, compressors=after)
    cells = np.zeros(shape, "i4")
    for number in range(3):
        key = data.draw(selecting.basic_keys(shape))
        array[key] = number + 1
        cells[key] = number + 1
        np.testing.assert_array_equal(array[...], cells)
        np.testing.assert_array_equal(array[key], cells[key])
