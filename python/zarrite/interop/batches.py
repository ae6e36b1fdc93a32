"""Lists of chunk selections, as zarr-python makes them, put together again to the one selection they came from.

zarr-python cuts a selection into one entry a chunk: where the chunk is, what of it is wanted, and where that belongs in
the result. Its entries stand in the order of the grid, so the cut can be undone axis by axis. What was put together is
cut once more in thought and held against every entry: what is not exactly that is not understood.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from zarrite.selection import Axis, Box, Points

__all__ = ["Chunks", "Keys", "chosen", "keys_of"]

Entry = tuple[Any, Any, Any, Any, bool]
"""Where the chunk is, its description, what of it, where in the result, and whether all of it."""


class Edges(Protocol):
    """Where the chunks of an axis begin."""

    @property
    def longest(self) -> int: ...
    def start(self, chunk: int, /) -> int: ...


class Encoding(Protocol):
    """How places in the grid become keys."""

    def encode(self, index: Sequence[int], /) -> str: ...


class Keys(NamedTuple):
    """How the keys of an array's chunks are written: some text, and the numbers with a separator between them."""

    lead: str
    separator: str

    def prefix_of(self, path: str, ndim: int) -> str:
        """What stands in front of a chunk's key: the path of the array, with its slash."""
        # As many parts belong to the key as it has slashes, and one.
        parts = self.lead.count("/") + (ndim - 1 if self.separator == "/" else 0) + 1
        return path[: len(path) - len("/".join(path.split("/")[-parts:]))]


class Chunks(NamedTuple):
    """What is understood of an array's chunks."""

    keys: Keys
    edges: tuple[Edges, ...]


def keys_of(encoding: Encoding, ndim: int) -> Keys | None:
    """How an encoding writes keys; `None` when it does so in another way than with a separator."""
    if not ndim:
        return None
    lead, found, rest = encoding.encode((7,) * ndim).partition("7")
    keys = Keys(lead, rest[:1])
    numbers = range(12, 12 + ndim)
    is_so = found and encoding.encode(tuple(numbers)) == lead + keys.separator.join(map(str, numbers))
    return keys if is_so else None


def chosen(
    batch: Sequence[Entry], prefix: str, chunks: Chunks, shape: tuple[int, ...] | None, drop: tuple[int, ...]
) -> Box | Points | None:
    """The selection that a list of chunk selections came from; `None` where it is not understood.

    Args:
        batch: one entry a chunk, at least one.
        prefix: what stands in front of every key.
        chunks: the array's chunks.
        shape: shape of the result; `None` where one value stands for all of it.
        drop: axes that an integer fixed, where entries hold index numbers for every axis.
    """
    lead, separator = chunks.keys
    skip = len(prefix) + len(lead)
    paths = [entry[0].path for entry in batch]
    if not paths[0].startswith(prefix + lead):
        return None
    rows = [path[skip:].split(separator) if separator else [path[skip:]] for path in paths]
    try:
        if type(batch[0][3]) is tuple:
            return _box(batch, paths, rows, prefix + lead, chunks, shape, drop)
        return _points(batch, paths, rows, prefix + lead, chunks, shape)
    except (ValueError, TypeError, IndexError, AttributeError):
        # Something else stands in an entry than zarr-python puts there.
        return None


# ---------------------------------------------------------------- boxes


def _box(
    batch: Sequence[Entry],
    paths: list[str],
    rows: list[list[str]],
    lead: str,
    chunks: Chunks,
    shape: tuple[int, ...] | None,
    drop: tuple[int, ...],
) -> Box | None:
    ndim = len(chunks.edges)
    wanted = [entry[2] for entry in batch]
    outs = [entry[3] for entry in batch]
    first = wanted[0]
    if type(first) is not tuple or len(first) != ndim or len(rows[0]) != ndim:
        return None
    # Where several axes have index numbers, or one beside an integer, each stands in a shape of its own for NumPy.
    is_open = all(isinstance(part, np.ndarray) and part.ndim == ndim for part in first) and ndim > 1
    if is_open:
        wanted = [tuple(part.reshape(-1) for part in parts) for parts in wanted]
    else:
        drop = tuple(axis for axis, part in enumerate(first) if _is_number(part))
    kept = [axis for axis in range(ndim) if axis not in drop]
    if len(outs[0]) != len(kept) or (shape is not None and len(kept) != len(shape)):
        return None
    if any(isinstance(part, np.ndarray) and part.ndim > 1 for part in outs[0]):
        outs = [tuple(_flat(part) for part in parts) for parts in outs]

    counts = _counts(rows, ndim)
    if counts is None:
        return None
    steps = [math.prod(counts[axis + 1 :]) for axis in range(ndim)]
    starts = [[place * step for place in range(count)] for count, step in zip(counts, steps, strict=True)]
    numbers = [[rows[at][axis] for at in places] for axis, places in enumerate(starts)]
    parts = [[wanted[at][axis] for at in places] for axis, places in enumerate(starts)]
    places_out = [[outs[at][place] for at in starts[axis]] for place, axis in enumerate(kept)]
    if not (
        paths == [lead + key for key in map(chunks.keys.separator.join, itertools.product(*numbers))]
        and _same(wanted, parts)
        and _same(outs, places_out)
    ):
        return None

    if shape is None:
        shape = tuple(sum(map(_length, parts[axis])) for axis in kept)
    axes: list[Axis] = []
    into = iter(zip(places_out, shape, strict=True))
    for axis, edges in enumerate(chunks.edges):
        offsets = [edges.start(int(number)) for number in numbers[axis]]
        found = _fixed(offsets, parts[axis]) if axis in drop else _axis(offsets, parts[axis], *next(into))
        if found is None:
            return None
        axes.append(found)
    return Box(tuple(axes), drop, shape, shape)


