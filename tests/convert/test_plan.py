"""Shapes of chunks, shards and pieces: never strange, never beyond the memory, each stored object in one piece."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from zarrite.convert.asked import is_chosen, parse_bytes, parse_codecs, parse_shape
from zarrite.convert.plan import make_plan
from zarrite.convert.shapes import suggest_chunks, suggest_shards
from zarrite.convert.source import ConversionError, Source, SourceArray

MIB = 1 << 20


def array(shape: tuple[int, ...], dtype: str = "f4", **facts: Any) -> SourceArray:
    def read(box: Any, out: Any) -> Any:
        raise AssertionError("planning reads nothing")

    kind = np.dtype(dtype)
    return SourceArray(facts.pop("path", "v"), shape, kind, read, cell_bytes=kind.itemsize, **facts)


def planned(one: SourceArray, **options: Any) -> Any:
    return make_plan(Source("test", {"": {}}, [one]), **options).arrays[0]


@pytest.mark.parametrize(
    ("shape", "dtype", "source", "chunks", "shards"),
    [
        ((100_000, 3), "f8", None, (50_000, 3), (100_000, 3)),
        ((365, 721, 1440), "f4", None, (73, 61, 60), (219, 244, 240)),
        ((365, 721, 1440), "f4", (1, 721, 1440), (1, 721, 360), (16, 721, 1440)),
        ((8760, 721, 1440), "f4", (24, 100, 100), (24, 100, 100), (384, 200, 200)),
        ((10**9,), "f4", None, (250_000,), (16_000_000,)),
        ((10**6, 1), "f8", (512, 1), (131_072, 1), (1_048_576, 1)),
        ((5000, 5000), "u1", None, (1000, 1000), (5000, 5000)),
        ((1, 1, 200, 2000, 2000), "u2", (1, 1, 1, 2000, 2000), (1, 1, 1, 667, 667), (1, 1, 8, 2001, 2001)),
        ((124, 11, 21), "i2", (1, 11, 21), (124, 11, 21), None),
        ((), "f8", None, (), None),
        ((0, 5), "f4", None, (1, 5), None),
    ],
)
def test_shapes_chosen_for_real_arrays(shape: Any, dtype: str, source: Any, chunks: Any, shards: Any) -> None:
    cell_bytes = np.dtype(dtype).itemsize
    assert suggest_chunks(shape, cell_bytes, source) == chunks
    assert suggest_shards(shape, chunks, cell_bytes, source) == shards


SHAPES = st.lists(st.one_of(st.integers(0, 30), st.integers(1, 5000), st.just(10**7)), max_size=5).map(tuple)


@given(SHAPES, st.sampled_from([1, 2, 4, 8, 16, 100]), st.data())
def test_chosen_shapes_are_bounded_multiples(shape: tuple[int, ...], cell_bytes: int, data: st.DataObject) -> None:
    own = data.draw(st.none() | st.tuples(*(st.integers(1, max(1, min(length, 3000))) for length in shape)))
    chunks = suggest_chunks(shape, cell_bytes, own)
    assert all(1 <= side <= max(1, length) for side, length in zip(chunks, shape, strict=True))
    whole = math.prod(max(1, length) for length in shape) * cell_bytes
    assert math.prod(chunks) * cell_bytes <= 2 * MIB
    assert math.prod(chunks) * cell_bytes >= min(whole, MIB // 8)
    shards = suggest_shards(shape, chunks, cell_bytes, own)
    if shards is None:
        assert chunks == tuple(max(1, length) for length in shape)
        return
    assert all(shard % chunk == 0 for shard, chunk in zip(shards, chunks, strict=True))
    assert all(shard < max(1, length) + chunk for shard, length, chunk in zip(shards, shape, chunks, strict=True))
    assert math.prod(shards) * cell_bytes <= 100 * MIB
    assert shards != chunks


@given(
    SHAPES.filter(lambda shape: math.prod(shape) < 10**8), st.sampled_from([16 * MIB, 64 * MIB, 512 * MIB]), st.data()
)
def test_pieces_cover_every_cell_once_and_hold_whole_objects(shape: Any, limit: int, data: st.DataObject) -> None:
    own = data.draw(st.none() | st.tuples(*(st.integers(1, max(1, min(length, 100))) for length in shape)))
    plan = planned(array(shape, chunks=own), memory_bytes=limit)
    assert all(side % unit == 0 for side, unit in zip(plan.piece, plan.unit, strict=True))
    assert plan.memory_bytes <= limit
    covered = 0
    for box in itertools.islice(plan.pieces(), 5000):
        covered += math.prod(part.stop - part.start for part in box)
        assert all(part.start % unit == 0 for part, unit in zip(box, plan.unit, strict=True))
    assert covered == math.prod(shape) or plan.object_count > 5000


def test_pieces_read_the_sources_chunks_once_where_memory_allows() -> None:
    one = array((1000, 500, 500), chunks=(1, 500, 500))
    assert planned(one, memory_bytes=512 * MIB).source_reads == 1.0
    deep = planned(one, memory_bytes=512 * MIB, chunks=(1000, 10, 10), shards="none")
    assert deep.source_reads < 10
    assert planned(one, memory_bytes=2048 * MIB, chunks=(1000, 10, 10), shards="none").source_reads <= deep.source_reads


def test_parts_that_were_never_written_are_not_visited() -> None:
    box = (slice(2**40, 2**40 + 10), slice(5, 6))
    plan = planned(array((2**50, 100), chunks=(10, 1), written=lambda: [box]), memory_bytes=64 * MIB)
    (piece,) = plan.pieces()
    assert piece[0].start <= 2**40 < piece[0].stop


def test_shapes_are_taken_as_they_are_asked_for() -> None:
    one = array((365, 721, 1440), dimension_names=("time", "lat", "lon"))
    assert planned(one, chunks=(10, 100, 100), shards="none").chunks == (10, 100, 100)
    assert planned(one, chunks="10,all,100", shards="none").chunks == (10, 721, 100)
    assert planned(one, chunks={"time": 365}, shards="none").chunks[0] == 365
    assert math.prod(planned(one, chunks="time=365", shards="none").chunks) * 4 < 2 * MIB
    assert math.prod(planned(one, chunks="4MiB", shards="none").chunks) * 4 > 3 * MIB
    assert planned(one, chunks=(5, 103, 90), shards=(10, 103, 180)).shards == (10, 103, 180)
    with pytest.raises(ConversionError, match=r"\(12, 104, 180\) would be"):
        planned(one, chunks=(4, 104, 90), shards=(10, 103, 180))
    with pytest.raises(ConversionError, match="no array has as many"):
        planned(one, chunks=(4, 104))
    with pytest.raises(ConversionError, match="there are: lat, lon, time"):
        planned(one, chunks={"level": 3})
    auto = planned(one, shards=(50, 700, 1000))
    assert all(shard % chunk == 0 for shard, chunk in zip(auto.shards, auto.chunks, strict=True))


def test_a_limit_that_is_too_small_names_one_that_works() -> None:
    one = array((1000, 1000, 1000))
    with pytest.raises(ConversionError, match=r"allow 1\.9 GiB") as caught:
        planned(one, shards=(1000, 500, 250), chunks=(100, 50, 50), memory_bytes=64 * MIB)
    assert "smaller shards" in str(caught.value)
    planned(one, shards=(1000, 500, 250), chunks=(100, 50, 50), memory_bytes=parse_bytes("1.9GiB") + 60 * MIB)


@pytest.mark.parametrize("text", ["", "12.5.6MB", "many", "5 parsecs", "-3", "0"])
def test_numbers_of_bytes_that_are_none(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_bytes(text)


@pytest.mark.parametrize("text", ["1,two", "x=y", "0,3", "-5", ","])
def test_shapes_that_are_none(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_shape(text)


@pytest.mark.parametrize("text", ["zip", "zstd:fast", "blosc:nothing", "gzip:99"])
def test_codecs_that_are_none(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_codecs(text)


def test_globs_choose_whole_groups() -> None:
    assert is_chosen("a/b/c", ["a"], [])
    assert is_chosen("a/b/c", ["*/c"], [])
    assert not is_chosen("a/b/c", ["b"], [])
    assert not is_chosen("a/b/c", ["a"], ["a/b"])
