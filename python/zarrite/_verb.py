"""Verbs: work written once, with two doors. `f(...)` blocks, `await f.aio(...)` does not.

A verb is a generator that yields what it waits for (a `Pending` of the engine, a `Turn` at a lock) and is sent what
came of it. `Flow` drives such a generator by either door. Inside another flow neither door is used:
`yield from f.steps(...)`.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

__all__ = ["Call", "Flow", "Steps", "Turn", "Verb", "Wait", "verb"]

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Wait(Protocol[T_co]):
    """Work that was asked for and has not started. One of its doors starts it."""

    def result(self) -> T_co: ...
    def __await__(self) -> Generator[Any, Any, T_co]: ...


Steps = Generator[Wait[Any], Any, T]


class Flow(Generic[T]):
    """Steps that have not been driven yet. Drive them once, by either door."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps

    def result(self) -> T:
        """Drives the steps in this thread and gives what they return."""
        steps = self._steps
        send = steps.send
        try:
            wait = send(None)
            while True:
                try:
                    got = wait.result()
                except BaseException as error:
                    # Ctrl-C too goes through the steps, so that what they hold (locks, half-made nodes) is let go.
                    wait = steps.throw(error)
                else:
                    wait = send(got)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._steps
        send = steps.send
        try:
            wait = send(None)
            while True:
                try:
                    got = yield from wait.__await__()
                except BaseException as error:
                    wait = steps.throw(error)
                else:
                    wait = send(got)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


class Verb(Generic[P, T]):
    """A function or method with two doors: calling it blocks, awaiting `.aio(...)` does not.

    Attributes:
        steps: the generator function itself, for use inside other verbs: `yield from f.steps(...)`.
    """

    __slots__ = ("__dict__", "_direct", "steps")

    __name__: str
    __qualname__: str

    def __init__(self, steps: Callable[P, Steps[T]], direct: Callable[P, T] | None = None) -> None:
        self.steps = steps
        self._direct = direct

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._direct is not None:
            return self._direct(*args, **kwargs)
        return Flow(self.steps(*args, **kwargs)).result()

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same work as a coroutine: same arguments, same result, same errors."""
        return await Flow(self.steps(*args, **kwargs))

    def blocking(self, direct: Callable[P, T]) -> Callable[P, T]:
        """Gives the blocking door a function of its own, for verbs so short that driving their steps would be felt."""
        self._direct = direct
        return direct

    def __get__(self: Verb[Concatenate[S, Q], T], instance: S, owner: type[S] | None = None) -> Verb[Q, T]:
        if instance is None:
            return self  # type: ignore[return-value]
        return _Bound(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.__name__  # pickled like a function: by its name in its module

    def __repr__(self) -> str:
        return f"<verb {self.__module__}.{self.__qualname__}>"


class _Bound(Verb[P, T]):
    """A verb of one instance, as a bound method is a function of one."""

    __slots__ = ("_instance", "_verb")

    def __init__(self, of: Verb[Any, T], instance: object) -> None:
        self._verb = of
        self._instance = instance
        self.steps = functools.partial(of.steps, instance)
        self._direct = None if of._direct is None else functools.partial(of._direct, instance)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._verb.__doc__

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self._verb.__name__

    @property
    def __self__(self) -> object:
        return self._instance

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._instance, self._verb.__name__)

    def __repr__(self) -> str:
        return f"<verb {self._verb.__qualname__} of {self._instance!r}>"


def verb(steps: Callable[P, Steps[T]]) -> Verb[P, T]:
    """Gives a generator of waits its two doors.

    Example:
        >>> from zarrite._verb import verb
        >>> @verb
        ... def answer(question):
        ...     return 42
        ...     yield
        >>> answer("six times seven")
        42
    """
    both = Verb(steps)
    functools.update_wrapper(both, steps)
    return both


class Call(Generic[T]):
    """The wait for a function that blocks for reasons of its own, such as another library's.

    The awaiting door calls it on a helper thread, so that the event loop goes on.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function

    def result(self) -> T:
        """Calls it in this thread."""
        return self._function()

    def __await__(self) -> Generator[Any, Any, T]:
        import asyncio  # imported here alone: whoever awaits has paid for it already

        return (yield from asyncio.to_thread(self._function).__await__())


class Turn:
    """The wait for a lock. Whoever got it gives it back with `lock.release()`, best in a `finally`.

    The awaiting door takes the lock on a helper thread, so an event loop whose own tasks hold it is never blocked.
    """

    __slots__ = ("_lock",)

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def result(self) -> None:
        """Takes the lock, waiting for it in this thread."""
        self._lock.acquire()

    def __await__(self) -> Generator[Any, Any, None]:
        if self._lock.acquire(blocking=False):
            return
        import asyncio  # imported here alone: whoever awaits has paid for it already

        taken = asyncio.get_running_loop().run_in_executor(None, self._lock.acquire)
        try:
            yield from asyncio.shield(taken).__await__()
        except BaseException:
            # The helper thread still gets the lock some day; nobody is left to use it then.
            taken.add_done_callback(lambda _: self._lock.release())
            raise
