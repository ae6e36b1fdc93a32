"""Grids and keys: where chunks are, what they are called, and the shapes that are picked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from zarrite.errors import MetadataValidationError
from zarrite.model.grids import RegularGrid, auto_chunks, auto_shards, settle_chunks
from zarrite.model.key_parts import keys_from_json, keys_from_user
from zarrite.model.keys import ChunkKeys
from zarrite.model.node import ArrayModel

shapes = st.lists(st.integers(0, 10**7), max_size=5)


def test_a_grid_counts_the_chunks_that_reach_over_the_edge() -> None:
    grid = RegularGrid((10, 10, 10))
    assert grid.shape_over((25, 0, 10)) == (3, 0, 1)
    assert RegularGrid(()).shape_over(()) == ()
    assert RegularGrid((1,)).shape_over((2**63 - 1,)) == (2**63 - 1,)
    for bad in ((0,), (-1,), (1.0,), (True,), ("1",)):
        with pytest.raises(MetadataValidationError, match="chunk_shape"):
            RegularGrid(bad)


@given(shapes, st.sampled_from([1, 2, 4, 8, 16, 1000]), st.sampled_from([1, 1 << 10, 1 << 20, 1 << 26]))
def test_automatic_chunks_are_within_their_bound_and_near_cubic(shape: list[int], width: int, target: int) -> None:
    chunk = auto_chunks(shape, width, target)
    assert len(chunk) == len(shape)
    assert all(1 <= edge <= max(1, extent) for edge, extent in zip(chunk, shape, strict=True))
    assert math.prod(chunk) * width <= max(target, width)
    whole = [edge for edge, extent in zip(chunk, shape, strict=True) if edge < extent]
    if whole:
        # A cut axis is as long as any other, up to dividing it evenly, so short axes stay whole.
        assert max(chunk) <= 2 * min(whole)
        assert math.prod(edge + 1 if edge in whole else edge for edge in chunk) * width * 2 ** len(whole) > target


@given(shapes, st.sampled_from([1, 4, 8]))
def test_automatic_shards_are_whole_chunks_of_about_the_size_asked_for(shape: list[int], width: int) -> None:
    chunk = auto_chunks(shape, width)
    shard = auto_shards(shape, chunk, width)
    assert all(outside % inside == 0 for outside, inside in zip(shard, chunk, strict=True))
    assert math.prod(shard) * width <= max(1 << 26, math.prod(chunk) * width)


@pytest.mark.parametrize(
    ("shape", "width", "chunk"),
    [
        ((100_000, 3), 8, (33334, 3)),
        ((365, 721, 1440), 4, (61, 61, 63)),
        ((10,), 8, (10,)),
        ((), 8, ()),
        ((0, 5), 8, (1, 5)),
        ((10**9,), 1, (1048219,)),
    ],
)
def test_automatic_chunks_of_known_shapes(shape: tuple[int, ...], width: int, chunk: tuple[int, ...]) -> None:
    assert auto_chunks(shape, width) == chunk


@pytest.mark.parametrize(
    ("asked", "settled"),
    [
        (7, (7, 7)),
        (np.int64(7), (7, 7)),
        ((7, 9), (7, 9)),
        ([7, np.int32(9)], (7, 9)),
        (np.array([7, 9]), (7, 9)),
        ((-1, 9), (20, 9)),
        ((False, 9), (20, 9)),
        (-1, (20, 30)),
        (False, (20, 30)),
        ((100, 9), (100, 9)),
    ],
    ids=repr,
)
def test_chunks_may_be_asked_for_in_many_forms(asked: Any, settled: tuple[int, ...]) -> None:
    assert settle_chunks(asked, (20, 30)) == settled


def test_the_shape_of_an_empty_array_serves_as_its_chunks() -> None:
    assert settle_chunks((0, 30), (0, 30)) == (1, 30)


@pytest.mark.parametrize(
    "bad", [True, None, "big", (7,), (7, 8, 9), (7, None), (7, True), (0, 7), (7, -2), 1.5, {}], ids=repr
)
def test_chunks_that_make_no_sense_are_refused(bad: Any) -> None:
    with pytest.raises(MetadataValidationError, match="chunks"):
        settle_chunks(bad, (20, 30))


@pytest.mark.parametrize(
    ("keys", "plain", "none"),
    [
        (ChunkKeys(), "c/1/0/12", "c"),
        (ChunkKeys("default", "."), "c.1.0.12", "c"),
        (ChunkKeys("v2"), "1.0.12", "0"),
        (ChunkKeys("v2", "/"), "1/0/12", "0"),
    ],
)
def test_keys_are_spelled_as_their_encoding_says(keys: ChunkKeys, plain: str, none: str) -> None:
    assert keys.encode((1, 0, 12)) == plain
    assert keys.encode(()) == none
    assert ChunkKeys.from_json(keys.to_json()) == keys
    assert keys_from_user({"name": keys.name, "separator": keys.separator}) == keys
    assert keys_from_user(keys) is keys
    assert keys.decoder(3)(plain) == (1, 0, 12)
    assert keys.decoder(0)(none) == ()
    for other in ("", "c/1/0", "c/01/0/12", plain + "0/1", "zarr.json", none):
        assert keys.decoder(3)(other) is None


def test_keys_that_are_not_known_are_refused() -> None:
    for bad in ("wheel", {"name": "default", "configuration": {"separator": "-"}}, {"name": "v2", "x": 1}, 3, {}):
        with pytest.raises(MetadataValidationError, match="chunk key encoding"):
            keys_from_json(bad)


@pytest.mark.parametrize("shape", [(1000, 1000, 1000), (5, 10**6), (0, 7), ()])
def test_arrays_with_automatic_shards_hold_together(shape: tuple[int, ...]) -> None:
    model = ArrayModel.create(shape=shape, dtype="f4", shards="auto")
    assert model.shards is not None
    assert all(outside % inside == 0 for outside, inside in zip(model.shards, model.chunks, strict=True))
    fixed = ArrayModel.create(shape=(1000, 999), dtype="f8", shards=(1000, 999))
    assert all(outside % inside == 0 for outside, inside in zip((1000, 999), fixed.chunks, strict=True))
