"""The door to other people's coroutines: one event loop in one thread of ours, which many requests share.

A store whose methods are coroutines is asked from the engine's threads, which block. Each of them hands its questions
over as one batch, so that they are under way together and cost one crossing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

__all__ = ["AT_ONCE", "collect", "followed", "run", "run_all"]

T = TypeVar("T")
U = TypeVar("U")

AT_ONCE = 256
"""Requests of one batch that are under way together."""

_lock = threading.Lock()
_running: tuple[int, asyncio.AbstractEventLoop, threading.Thread] | None = None


def _loop() -> asyncio.AbstractEventLoop:
    """The loop of this process; a forked child starts its own."""
    global _running  # noqa: PLW0603 -- one loop a process
    with _lock:
        if _running is None or _running[0] != os.getpid():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="zarrite-coroutines", daemon=True)
            thread.start()
            _running = os.getpid(), loop, thread
        if threading.current_thread() is _running[2]:
            raise RuntimeError(
                "a store's coroutine waits for zarrite, which waits for that store; await the `.aio` form instead"
            )
        return _running[1]


def _renew() -> None:
    """The child of a fork has neither the thread nor, perhaps, the lock."""
    global _lock, _running
    _lock, _running = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; this thread waits."""
    try:
        asked = asyncio.run_coroutine_threadsafe(coroutine, _loop())
    except BaseException:
        coroutine.close()
        raise
    try:
        return asked.result()
    except BaseException:
        asked.cancel()
        raise


def run_all(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T | BaseException]:
    """What many coroutines return, in their order; an exception stands where its coroutine failed.

    Args:
        calls: each makes its coroutine when its turn comes.
    """
    return run(_gathered(calls))


def collect(made: Callable[[], AsyncIterator[T]]) -> list[T]:
    """All that an asynchronous iterator gives."""
    return run(_collected(made))


async def followed(first: Callable[[], Awaitable[T]], then: Callable[[T], Awaitable[U]]) -> tuple[T, U]:
    """What one coroutine returns, and what the one made of that does."""
    one = await first()
    return one, await then(one)


async def _gathered(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T | BaseException]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await call()

    return await asyncio.gather(*map(one, calls), return_exceptions=True)


async def _collected(made: Callable[[], AsyncIterator[T]]) -> list[T]:
    found = made()
    # Some stores give the iterator only when they are awaited.
    if asyncio.iscoroutine(found):
        found = await found
    return [each async for each in found]
