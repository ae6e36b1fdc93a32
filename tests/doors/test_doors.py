"""Every verb has two doors, and both give the same."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import tempfile
import threading
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite._verb import Flow, Turn, Verb, verb

Work = Callable[[Any, zarrite.Group], Any]


def place() -> zarrite.Group:
    """A group with an array, an inner group and a consolidated one."""
    group = zarrite.create_group(None)
    group.create_array("a", data=np.arange(12).reshape(3, 4), chunks=2)
    group.create_array("g/b", shape=(2,), dtype="f4")
    inner = group.create_group("c")
    inner.create_array("d", shape=(2,), dtype="f4")
    zarrite.consolidate_metadata(group.store, path="c")
    return group


def packed(do: Any, group: zarrite.Group) -> Any:
    """How much was packed, and what the archive has in it."""
    with tempfile.TemporaryDirectory() as folder:
        done = do(zarrite.pack, group.store, f"{folder}/a.zip")
        return done[1:], Path(done.target).read_bytes().hex()


def unpacked(do: Any, group: zarrite.Group) -> Any:
    """How much was unpacked below a path of the group."""
    with tempfile.TemporaryDirectory() as folder:
        zarrite.pack(group.store, f"{folder}/a.zip")
        return do(zarrite.unpack, f"{folder}/a.zip", zarrite.storage.StorePath(group.store, "n"))[1:]


# `do` is the door: it is handed a verb and the arguments.
WORK: dict[str, Work] = {
    "open": lambda do, g: do(zarrite.open, g.store, mode="r"),
    "open_array": lambda do, g: do(zarrite.open_array, g.store, path="a"),
    "open_group": lambda do, g: do(zarrite.open_group, g.store, path="g"),
    "open_consolidated": lambda do, g: do(zarrite.open_consolidated, g.store, path="c"),
    "open_like": lambda do, g: do(zarrite.open_like, g["a"], "like", store=g.store),
    "consolidate_metadata": lambda do, g: do(zarrite.consolidate_metadata, g.store),
    "group": lambda do, g: do(zarrite.group, g.store),
    "create": lambda do, g: do(zarrite.create, (3,), store=g.store, path="n", chunks=2),
    "create_array": lambda do, g: do(zarrite.create_array, g.store, name="n", data=np.arange(3)),
    "create_group": lambda do, g: do(zarrite.create_group, g.store, path="n"),
    "create_hierarchy": lambda do, g: do(zarrite.create_hierarchy, store=g.store, nodes={"n/m": g["a"].metadata}),
    "from_array": lambda do, g: do(zarrite.from_array, g.store, name="n", data=g["a"]),
    "array": lambda do, g: do(zarrite.array, [1, 2], store=g.store, path="n"),
    "zeros": lambda do, g: do(zarrite.zeros, 3, store=g.store, path="n"),
    "ones": lambda do, g: do(zarrite.ones, 3, store=g.store, path="n"),
    "full": lambda do, g: do(zarrite.full, 3, 7, store=g.store, path="n"),
    "empty": lambda do, g: do(zarrite.empty, 3, store=g.store, path="n"),
    "zeros_like": lambda do, g: do(zarrite.zeros_like, g["a"], store=g.store, path="n"),
    "ones_like": lambda do, g: do(zarrite.ones_like, g["a"], store=g.store, path="n"),
    "full_like": lambda do, g: do(zarrite.full_like, g["a"], store=g.store, path="n", fill_value=3),
    "empty_like": lambda do, g: do(zarrite.empty_like, g["a"], store=g.store, path="n"),
    "save": lambda do, g: do(zarrite.save, g.store, np.arange(3), path="n"),
    "save_array": lambda do, g: do(zarrite.save_array, g.store, np.arange(3), path="n"),
    "save_group": lambda do, g: do(zarrite.save_group, g.store, np.arange(3), path="n"),
    "load": lambda do, g: do(zarrite.load, g.store, path="a"),
    "copy": lambda do, g: do(zarrite.copy, g.store, {}).objects,
    "move": lambda do, g: do(zarrite.move, g.store, g.store, source_path="g", target_path="n").objects,
    "delete": lambda do, g: do(zarrite.delete, g.store, "g").objects,
    "tree": lambda do, g: do(zarrite.tree, g),
    "pack": packed,
    "unpack": unpacked,
    "Array.close": lambda do, g: do(g["a"].close),
    "Group.close": lambda do, g: do(g.close),
    "Array.read": lambda do, g: do(g["a"].read, (slice(1, None), 2)),
    "Array.read a scalar": lambda do, g: do(g["a"].read, (1, 2)),
    "Array.read a 0-d array": lambda do, g: do(g["a"].read, (1, 2, ...)),
    "Array.read points": lambda do, g: do(g["a"].read, ([0, 2], [1, 1])),
    "Array.get_basic_selection": lambda do, g: do(g["a"].get_basic_selection, (1, slice(2))),
    "Array.get_orthogonal_selection": lambda do, g: do(g["a"].get_orthogonal_selection, ([0, 2], [1, 3])),
    "Array.get_coordinate_selection": lambda do, g: do(g["a"].get_coordinate_selection, ([0, 2], [1, 3])),
    "Array.get_mask_selection": lambda do, g: do(g["a"].get_mask_selection, np.eye(3, 4, dtype=bool)),
    "Array.get_block_selection": lambda do, g: do(g["a"].get_block_selection, (1, 0)),
    "Array.write": lambda do, g: do(g["a"].write, (slice(1, None), 2), [7, 8]),
    "Array.resize": lambda do, g: do(g["a"].resize, (2, 3)),
    "Array.append": lambda do, g: do(g["a"].append, np.zeros((1, 4))),
    "Array.update_attributes": lambda do, g: do(g["a"].update_attributes, {"x": 1}),
    "Array.nbytes_stored": lambda do, g: do(g["a"].nbytes_stored),
    "Array.info_complete": lambda do, g: do(g["a"].info_complete),
    "Group.get": lambda do, g: do(g.get, "g/b"),
    "Group.get_array": lambda do, g: do(g.get_array, "a"),
    "Group.get_group": lambda do, g: do(g.get_group, "g"),
    "Group.contains": lambda do, g: do(g.contains, "g/b"),
    "Group.keys": lambda do, g: do(g.keys),
    "Group.members": lambda do, g: do(g.members, max_depth=None),
    "Group.nmembers": lambda do, g: do(g.nmembers),
    "Group.arrays": lambda do, g: do(g.arrays),
    "Group.groups": lambda do, g: do(g.groups),
    "Group.array_keys": lambda do, g: do(g.array_keys),
    "Group.group_keys": lambda do, g: do(g.group_keys),
    "Group.array_values": lambda do, g: do(g.array_values),
    "Group.group_values": lambda do, g: do(g.group_values),
    "Group.tree": lambda do, g: do(g.tree),
    "Group.info_complete": lambda do, g: do(g.info_complete),
    "Group.update_attributes": lambda do, g: do(g.update_attributes, {"x": 1}),
    "Group.create_array": lambda do, g: do(g.create_array, "n", data=np.arange(3)),
    "Group.create": lambda do, g: do(g.create, "n", shape=3, dtype="i1"),
    "Group.create_group": lambda do, g: do(g.create_group, "n/m"),
    "Group.create_hierarchy": lambda do, g: do(g.create_hierarchy, {"n/m": g["a"].metadata}),
    "Group.create_dataset": lambda do, g: do(g.create_dataset, "n", data=np.arange(3)),
    "Group.require_dataset": lambda do, g: do(g.require_dataset, "n", shape=3, dtype="i1"),
    "Group.require_array": lambda do, g: do(g.require_array, "n", shape=3, dtype="i1"),
    "Group.require_group": lambda do, g: do(g.require_group, "n"),
    "Group.require_groups": lambda do, g: do(g.require_groups, "n", "m"),
    "Group.delete": lambda do, g: do(g.delete, "a"),
    "Group.move": lambda do, g: do(g.move, "a", "n"),
    "Group.copy": lambda do, g: do(g.copy, "g", "n"),
    "Group.zeros": lambda do, g: do(g.zeros, name="n", shape=3),
    "Group.ones": lambda do, g: do(g.ones, name="n", shape=3),
    "Group.full": lambda do, g: do(g.full, name="n", shape=3, fill_value=2),
    "Group.empty": lambda do, g: do(g.empty, name="n", shape=3),
    "Group.zeros_like": lambda do, g: do(g.zeros_like, name="n", data=g["a"]),
    "Group.ones_like": lambda do, g: do(g.ones_like, name="n", data=g["a"]),
    "Group.full_like": lambda do, g: do(g.full_like, name="n", data=g["a"], fill_value=2),
    "Group.empty_like": lambda do, g: do(g.empty_like, name="n", data=g["a"]),
}


def block(of: Any, *args: Any, **named: Any) -> Any:
    """The blocking door."""
    return of(*args, **named)


def wait(of: Any, *args: Any, **named: Any) -> Any:
    """The awaiting door, on a loop of its own."""
    return asyncio.run(of.aio(*args, **named))


def told(result: Any) -> Any:
    """A result as something to compare, whatever store it lives in."""
    if isinstance(result, np.ndarray):
        return "array", result.shape, result.dtype, result.tolist()
    if isinstance(result, zarrite.Array):
        return "Array", result.path, result.metadata, told(result[...])
    if isinstance(result, zarrite.Group):
        return "Group", result.path, result.metadata
    if hasattr(result, "rows"):
        return [row for row in result.rows if row[0] != "Store"]
    if isinstance(result, (tuple, list)):
        return tuple(told(item) for item in result)
    if isinstance(result, dict):
        return {name: told(item) for name, item in result.items()}
    if hasattr(result, "__next__"):
        return told(list(result))
    if isinstance(result, np.generic):
        return "scalar", result.dtype, result.item()
    return str(result)


def objects(group: zarrite.Group) -> dict[str, bytes]:
    """Everything in the store."""
    return {key: group.store.get(key).result() or b"" for key in group.store.list("").result()}


@pytest.mark.parametrize("name", WORK)
def test_both_doors_give_the_same_and_leave_the_same(name: str) -> None:
    one, two = place(), place()
    assert told(WORK[name](block, one)) == told(WORK[name](wait, two))
    assert objects(one) == objects(two)


def verbs() -> set[str]:
    """Every verb of the public face."""
    found = {name for name in zarrite.__all__ if isinstance(getattr(zarrite, name, None), Verb)}
    for cls in (zarrite.Array, zarrite.Group):
        for name in dir(cls):
            if not name.startswith("_") and isinstance(inspect.getattr_static(cls, name), Verb):
                found.add(f"{cls.__name__}.{name}")
    return found


def test_every_verb_is_tried() -> None:
    assert verbs() - {name.split(" ")[0] for name in WORK} == set()


@pytest.mark.parametrize("door", [block, wait])
def test_both_doors_raise_the_same(door: Any) -> None:
    group = place()
    array = group["a"]
    for work, error in (
        (lambda: door(zarrite.open, group.store, path="no", mode="r"), FileNotFoundError),
        (lambda: door(array.read, 99), IndexError),
        (lambda: door(array.read, out=np.zeros(1)), ValueError),
        (lambda: door(array.write, ..., np.zeros(7)), ValueError),
        (lambda: door(group.create_array, "a", shape=1, dtype="i1"), ValueError),
        (lambda: door(group.delete, "no"), KeyError),
        (lambda: door(zarrite.create_array, None, shape=1, dtype="no type"), (TypeError, ValueError)),
    ):
        with pytest.raises(error):
            work()
    group.store.put("a/c/0/0", b"damaged").result()
    with pytest.raises(zarrite.errors.ChunkDecodeError):
        door(array.read)


def test_the_awaiting_door_is_a_coroutine() -> None:
    array = zarrite.array(np.arange(100), chunks=10)

    async def several() -> list[Any]:
        reading = array.read.aio(slice(0, 50))
        assert inspect.iscoroutine(reading)
        return await asyncio.gather(reading, *(array.read.aio(at) for at in range(20)))

    first, *others = asyncio.run(several())
    assert first.tolist() == list(range(50))
    assert others == list(range(20))


def test_the_blocking_door_works_inside_a_running_loop() -> None:
    array = zarrite.array(np.arange(10), chunks=3)

    async def work() -> Any:
        array[2] = 50
        return array[:]

    assert asyncio.run(work())[2] == 50


def test_loops_in_several_threads_share_an_array() -> None:
    array = zarrite.array(np.arange(1000), chunks=10)
    sums: list[int] = []

    async def work() -> None:
        parts = await asyncio.gather(*(array.read.aio(slice(at, at + 100)) for at in range(0, 1000, 100)))
        sums.append(int(sum(part.sum() for part in parts)))

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [499500] * 4


def test_appends_awaited_together_take_turns() -> None:
    array = zarrite.create_array(None, shape=(0,), chunks=4, dtype="i4")

    async def work() -> None:
        await asyncio.gather(*(array.append.aio([at] * 3) for at in range(10)))

    asyncio.run(work())
    assert sorted(array[:].tolist()) == sorted([at for at in range(10) for _ in range(3)])


def test_appends_by_threads_and_by_a_loop_take_turns() -> None:
    array = zarrite.create_array(None, shape=(0,), chunks=4, dtype="i4")

    def blocking() -> None:
        for _ in range(20):
            array.append([1, 1])

    async def awaiting() -> None:
        await asyncio.gather(*(array.append.aio([2, 2]) for _ in range(20)))

    threads = [threading.Thread(target=blocking), threading.Thread(target=lambda: asyncio.run(awaiting()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert array.shape == (80,)
    assert np.bincount(array[:]).tolist() == [0, 40, 40]


def test_who_gives_up_waiting_for_a_lock_does_not_keep_it() -> None:
    lock = threading.Lock()
    lock.acquire()

    async def take() -> None:
        await Flow(held(lock))

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(take(), 0.05)

    threading.Timer(0.2, lock.release).start()
    asyncio.run(give_up())
    assert lock.acquire(timeout=5)


def held(lock: threading.Lock) -> Generator[Any, Any, None]:
    yield Turn(lock)
    lock.release()


class Ready:
    """Something to wait for that is there at once, or fails."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def result(self) -> Any:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from asyncio.sleep(0).__await__()
        return self.result()


