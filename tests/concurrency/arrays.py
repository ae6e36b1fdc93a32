"""What the tests of this folder start from: arrays in every store, and threads that begin together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zarrite.storage import MemoryStore

LAYOUTS: dict[str, dict[str, Any]] = {
    "one chunk": {"chunks": (160,)},
    "one plain chunk": {"chunks": (160,), "compressors": None},
    "one shard": {"chunks": (10,), "shards": (160,)},
    "one shard, several writers a chunk": {"chunks": (20,), "shards": (160,), "compressors": None},
    "one shard, several chunks a writer": {"chunks": (2,), "shards": (160,)},
}
PLACES = ("local", "memory", "mapping")


def place(name: str, folder: Path) -> Any:
    """A fresh store of a kind."""
    if name == "local":
        return folder / "store"
    return MemoryStore() if name == "memory" else MemoryStore({})


def together(*works: Callable[[], object], timeout_s: float = 120) -> None:
    """Runs each work in a thread of its own, all from one moment on; the first failure is raised here."""
    start = threading.Barrier(len(works))
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=timeout_s)
        assert not thread.is_alive(), "a thread waits for ever"
    if failures:
        raise failures[0]
