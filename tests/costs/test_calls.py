"""What Python does for a read or a write does not grow with the chunks it touches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest

import zarrite
from costs.counting import python_calls

LENGTH = 1000


def one_and_many(**settings: object) -> tuple[zarrite.Array, zarrite.Array]:
    """Two arrays of the same cells: in one chunk, and in a thousand."""
    made = []
    for edge in (LENGTH, 1):
        array = zarrite.create_array(None, shape=(LENGTH, 4), chunks=(edge, 4), dtype="i4", **settings)
        array[...] = np.arange(LENGTH * 4).reshape(LENGTH, 4)
        made.append(array)
    return made[0], made[1]


READS: dict[str, Callable[[zarrite.Array], object]] = {
    "all": lambda array: array[...],
    "brackets": lambda array: array[1:-1, ::2],
    "backwards": lambda array: array[::-1],
    "oindex": lambda array: array.oindex[np.arange(0, LENGTH, 3), [0, 2]],
    "vindex": lambda array: array.vindex[np.arange(LENGTH), np.zeros(LENGTH, "i8")],
    "mask": lambda array: array[np.ones((LENGTH, 4), bool)],
    "read into": lambda array: array.read(..., out=np.empty((LENGTH, 4), "i4")),
}
WRITES: dict[str, Callable[[zarrite.Array], object]] = {
    "all": lambda array: array.write(..., np.ones((LENGTH, 4), "i4")),
    "one value": lambda array: array.write(slice(1, -1), 3),
    "oindex": lambda array: array.set_orthogonal_selection((np.arange(0, LENGTH, 3), slice(None)), 5),
    "vindex": lambda array: array.set_coordinate_selection((np.arange(LENGTH), np.zeros(LENGTH, "i8")), 7),
}


@pytest.mark.parametrize("work", [*READS.values(), *WRITES.values()], ids=[*READS, *(f"write {one}" for one in WRITES)])
@pytest.mark.parametrize("shards", [None, (LENGTH, 4)], ids=["chunks", "shards"])
def test_python_calls_are_the_same_for_one_chunk_and_a_thousand(
    work: Callable[[zarrite.Array], object], shards: tuple[int, int] | None
) -> None:
    one, many = one_and_many(shards=shards)
    for array in (one, many):
        work(array)  # whatever is made once is made
    assert python_calls(lambda: work(one)) == python_calls(lambda: work(many))


def test_python_calls_of_a_plain_read_are_a_handful() -> None:
    one, _ = one_and_many()
    assert one[0, 0] == 0
    assert python_calls(lambda: one[3:5]) <= 8
    assert python_calls(lambda: one[3, 3]) <= 8


def test_awaiting_a_read_costs_the_same_for_one_chunk_and_a_thousand() -> None:
    one, many = one_and_many()

    async def reads(array: zarrite.Array) -> int:
        await array.read.aio(...)
        # The event loop's own turns vary; what is counted are calls of functions of this library.
        return len([await array.read.aio(slice(0, LENGTH)) for _ in range(3)])

    def calls(array: zarrite.Array) -> int:
        found = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal found
            found += event == "call" and "zarrite" in frame.f_code.co_filename  # type: ignore[attr-defined]

        import sys

        loop = asyncio.new_event_loop()
        sys.setprofile(count)
        try:
            loop.run_until_complete(reads(array))
        finally:
            sys.setprofile(None)
            loop.close()
        return found

    calls(one), calls(many)
    assert calls(one) == calls(many)


def test_iterating_rows_decodes_a_chunk_once() -> None:
    decoded = 0

    class Counting:
        name = "tests.counting"

        def encode(self, data: bytes) -> bytes:
            return data

        def decode(self, data: bytes) -> bytes:
            nonlocal decoded
            decoded += 1
            return data

    array = zarrite.create_array(None, shape=(100, 3), chunks=(50, 3), dtype="i4", compressors=[Counting()])
    array[...] = np.arange(300).reshape(100, 3)
    rows = list(array)
    assert len(rows) == 100
    np.testing.assert_array_equal(rows[77], [231, 232, 233])
    assert decoded == 2


def test_points_of_one_chunk_decode_it_once() -> None:
    decoded = 0

    class Counting:
        name = "tests.counting"

        def encode(self, data: bytes) -> bytes:
            return data

        def decode(self, data: bytes) -> bytes:
            nonlocal decoded
            decoded += 1
            return data

    array = zarrite.create_array(None, shape=(100,), chunks=(10,), dtype="i4", compressors=[Counting()])
    array[...] = np.arange(100)
    points = np.random.default_rng(0).integers(0, 100, 1000)
    np.testing.assert_array_equal(array.vindex[points], points)
    assert decoded == 10
    decoded = 0
    np.testing.assert_array_equal(array[points], points)
    assert decoded == 10


def test_one_chunk_of_a_shard_is_written_without_decoding_the_others() -> None:
    touched: list[str] = []

    class Watching:
        name = "tests.watching"

        def encode(self, data: bytes) -> bytes:
            touched.append("encode")
            return data

        def decode(self, data: bytes) -> bytes:
            touched.append("decode")
            return data

    array = zarrite.create_array(None, shape=(64,), chunks=(4,), shards=(64,), dtype="i4", compressors=[Watching()])
    array[...] = np.arange(64)
    touched.clear()
    array[8:12] = 1
    assert touched == ["encode"]
    touched.clear()
    array[13] = 1
    assert sorted(touched) == ["decode", "encode"]


def test_a_huge_stride_takes_no_time_worth_speaking_of() -> None:
    array = zarrite.create_array(None, shape=(10**9,), chunks=(10,), dtype="i4")
    array[0]
    best = min(_seconds(lambda: array[:: 10**7]) for _ in range(5))
    assert best < 0.05, "a walk over the 10**8 chunks that it spans would take seconds"


def test_points_in_a_huge_array_take_no_time_worth_speaking_of() -> None:
    array = zarrite.create_array(None, shape=(10**12, 10**6), chunks=(10, 10), dtype="i4")
    array[0, 0]
    wanted = np.random.default_rng(3).integers(0, 10**6, 100)
    best = min(_seconds(lambda: array.vindex[wanted * 10**6, wanted]) for _ in range(5))
    assert best < 0.05
    best = min(_seconds(lambda: array.oindex[wanted[:10] * 10**6, wanted[:10]]) for _ in range(5))
    assert best < 0.05


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
