"""`zarr.core.sync`: coroutines waited for from programs that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

from zarrite.config import config

__all__ = ["SyncError", "SyncMixin", "collect_aiterator", "sync"]

T = TypeVar("T")

_lock = threading.Lock()
_running: tuple[int, asyncio.AbstractEventLoop] | None = None


class SyncError(Exception):
    """A coroutine was waited for from the loop that was to run it."""


def _get_loop() -> asyncio.AbstractEventLoop:
    global _running  # noqa: PLW0603 -- one loop a process
    with _lock:
        # Not the loop that stores' coroutines run on: those may wait for what is asked here.
        if _running is None or _running[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="zarr_io", daemon=True).start()
            _running = os.getpid(), loop
        return _running[1]


def _renew() -> None:
    global _lock, _running
    _lock, _running = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


async def _caught(coro: Any) -> Any:
    try:
        return None, await coro
    except Exception as error:  # it is raised where it is waited for
        return error, None


def sync(
    coro: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop | None = None, timeout: float | None = None
) -> T:
    """What a coroutine returns; this thread waits.

    Args:
        coro: the coroutine.
        loop: the event loop that runs it; one of a thread of its own when `None`.
        timeout: seconds to wait at most.

    Raises:
        SyncError: it is called from that loop.
        TimeoutError: it takes longer.
    """
    target = _get_loop() if loop is None else loop
    if not isinstance(target, asyncio.AbstractEventLoop):
        raise TypeError(f"loop cannot be of type {type(loop)}")
    if target.is_closed():
        raise RuntimeError("Loop is not running")
    try:
        here: Any = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is target:
        raise SyncError("Calling sync() from within a running loop")
    asked = asyncio.run_coroutine_threadsafe(_caught(coro), target)
    _, late = wait([asked], timeout=timeout)
    if late:
        raise TimeoutError(f"Coroutine {coro} failed to finish within {timeout} s")
    error, answer = asked.result()
    if error is not None:
        raise error
    return answer  # type: ignore[no-any-return]


async def _collect_aiterator(data: AsyncIterator[T]) -> tuple[T, ...]:
    return tuple([each async for each in data])


def collect_aiterator(data: AsyncIterator[T]) -> tuple[T, ...]:
    """All that an asynchronous iterator gives; this thread waits."""
    return sync(_collect_aiterator(data))


class SyncMixin:
    """Methods that wait for coroutines."""

    def _sync(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return sync(coroutine, timeout=config.get("async.timeout"))

    def _sync_iter(self, async_iterator: AsyncIterator[T]) -> list[T]:
        return list(self._sync(_collect_aiterator(async_iterator)))
