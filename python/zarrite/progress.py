"""Progress of long work: one callback protocol, bars on a terminal, JSON lines into a pipe, or silence.

Everything that takes long (`convert`, `Group.copy`, `save_group`, ...) has a `progress` argument that takes a callable.
It is called with a `Report` whenever something moved, from the thread that asked for the work.
`reporter()` makes the callable that suits the place where output goes.

Example:
    >>> from zarrite.progress import Report
    >>> seen = []
    >>> for step in track("copy", [("a", 10), ("b", 30)], seen.append):
    ...     pass
    >>> seen[-1].done_bytes, seen[-1].total_bytes, seen[-1].finished
    (40, 40, True)
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

from zarrite.errors import MissingDependencyError

__all__ = ["Bars", "JsonLines", "Patient", "Progress", "Report", "reporter", "track"]


class Report(NamedTuple):
    """Where a piece of long work stands.

    Attributes:
        work: what is going on: "convert", "copy", "save", "verify" ...
        item: path of the array or group in hand; empty for the work as a whole.
        done_bytes: bytes of cells finished so far; of stored objects where these are copied or deleted as they are.
        total_bytes: such bytes there are in all; `None` when nobody knows yet.
        done_items: arrays finished so far, or stored objects.
        total_items: how many there are in all; `None` when nobody knows yet.
        finished: whether the work as a whole is over.
    """

    work: str
    item: str = ""
    done_bytes: int = 0
    total_bytes: int | None = None
    done_items: int = 0
    total_items: int | None = None
    finished: bool = False


Progress = Callable[[Report], None]


def silent(report: Report) -> None:
    """Takes reports and does nothing with them."""


class JsonLines:
    """Writes one JSON object a line, at most one every `every_s` seconds, and always the last.

    Args:
        stream: where the lines go; standard error when `None`, so that results on standard output stay clean.
        every_s: least time between two lines, in seconds.

    Example:
        >>> import io
        >>> out = io.StringIO()
        >>> JsonLines(out)(Report("copy", "a", 40, 40, 1, 1, True))
        >>> json.loads(out.getvalue())["done_bytes"]
        40
    """

    def __init__(self, stream: IO[str] | None = None, every_s: float = 0.5) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._every_s = every_s
        self._next = 0.0

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        if report.finished or now >= self._next:
            self._next = now + self._every_s
            self._stream.write(json.dumps(report._asdict()) + "\n")
            self._stream.flush()


class Bars:
    """Draws a bar for the work as a whole, with the item in hand beside it.

    Args:
        stream: the terminal; standard error when `None`.

    Raises:
        MissingDependencyError: `rich` is not installed.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        try:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress as RichProgress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
        except ImportError as error:
            raise MissingDependencyError("rich", "drawing progress bars", "cli") from error
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream if stream is not None else sys.stderr),
            transient=False,
        )
        self._tasks: dict[str, Any] = {}

    def __call__(self, report: Report) -> None:
        if not self._tasks:
            self._bars.start()
        if report.work not in self._tasks:
            self._tasks[report.work] = self._bars.add_task(report.work, total=report.total_bytes)
        label = f"{report.work} {report.item}".rstrip()
        if report.total_items is not None and report.total_items > 1:
            label = f"{label} ({report.done_items}/{report.total_items})"
        self._bars.update(
            self._tasks[report.work], completed=report.done_bytes, total=report.total_bytes, description=label
        )
        if report.finished:
            self._bars.stop()


class Patient:
    """Passes reports on once the work has taken a while: what is over sooner shows nothing.

    Args:
        tell: who is told.
        after_s: how long nothing is shown, in seconds.

    Example:
        >>> seen = []
        >>> Patient(seen.append, after_s=60)(Report("copy", finished=True)), seen
        (None, [])
    """

    def __init__(self, tell: Progress, after_s: float) -> None:
        self._tell = tell
        self._until = time.monotonic() + after_s
        self._has_told = False

    def __call__(self, report: Report) -> None:
        if self._has_told or (not report.finished and time.monotonic() >= self._until):
            self._has_told = not report.finished
            self._tell(report)


def reporter(how: str | Progress | bool | None = "auto", stream: IO[str] | None = None) -> Progress:
    """The callable that shows progress in a given way.

    Args:
        how: "auto" (bars on a terminal where `rich` is installed, JSON lines elsewhere), "bars", "json", "silent";
            `True` is "auto", `False` and `None` are "silent"; a callable is given back as it is.
        stream: where it shows; standard error when `None`.

    Raises:
        ValueError: no such way.
        MissingDependencyError: "bars" was asked for and `rich` is not installed.
    """
    if callable(how):
        return how
    if how is None or how is False or how == "silent":
        return silent
    if how == "json":
        return JsonLines(stream)
    if how == "bars":
        return Bars(stream)
    if how is True or how == "auto":
        target = stream if stream is not None else sys.stderr
        if target.isatty():
            try:
                return Bars(stream)
            except MissingDependencyError:
                return silent
        return JsonLines(stream)
    raise ValueError(f"no progress display is called {how!r}; known: auto, bars, json, silent, or a callable")


def track(work: str, items: Iterable[tuple[str, int]], progress: Progress | None) -> Iterator[str]:
    """Gives the names of `(name, bytes)` items one by one and reports each as done when the next is asked for.

    Args:
        work: what is going on.
        items: names, and how many bytes of cells each stands for.
        progress: who is told; nobody when `None`.
    """
    everything = list(items)
    total_bytes = sum(size_bytes for _, size_bytes in everything)
    done_bytes = 0
    tell = progress if progress is not None else silent
    for done_items, (name, size_bytes) in enumerate(everything):
        tell(Report(work, name, done_bytes, total_bytes, done_items, len(everything)))
        yield name
        done_bytes += size_bytes
    tell(Report(work, "", done_bytes, total_bytes, len(everything), len(everything), finished=True))
