"""Chunks of different lengths along one axis: listed or run-length coded, kept as runs and never written out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import MetadataValidationError
from .checks import Frozen, brief, integer

Run = tuple[int, int, int]
"""Length of a chunk, how many of it follow each other, and how many cells each of them stores."""


class Edges(Frozen):
    """The chunks along one axis.

    Args:
        runs: chunks from the origin on; the last run is taken to go on for ever where `endless` is set.
        endless: whether the one run there is repeats as far as the axis reaches.

    Example:
        >>> edges = Edges(((3, 2, 3), (4, 1, 4)))
        >>> edges.count(8), edges.start(2), edges.at(7)
        (3, 6, 2)
        >>> edges.lengths(8)
        (3, 3, 2)
    """

    __slots__ = ("_cells", "_chunks", "endless", "runs")
    runs: tuple[Run, ...]
    endless: bool
    _cells: list[int]
    _chunks: list[int]

    def __init__(self, runs: Sequence[Run], endless: bool = False) -> None:
        self.runs = tuple(runs)
        self.endless = endless
        cells, chunks = [0], [0]
        for edge, count, _ in self.runs:
            cells.append(cells[-1] + edge * count)
            chunks.append(chunks[-1] + count)
        self._cells = cells
        self._chunks = chunks

    def values(self) -> tuple[Any, ...]:
        return (self.runs, self.endless)

    def __repr__(self) -> str:
        return f"Edges({brief(self.runs)}, endless={self.endless})"

    @property
    def only(self) -> int | None:
        """The length that every chunk has and stores, if it is one."""
        lengths = {number for edge, _, stored in self.runs for number in (edge, stored)}
        return lengths.pop() if len(lengths) == 1 else None

    @property
    def reach(self) -> int | None:
        """Cells that all chunks cover together; None where they go on for ever."""
        return None if self.endless else self._cells[-1]

    @property
    def longest(self) -> int:
        """The most cells that a chunk stores."""
        return max((stored for _, _, stored in self.runs), default=1)

    def stored_lengths(self) -> tuple[int, ...]:
        """The different numbers of cells that chunks store, ascending."""
        return tuple(sorted({stored for _, _, stored in self.runs})) or (1,)

    def _run(self, places: list[int], value: int) -> int:
        return 0 if self.endless else max(0, min(bisect_right(places, value) - 1, len(self.runs) - 1))

    def at(self, cell: int) -> int:
        """The chunk that holds a cell."""
        run = self._run(self._cells, cell)
        return self._chunks[run] + (cell - self._cells[run]) // self.runs[run][0]

    def start(self, chunk: int) -> int:
        """The first cell of a chunk; behind the last chunk, where it ends."""
        if not self.runs:
            return 0
        run = self._run(self._chunks, chunk)
        start = self._cells[run] + (chunk - self._chunks[run]) * self.runs[run][0]
        return start if self.endless else min(start, self._cells[-1])

    def count(self, extent: int) -> int:
        """How many chunks hold cells of an axis of that extent."""
        return self.at(extent - 1) + 1 if extent and self.runs else 0

    def lengths(self, extent: int) -> tuple[int, ...]:
        """The cells of each chunk that lie inside an axis of that extent."""
        return tuple(stop - start for start, stop in self.parts(extent))

    def parts(self, extent: int) -> Iterator[tuple[int, int]]:
        """First cell and end of each chunk inside an axis of that extent, one after the other."""
        start = 0
        for edge, count, _ in self.covering(extent):
            for _ in range(count):
                yield start, min(start + edge, extent)
                start += edge

    def covering(self, extent: int) -> list[Run]:
        """The runs as far as they hold cells of an axis of that extent."""
        found: list[Run] = []
        start = 0
        for edge, count, stored in self.runs:
            left = -(-(extent - start) // edge)
            if left <= 0:
                break
            taken = left if self.endless else min(left, count)
            found.append((edge, taken, stored))
            start += edge * taken
        return found

    def lowered(self, extent: int) -> int | list[Run]:
        """What the engine is told: one edge, or the runs that hold cells."""
        runs = self.covering(extent)
        same = Edges(runs).only if runs else self.only
        return same if same is not None else runs


def equal_edges(edge: int) -> Edges:
    """Chunks of one length, as many as it takes."""
    return Edges(((edge, 1, edge),), endless=True)


def runs_from_json(value: object, what: str, pairs: bool = True) -> list[tuple[int, int]] | int:
    """One axis of a document: a length that repeats, or lengths and pairs of length and count.

    Two integers at the outer level are two lengths; two integers in a list of their own are a length and how often it
    is repeated.

    Raises:
        MetadataValidationError: anything else.
    """
    if not isinstance(value, (list, tuple)):
        return integer(value, what, low=1)
    runs: list[tuple[int, int]] = []
    for entry in value:
        if isinstance(entry, (list, tuple)) and pairs:
            if len(entry) != 2:
                raise MetadataValidationError(
                    f"a list in {what} must be a pair of a length and a count, not {brief(entry)}"
                )
            edge, count = (integer(number, f"each number of {what}", low=1) for number in entry)
        else:
            edge, count = integer(entry, f"each entry of {what}", low=1), 1
        if runs and runs[-1][0] == edge:
            runs[-1] = (edge, runs[-1][1] + count)
        else:
            runs.append((edge, count))
    return runs


def edges_from_json(logical: object, stored: object, extent: int, what: str, pairs: bool = True) -> Edges:
    """The chunks of an axis, from what a document says of their lengths and, if anything, of what they store.

    Raises:
        MetadataValidationError: chunks that do not reach the end of the axis, or that store less than they cover.
    """
    runs = runs_from_json(logical, what, pairs)
    if isinstance(runs, int):
        if stored is None:
            return equal_edges(runs)
        runs = [(runs, -(-extent // runs))] if extent else []
    reach = sum(edge * count for edge, count in runs)
    if reach < extent:
        raise MetadataValidationError(
            f"{what} has chunks of {reach} cells in all for an axis of {extent}; they must reach its end"
        )
    if stored is None:
        return Edges([(edge, count, edge) for edge, count in runs])
    held = runs_from_json(stored, f"what chunks of {what} store", pairs)
    total = sum(count for _, count in runs)
    pieces = [(held, total)] if isinstance(held, int) else held
    if sum(count for _, count in pieces) != total:
        raise MetadataValidationError(f"{what} has {total} chunks, and another number of lengths that they store")
    return Edges(list(_paired(runs, pieces, what)))


def _paired(runs: list[tuple[int, int]], held: list[tuple[int, int]], what: str) -> Iterator[Run]:
    rest = iter(held)
    stored = left = 0
    for edge, chunks in runs:
        count = chunks
        while count:
            if not left:
                stored, left = next(rest)
            if stored < edge:
                raise MetadataValidationError(f"a chunk of {what} covers {edge} cells and stores only {stored}")
            taken = min(count, left)
            yield edge, taken, stored
            count -= taken
            left -= taken


def runs_to_json(runs: Sequence[tuple[int, int]]) -> list[Any]:
    """Lengths and counts as a document has them: a pair only where it says something."""
    return [edge if count == 1 else [edge, count] for edge, count in runs]


def appended(spelled: Any, edge: int) -> Any:
    """What a document says of an axis, with one more chunk behind the last; a length that repeats needs none."""
    if isinstance(spelled, int):
        return spelled
    listed = list(spelled)
    before = listed[-1] if listed else None
    if before == edge:
        listed[-1] = [edge, 2]
    elif isinstance(before, (list, tuple)) and before[0] == edge:
        listed[-1] = [edge, before[1] + 1]
    else:
        listed.append(edge)
    return listed