def _is_number(part: Any) -> bool:
    return isinstance(part, (int, np.integer))


def _flat(part: Any) -> Any:
    return part.reshape(-1) if isinstance(part, np.ndarray) else part


def _length(part: Any) -> int:
    """How many cells along an axis a part of a chunk is."""
    if type(part) is slice:
        return len(range(part.start, part.stop, part.step or 1))
    return int(np.count_nonzero(part)) if part.dtype == bool else len(part)


def _counts(rows: list[list[str]], ndim: int) -> list[int] | None:
    """How many chunks an axis each the entries are of, when they are all combinations in the order of the grid."""
    counts = [1] * ndim
    step = 1
    for axis in reversed(range(ndim)):
        first, count = rows[0][axis], 1
        while count * step < len(rows) and rows[count * step][axis] != first:
            count += 1
        counts[axis] = count
        step *= count
    return counts if step == len(rows) else None


def _same(entries: list[tuple[Any, ...]], parts: list[list[Any]]) -> bool:
    """Whether entries are all combinations of the parts of each axis."""
    try:
        # Mostly they are the same objects, which is found out without a look into them.
        return entries == list(itertools.product(*parts))
    except ValueError:  # arrays have no one answer to ==
        spelled = [tuple(map(_spelled, entry)) for entry in entries]
        return spelled == list(itertools.product(*([_spelled(part) for part in axis] for axis in parts)))


def _spelled(part: Any) -> Any:
    return (part.dtype.str, part.shape, part.tobytes()) if isinstance(part, np.ndarray) else part


def _fixed(offsets: list[int], parts: list[Any]) -> Axis | None:
    """An axis that an integer fixed."""
    if len(parts) != 1:
        return None
    at = parts[0] if _is_number(parts[0]) else parts[0].item()
    return int(offsets[0] + at), 1, 1


def _axis(offsets: list[int], parts: list[Any], places: list[Any], length: int) -> Axis | None:
    """One axis of the selection.

    Args:
        offsets: the first cell of each chunk.
        parts: what of each chunk is wanted.
        places: where that belongs in the result.
        length: how long the result is along the axis.
    """
    if all(type(part) is slice for part in parts):
        first, step = parts[0].start, parts[0].step or 1
        start, done = offsets[0] + first, 0
        for offset, part, place in zip(offsets, parts, places, strict=True):
            count = len(range(part.start, part.stop, step))
            goes_on = type(place) is slice and place.start == done and place.stop == done + count
            if not (goes_on and (part.step or 1) == step and offset + part.start == start + done * step):
                return None
            done += count
        return (int(start), int(step), done) if done == length and step > 0 else None
    numbers = [offset + _indices(part) for offset, part in zip(offsets, parts, strict=True)]
    found: Axis | None = _placed(numbers, places, length)
    return found


def _indices(part: Any) -> Any:
    """Cells of a chunk along an axis as numbers."""
    if type(part) is slice:
        return np.arange(part.start, part.stop, part.step or 1, dtype=np.int64)
    return np.flatnonzero(part) if part.dtype == bool else part.astype(np.int64)


def _placed(numbers: list[Any], places: list[Any], length: int) -> Any:
    """Index numbers in the order of the result; `None` unless each place of the result is named once."""
    if sum(map(len, numbers)) != length:
        return None
    flat = np.concatenate(numbers)
    done = 0
    for part, place in zip(numbers, places, strict=True):
        if type(place) is not slice or place.start != done or place.stop != done + len(part):
            break
        done += len(part)
    else:
        return flat
    order = np.concatenate([_indices(place) for place in places])
    if order.shape != flat.shape or not np.array_equal(np.sort(order), np.arange(length)):
        return None
    settled = np.empty_like(flat)
    settled[order] = flat
    return settled


# ---------------------------------------------------------------- points


def _points(
    batch: Sequence[Entry],
    paths: list[str],
    rows: list[list[str]],
    lead: str,
    chunks: Chunks,
    shape: tuple[int, ...] | None,
) -> Points | None:
    ndim = len(chunks.edges)
    if (shape is not None and len(shape) != 1) or any(
        type(entry[2]) is not tuple or len(entry[2]) != ndim for entry in batch
    ):
        return None
    if paths != [lead + chunks.keys.separator.join(row) for row in rows]:
        return None
    lengths = [len(entry[2][0]) for entry in batch]
    points = []
    for axis, edges in enumerate(chunks.edges):
        parts = [entry[2][axis] for entry in batch]
        shapes = [part.shape for part in parts]
        if shapes != [(length,) for length in lengths] or any(part.dtype.kind not in "iu" for part in parts):
            return None
        offsets = np.array([edges.start(int(row[axis])) for row in rows], dtype=np.int64)
        flat = np.concatenate(parts).astype(np.int64) + np.repeat(offsets, lengths)
        points.append(flat)
    ends = list(itertools.accumulate(lengths))
    shape = shape or (ends[-1],)
    ranges = [np.arange(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    order = _placed(ranges, [entry[3] for entry in batch], shape[0])
    return None if order is None else Points(tuple(flat[order] for flat in points), shape)
