"""The awaiting door: many requests at once, several loops, cancellation."""

from __future__ import annotations

import asyncio
import functools
import gc
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import zarrite
from concurrency.arrays import together

CELLS = np.arange(400_000.0).reshape(400, 1000)


@pytest.fixture
def array(tmp_path: Path) -> zarrite.Array:
    array = zarrite.create_array(tmp_path / "a", shape=CELLS.shape, chunks=(10, 1000), dtype="f8")
    array[...] = CELLS
    return array


async def read_many(array: zarrite.Array, count: int) -> None:
    got = await asyncio.gather(*(array.read.aio(slice(at % 370, at % 370 + 30)) for at in range(count)))
    for at, cells in enumerate(got):
        np.testing.assert_array_equal(cells, CELLS[at % 370 : at % 370 + 30])


def test_hundreds_of_reads_at_once_all_arrive(array: zarrite.Array) -> None:
    asyncio.run(read_many(array, 300))


def test_four_loops_in_four_threads_share_an_array(array: zarrite.Array) -> None:
    together(*(functools.partial(lambda: asyncio.run(read_many(array, 60))) for _ in range(4)))


def test_writes_at_once_lose_nothing(array: zarrite.Array) -> None:
    async def write() -> None:
        await asyncio.gather(*(array.write.aio(slice(at, at + 1), CELLS[at] * 2) for at in range(400)))

    asyncio.run(write())
    np.testing.assert_array_equal(array[...], CELLS * 2)


def test_appends_at_once_all_arrive_though_some_are_cancelled() -> None:
    array = zarrite.create_array(None, shape=(0,), chunks=(7,), dtype="i8")

    async def append() -> int:
        tasks = [asyncio.ensure_future(array.append.aio(np.full(3, number))) for number in range(60)]
        await asyncio.sleep(0.002)
        for task in tasks[::2]:
            task.cancel()
        got = await asyncio.gather(*tasks, return_exceptions=True)
        return sum(not isinstance(one, BaseException) for one in got)

    arrived = asyncio.run(append())
    assert arrived >= 30
    cells = array[...].reshape(-1, 3)
    assert (cells == cells[:, :1]).all()
    assert set(range(1, 60, 2)) <= set(cells[:, 0].tolist())
    # Whoever was cancelled gave the lock back.
    assert array.append(np.zeros(3, "i8")) == (3 * len(cells) + 3,)


def test_the_loop_goes_on_while_cells_are_read(array: zarrite.Array) -> None:
    async def beat() -> int:
        beats = 0
        reads = [asyncio.ensure_future(array.read.aio(...)) for _ in range(20)]
        while not all(read.done() for read in reads):
            beats += 1
            await asyncio.sleep(0)
        return beats

    assert asyncio.run(beat()) > 20


def test_cancelled_reads_leave_the_process_healthy(array: zarrite.Array) -> None:
    async def cancel() -> None:
        for number in range(30):
            tasks = [asyncio.ensure_future(array.read.aio(...)) for _ in range(4)]
            await asyncio.sleep(0.001 * (number % 4))
            for task in tasks:
                task.cancel()
            got = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, (asyncio.CancelledError, np.ndarray)) for one in got)
        np.testing.assert_array_equal(await array.read.aio(...), CELLS)

    asyncio.run(cancel())
    np.testing.assert_array_equal(array[...], CELLS)


def test_memory_to_be_read_into_is_kept_as_long_as_anyone_writes_there(array: zarrite.Array) -> None:
    async def forget() -> None:
        for _ in range(30):
            out = np.empty(CELLS.shape)
            task = asyncio.ensure_future(array.read.aio(..., out=out))
            await asyncio.sleep(0)
            task.cancel()
            del out
            gc.collect()
            # Memory that was let go too early would be taken by this, and be written into.
            other = np.full(CELLS.shape, -1.0)
            await asyncio.sleep(0.002)
            assert (other == -1).all()

    asyncio.run(forget())


