"""Handles on servers that travel: by pickle, into a forked process, into a spawned one."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from servers.steer import ServerProcess
from stores.remotes import CELLS, made, opened, options


@pytest.fixture
def far() -> Any:
    """A server in a process of its own: a fork of this one must not hold it."""
    with ServerProcess() as server:
        yield server


def total(array: Any) -> int:
    """In another process: reads all, and writes one cell where that is allowed."""
    if not array.read_only:
        array[0, 0] = 7
    return int(np.asarray(array[...]).sum())


@pytest.mark.parametrize("mode", ["r", "r+"])
@pytest.mark.parametrize("layout", [{}, {"shards": (64, 64)}], ids=["chunks", "shards"])
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_handles_travel_into_other_processes(far: ServerProcess, start: str, layout: dict[str, Any], mode: str) -> None:
    if start == "fork" and sys.platform != "linux":
        pytest.skip("processes are forked on Linux")
    made(far, **layout)
    array = opened(far, mode=mode)
    assert array[0, 0] == 1  # its connections stand, and its shard is held open
    with multiprocessing.get_context(start).Pool(2) as pool:
        sums = pool.map(total, [array] * 4)
    wanted = int(CELLS.sum()) + (6 if mode == "r+" else 0)
    assert sums == [wanted] * 4
    assert opened(far)[0, 0] == (7 if mode == "r+" else 1)
    assert array[63, 63] == CELLS[63, 63]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_through_the_handle_it_was_born_with(far: ServerProcess) -> None:
    made(far)
    array = opened(far)
    assert array[0, 0] == 1
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if (array[...] == CELLS).all() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(array[...], CELLS)


def test_a_pickled_handle_keeps_its_options_and_whether_it_reads_only(s3: Server) -> None:
    made(s3)
    s3.turn(access_key="key")
    for mode in ("r", "r+"):
        array = opened(s3, mode=mode, missing_status="auto")
        again = pickle.loads(pickle.dumps(array))
        assert again.store.read_only == array.store.read_only
        assert again.store.identity == array.store.identity
        assert again.store.url == f"s3://{s3.bucket}/a"
    group = zarrite.create_group(f"s3://{s3.bucket}/g", storage_options=options(s3))
    assert pickle.loads(pickle.dumps(group)).store == group.store


def test_a_handle_with_a_function_that_cannot_travel_says_so(s3: Server) -> None:
    made(s3)
    array = opened(s3, sign=lambda method, url: None)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickle.dumps(array)