@verb
def adding(first: Any, second: Any = 1) -> Generator[Any, Any, Any]:
    """The sum of two things that are waited for."""
    left = yield Ready(first)
    try:
        right = yield Ready(second)
    except KeyError:
        right = 100
    return left + right


@pytest.mark.parametrize("door", [block, wait])
def test_a_verb_is_sent_results_and_failures(door: Any) -> None:
    assert door(adding, 2) == 3
    assert door(adding, 2, KeyError("x")) == 102
    with pytest.raises(ZeroDivisionError):
        door(adding, 2, ZeroDivisionError())
    with pytest.raises(KeyboardInterrupt):
        door(adding, KeyboardInterrupt())


def test_verbs_are_made_of_verbs() -> None:
    @verb
    def twice(number: int) -> Generator[Any, Any, int]:
        return (yield from adding.steps(number, number))

    assert twice(4) == 8
    assert wait(twice, 4) == 8


def test_a_verb_says_what_it_is() -> None:
    assert adding.__doc__ == "The sum of two things that are waited for."
    assert adding.__name__ == "adding"
    assert list(inspect.signature(adding).parameters) == ["first", "second"]
    assert "out" in inspect.signature(zarrite.Array.read).parameters


def test_a_verb_of_a_handle_says_what_it_is() -> None:
    array = zarrite.array([1, 2])
    assert array.read.__doc__ == zarrite.Array.read.__doc__
    assert array.read.__name__ == "read"
    assert array.read.__self__ is array  # type: ignore[attr-defined]
    assert list(inspect.signature(array.read).parameters) == ["selection", "out"]
    assert repr(array.read) == f"<verb Selecting.read of {array!r}>"
    assert repr(zarrite.open_array) == "<verb zarrite.open.open_array>"


def test_verbs_travel_as_functions_and_methods_do() -> None:
    array = zarrite.array([1, 2])
    for one in (zarrite.open, zarrite.open_array, zarrite.save, zarrite.zeros):
        assert pickle.loads(pickle.dumps(one)) is one
    assert pickle.loads(pickle.dumps(array.read))(1) == 2


def test_what_a_flow_holds_is_let_go_when_it_is_stopped() -> None:
    let_go: list[str] = []

    @verb
    def holding() -> Generator[Any, Any, None]:
        try:
            yield Ready(KeyboardInterrupt())
        finally:
            let_go.append("held")

    for door in (block, wait):
        with pytest.raises(KeyboardInterrupt):
            door(holding)
    assert let_go == ["held", "held"]


def test_a_cancelled_read_stops_waiting() -> None:
    array = zarrite.create_array(None, data=np.arange(10**6), chunks=1000)

    async def work() -> None:
        reading: Awaitable[Any] = asyncio.ensure_future(array.read.aio())
        await asyncio.sleep(0)
        reading.cancel()  # type: ignore[attr-defined]
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(work())
    assert_array_equal(array[:10], np.arange(10))