def test_values_to_be_written_are_kept_as_long_as_anyone_reads_them(array: zarrite.Array) -> None:
    async def forget() -> None:
        tasks = []
        for number in range(20):
            tasks.append(
                asyncio.ensure_future(array.write.aio(slice(number * 20, number * 20 + 20), np.full(1000, 7.0)))
            )
            await asyncio.sleep(0)
            gc.collect()
            np.full(1000, -1.0)
        await asyncio.gather(*tasks)

    asyncio.run(forget())
    assert (array[...] == 7).all()


def test_a_read_into_given_memory_gives_that_memory(array: zarrite.Array) -> None:
    async def read() -> None:
        out = np.zeros((400, 2000))[:, ::2]
        assert await array.read.aio(..., out=out) is out
        np.testing.assert_array_equal(out, CELLS)

    asyncio.run(read())


def test_errors_come_through_the_awaiting_door_as_they_are(array: zarrite.Array) -> None:
    async def fail() -> list[object]:
        reading = zarrite.open_array(array.store, mode="r").read
        return await asyncio.gather(
            array.read.aio(1000),
            array.read.aio((0, 0, 0)),
            array.write.aio(..., np.zeros((3, 3))),
            zarrite.open_array.aio(array.store, path="no/such"),
            zarrite.open_array(array.store.with_read_only(), mode="r").write.aio(0, 1),
            reading.aio("field"),
            return_exceptions=True,
        )

    names = [type(error).__name__ for error in asyncio.run(fail())]
    assert names == [
        "BoundsCheckError",
        "ArrayIndexError",
        "ValueError",
        "ArrayNotFoundError",
        "ReadOnlyError",
        "ArrayIndexError",
    ]


def test_a_loop_that_ends_early_takes_nobody_with_it(array: zarrite.Array) -> None:
    async def leave() -> None:
        asyncio.ensure_future(array.read.aio(...))  # noqa: RUF006 - that nobody waits for it is the point
        await asyncio.sleep(0)

    for _ in range(20):
        asyncio.run(leave())
    np.testing.assert_array_equal(array[...], CELLS)


def test_a_pending_answer_does_not_keep_the_interpreter_from_ending(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import asyncio, sys, zarrite, numpy as np\n"
        "array = zarrite.create_array(sys.argv[1], shape=(4000, 1000), chunks=(10, 1000), dtype='f8')\n"
        "array[...] = np.random.default_rng(0).random((4000, 1000))\n"
        "async def leave():\n"
        "    for _ in range(8): asyncio.ensure_future(array.read.aio(...))\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(leave())\n"
        "print('end')\n"
    )
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "b")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
        import shutil

        shutil.rmtree(tmp_path / "b")


def test_both_doors_at_once_lose_nothing(array: zarrite.Array) -> None:
    def blocking() -> None:
        for number in range(50):
            array[number] = 1

    def awaiting() -> None:
        async def write() -> None:
            await asyncio.gather(*(array.write.aio(number, 2) for number in range(50, 100)))

        asyncio.run(write())

    together(blocking, awaiting, blocking)
    assert (array[:50] == 1).all()
    assert (array[50:100] == 2).all()
    np.testing.assert_array_equal(array[100:], CELLS[100:])


def test_threads_do_not_pile_up(array: zarrite.Array) -> None:
    asyncio.run(read_many(array, 50))
    before = threading.active_count()
    for _ in range(5):
        asyncio.run(read_many(array, 50))
    assert threading.active_count() <= before + 1


def test_a_program_ends_well_while_an_outcome_is_still_being_handed_over() -> None:
    code = (
        "import asyncio, time, zarrite\n"
        "async def main():\n"
        "    loop = asyncio.get_running_loop()\n"
        "    tell = loop.call_soon_threadsafe\n"
        # The program has its outcome and ends, and the thread that brought it is not back yet.
        "    loop.call_soon_threadsafe = lambda *given: (tell(*given), time.sleep(0.3))\n"
        "    return await zarrite.open_group.aio({}, mode='w')\n"
        "asyncio.run(main())\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
