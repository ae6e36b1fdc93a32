"""Children by fork and by spawn, and handles that travel to them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zarrite

FORKS = """
import os, sys, threading, time
import numpy as np, zarrite
folder = sys.argv[1]
cells = np.arange(400_000.0).reshape(400, 1000)
plain = zarrite.create_array(folder + "/plain", shape=cells.shape, chunks=(10, 1000), dtype="f8")
plain[...] = cells
shards = zarrite.create_array(folder + "/shards", shape=cells.shape, chunks=(10, 1000), shards=(100, 1000), dtype="f8")
shards[...] = 1
memory = zarrite.create_array(None, shape=cells.shape, chunks=(10, 1000), dtype="f8")
memory[...] = 2
stop = False

def busy():
    while not stop:
        plain[...]
        shards[5]
        shards[33:44] = 1.0
        memory[...]

threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
slowest = 0
for number in range(20):
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            assert (plain[...] == cells).all()
            assert (shards[...] == 1).all()
            assert (memory[...] == 2).all()
            memory[0:10] = 3
            assert (memory[:20].mean() == 2.5)
            shards[5:7] = 1
            again = zarrite.create_array(f"{folder}/{number}", shape=(10,), chunks=(2,), dtype="i4")
            again[...] = number
            assert (again[...] == number).all()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    slowest = max(slowest, time.perf_counter() - start)
    for _ in range(2000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        stop = True
        sys.exit("a child hangs")
    if status:
        stop = True
        sys.exit(f"a child failed: {status}")
stop = True
for thread in threads:
    thread.join()
assert (plain[...] == cells).all()
print(slowest)
"""

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@posix
def test_children_forked_while_threads_are_busy_work(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout) < 2, f"a fork was held up for {float(done.stdout):.1f} s"


SPREAD = """
import os, sys, numpy as np, zarrite
array = zarrite.open_array(sys.argv[1], mode="r+")
array[...] = 1
for _ in range(3):  # children of children
    if os.fork():
        _, status = os.wait()
        os._exit(os.waitstatus_to_exitcode(status))
    array[...] = array[...] + 1
print("last", int(array[5]))
sys.stdout.flush()
os._exit(0)
"""


@posix
def test_children_of_children_work(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a", shape=(100_000,), chunks=(5_000,), dtype="i4")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SPREAD, str(tmp_path / "a")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "last 4\n", done.stdout + done.stderr


def total(array: zarrite.Array) -> int:
    """What a child finds."""
    return int(array[...].sum())


def fill(task: tuple[zarrite.Array, int]) -> None:
    """What a child writes."""
    array, number = task
    array[number * 10 : number * 10 + 10] = number


def test_arrays_travel_to_spawned_processes(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(40,), chunks=(10,), dtype="i4")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(fill, [(array, number) for number in range(4)])
        np.testing.assert_array_equal(array[...], np.repeat(np.arange(4), 10))
        assert pool.map(total, [array, zarrite.open_array(tmp_path / "a", mode="r")]) == [60, 60]


def test_processes_that_put_the_same_chunk_leave_one_of_them_whole(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a", shape=(200_000,), chunks=(200_000,), dtype="i4", compressors=None)
    script = (
        "import sys, zarrite\n"
        "array = zarrite.open_array(sys.argv[1], mode='r+')\n"
        "for _ in range(30): array[...] = int(sys.argv[2])\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "a"), str(number)]) for number in (1, 2, 3)
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            cells = array[...]
            assert cells.min() == cells.max()
    finally:
        for writer in writers:
            assert writer.wait(timeout=60) == 0
    left = [path.name for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert sorted(left) == ["0", "zarr.json"], "nothing half written is left"


def test_a_pickled_handle_opens_the_same_node_the_same_way(tmp_path: Path) -> None:
    group = zarrite.create_group(tmp_path / "g", attributes={"a": 1})
    array = group.create_array("x", shape=(6, 4), chunks=(3, 2), dtype="f4", fill_value=7)
    array[0] = 1
    for one in (array, array.with_config({"order": "F"}), zarrite.open_array(tmp_path / "g", path="x", mode="r")):
        again = pickle.loads(pickle.dumps(one))
        assert again == one
        assert again.read_only == one.read_only
        assert again.config == one.config
        np.testing.assert_array_equal(again[...], array[...])
    again = pickle.loads(pickle.dumps(group))
    assert dict(again.attrs) == {"a": 1}
    np.testing.assert_array_equal(again["x"][...], array[...])


def test_an_array_in_memory_travels_within_its_process_and_no_further() -> None:
    array = zarrite.create_array(None, shape=(4,), chunks=(2,), dtype="i4")
    array[...] = 7
    packed = pickle.dumps(array)
    assert (pickle.loads(packed)[...] == 7).all()
    script = (
        "import pickle, sys, zarrite\n"
        "try:\n"
        "    pickle.loads(sys.stdin.buffer.read())[...]\n"
        "except zarrite.errors.HandleError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=packed, capture_output=True, timeout=60, check=True)
    assert b"memory of process" in done.stdout
