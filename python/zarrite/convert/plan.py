"""What a conversion will write: grids, pieces and memory, worked out before anything is touched."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from zarrite.convert.asked import ShapeAsked, is_chosen, parse_shape, show_bytes
from zarrite.convert.shapes import CHUNK_BYTES, SHARD_BYTES, near_cubic, suggest_chunks, suggest_shards
from zarrite.convert.source import Box, ConversionError, Source, SourceArray

__all__ = ["ArrayPlan", "Plan", "default_memory_bytes", "make_plan"]

SHARE = 4
"""A piece may take this part of the memory: one is read while another is written, which needs its encoded copy."""

LONG_RUN_BYTES = 64 << 10
"""Cells that lie side by side in a file without chunks are read fast from about this many bytes."""

MOST_CANDIDATES = 4096
"""How many piece shapes are compared for one array."""


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """How one array is written.

    Attributes:
        array: what is read.
        chunks: shape of a chunk, in cells.
        shards: shape of a shard; `None` when chunks are objects of their own.
        piece: shape of what is read and written at a time, a multiple of the stored object's.
        source_reads: how many times the source's chunks are read, about; 1 is best.
    """

    array: SourceArray
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None
    piece: tuple[int, ...]
    source_reads: float

    @property
    def unit(self) -> tuple[int, ...]:
        """Shape of a stored object."""
        return self.shards or self.chunks

    @property
    def object_count(self) -> int:
        """How many objects the array's grid has."""
        return math.prod(-(-length // side) for length, side in zip(self.array.shape, self.unit, strict=True))

    @property
    def memory_bytes(self) -> int:
        """Memory the array needs while it is converted: two pieces, their encoded copy, what reading takes besides."""
        clipped = math.prod(min(side, length) for side, length in zip(self.piece, self.array.shape, strict=True))
        return (SHARE - 1) * clipped * self.array.cell_bytes + self.array.scratch_bytes

    def pieces(self) -> Iterator[Box]:
        """The boxes to read and write, in C order; without those that the source never wrote."""
        shape, piece = self.array.shape, self.piece
        if math.prod(shape) == 0:
            return
        counts = [-(-length // side) for length, side in zip(shape, piece, strict=True)]
        indices: Iterable[tuple[int, ...]]
        if self.array.written is None:
            indices = _indices(counts)
        else:
            touched: set[tuple[int, ...]] = set()
            for box in self.array.written():
                sides = zip(box, piece, strict=True)
                touched.update(itertools.product(*(range(c.start // side, -(-c.stop // side)) for c, side in sides)))
            indices = sorted(touched)
        for index in indices:
            yield tuple(
                slice(at * side, min((at + 1) * side, length))
                for at, side, length in zip(index, piece, shape, strict=True)
            )

    def to_dict(self) -> dict[str, Any]:
        """The plan of this array as JSON has it."""
        return {
            "path": self.array.path,
            "shape": list(self.array.shape),
            "dtype": str(self.array.dtype),
            "dimension_names": list(self.array.dimension_names) if self.array.dimension_names is not None else None,
            "source_chunks": list(self.array.chunks) if self.array.chunks is not None else None,
            "chunks": list(self.chunks),
            "shards": list(self.shards) if self.shards is not None else None,
            "piece": list(self.piece),
            "bytes": self.array.nbytes,
            "objects": self.object_count,
            "memory_bytes": self.memory_bytes,
            "source_reads": round(self.source_reads, 2),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """How a whole source is written.

    Attributes:
        groups: path to attributes.
        arrays: in the source's order.
        memory_limit: bytes that the conversion may use.
    """

    groups: dict[str, dict[str, Any]]
    arrays: list[ArrayPlan]
    memory_limit: int

    @property
    def nbytes(self) -> int:
        """Bytes of all cells."""
        return sum(plan.array.nbytes for plan in self.arrays)

    @property
    def memory_bytes(self) -> int:
        """Memory needed at any one time."""
        return max((plan.memory_bytes for plan in self.arrays), default=0)

    @property
    def object_count(self) -> int:
        """Objects in the target, documents included, when every chunk holds something."""
        return sum(plan.object_count for plan in self.arrays) + len(self.arrays) + len(self.groups)


def _indices(counts: list[int]) -> Iterator[tuple[int, ...]]:
    """Every index of a grid in C order, one at a time: the grid may be larger than any list."""
    for number in range(math.prod(counts)):
        index = []
        for count in reversed(counts):
            number, at = divmod(number, count)
            index.append(at)
        yield tuple(reversed(index))


def default_memory_bytes() -> int:
    """A quarter of this machine's memory, at most 1 GiB."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        total = 4 << 30
    return int(min(1 << 30, max(64 << 20, total // 4)))


def make_plan(
    source: Source,
    *,
    chunks: ShapeAsked = "auto",
    shards: ShapeAsked = "auto",
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    memory_bytes: int | None = None,
) -> Plan:
    """Chooses shapes for every array that is to be converted.

    Raises:
        ConversionError: a shape that fits no array, or a memory limit that one array cannot be converted in; the
            sentence names the nearest limit that works.
    """
    include, exclude = list(include), list(exclude)
    limit = memory_bytes if memory_bytes is not None else default_memory_bytes()
    arrays = [array for array in source.arrays if not array.path or is_chosen(array.path, include, exclude)]
    for item in source.skipped:
        if item.is_fatal and is_chosen(item.path, include, exclude):
            raise ConversionError(item.why)
    if (include or exclude) and not arrays and source.arrays:
        raise ConversionError(f"no array of the source is left by include={include} and exclude={exclude}")
    chunks_asked, shards_asked = parse_shape(chunks), parse_shape(shards)
    _check_asked("chunks", chunks_asked, arrays)
    _check_asked("shards", shards_asked, arrays)
    plans = [plan_array(array, chunks_asked, shards_asked, limit) for array in arrays]
    return Plan(_groups(source, arrays, include, exclude), plans, limit)


def _groups(
    source: Source, arrays: list[SourceArray], include: list[str], exclude: list[str]
) -> dict[str, dict[str, Any]]:
    """The groups that are converted: those chosen, and those around a chosen array."""
    needed = {""}
    for array in arrays:
        parts = array.path.split("/")[:-1]
        needed.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    chosen = {path for path in source.groups if path and is_chosen(path, include, exclude)}
    for path in tuple(chosen):
        parts = path.split("/")
        needed.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return {path: attributes for path, attributes in source.groups.items() if path in needed or path in chosen}


def _check_asked(what: str, asked: Any, arrays: list[SourceArray]) -> None:
    """Refuses shapes that no array could take: they would be a typing error that nobody notices."""
    if isinstance(asked, tuple) and arrays and not any(len(array.shape) == len(asked) for array in arrays):
        raise ConversionError(f"{what} {','.join(map(str, asked))} has {len(asked)} axes, and no array has as many")
    if isinstance(asked, dict):
        known = {name for array in arrays for name in array.dimension_names or ()}
        unknown = sorted(set(asked) - {str(name) for name in known})
        if unknown:
            names = ", ".join(sorted(str(name) for name in known)) or "none"
            raise ConversionError(f"{what} names the dimension {unknown[0]!r}, which no array has; there are: {names}")


def plan_array(array: SourceArray, chunks_asked: Any, shards_asked: Any, limit: int) -> ArrayPlan:
    """Chooses the shapes of one array."""
    room = (limit - array.scratch_bytes) // SHARE
    if room <= 0:
        raise _too_little(array, 2 * array.scratch_bytes, limit, "one chunk of the source")
    chunks, shards = _grid(array, chunks_asked, shards_asked, room)
    unit = shards or chunks
    whole = tuple(max(1, length) for length in array.shape)
    unit_bytes = math.prod(min(side, length) for side, length in zip(unit, whole, strict=True)) * array.cell_bytes
    if unit_bytes > room:
        raise _too_little(array, SHARE * unit_bytes + array.scratch_bytes, limit, "one stored object")
    piece = _piece(array, unit, room)
    return ArrayPlan(array, chunks, shards, piece, _reads(array, piece))


def _too_little(array: SourceArray, needed: int, limit: int, what: str) -> ConversionError:
    needed = -(-needed // (1 << 20)) << 20
    return ConversionError(
        f"array {array.path!r} cannot be converted in {show_bytes(limit)} of memory, as {what} is too large; "
        f"allow {show_bytes(needed)}, or ask for smaller shards"
    )


def _grid(
    array: SourceArray, chunks_asked: Any, shards_asked: Any, room: int
) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    shape, cell_bytes, rank = array.shape, array.cell_bytes, len(array.shape)
    if chunks_asked == shards_asked == "auto" and array.shards and array.chunks:
        fits = math.prod(array.shards) * cell_bytes <= room
        if fits:
            return array.chunks, array.shards
    shards = _asked_lengths(shards_asked, array)
    chunks = _asked_lengths(chunks_asked, array)
    if chunks is None and isinstance(chunks_asked, dict):
        chunks = _by_dimension(chunks_asked, array, CHUNK_BYTES)
    if shards is None and isinstance(shards_asked, dict):
        shards = _by_dimension(shards_asked, array, min(SHARD_BYTES, room))
    if chunks is None:
        if chunks_asked == "source" and array.chunks is not None:
            chunks = tuple(max(1, min(a, b)) for a, b in zip(array.chunks, shape, strict=True))
        elif shards is not None:
            chunks = tuple(
                _divisor(side, near)
                for side, near in zip(shards, suggest_chunks(shards, cell_bytes, array.chunks), strict=True)
            )
        else:
            target = chunks_asked if isinstance(chunks_asked, int) else CHUNK_BYTES
            chunks = suggest_chunks(shape, cell_bytes, array.chunks, min(target, room))
    if shards is not None:
        wrong = next((axis for axis in range(rank) if shards[axis] % chunks[axis]), None)
        if wrong is not None and isinstance(shards_asked, tuple):
            near = tuple(-(-side // chunk) * chunk for side, chunk in zip(shards, chunks, strict=True))
            raise ConversionError(
                f"array {array.path!r}: shards {shards} are no multiple of chunks {chunks}; {near} would be"
            )
        shards = tuple(-(-side // chunk) * chunk for side, chunk in zip(shards, chunks, strict=True))
        return chunks, None if shards == chunks else shards
    if shards_asked == "none" or (isinstance(shards_asked, str) and shards_asked == "source" and not array.shards):
        return chunks, None
    target = shards_asked if isinstance(shards_asked, int) else SHARD_BYTES
    return chunks, suggest_shards(shape, chunks, cell_bytes, array.chunks, min(target, int(room / 1.4)))


def _asked_lengths(asked: Any, array: SourceArray) -> tuple[int, ...] | None:
    """Lengths that were asked for one by one, when this array has as many axes."""
    if not isinstance(asked, tuple) or len(asked) != len(array.shape):
        return None
    return tuple(max(1, length) if side == -1 else side for side, length in zip(asked, array.shape, strict=True))


def _by_dimension(asked: dict[str, int], array: SourceArray, target_bytes: int) -> tuple[int, ...] | None:
    """Lengths where a dimension was named; the axes that were not share what is left of the target."""
    names = array.dimension_names or ()
    if not any(name in asked for name in names):
        return None
    fixed = {
        axis: (max(1, array.shape[axis]) if asked[name] == -1 else min(asked[name], max(1, array.shape[axis])))
        for axis, name in enumerate(names)
        if name in asked
    }
    free = [axis for axis in range(len(array.shape)) if axis not in fixed]
    cells = target_bytes / array.cell_bytes / math.prod(fixed.values())
    rest = dict(zip(free, near_cubic(tuple(array.shape[axis] for axis in free), max(1.0, cells)), strict=True))
    return tuple({**fixed, **rest}[axis] for axis in range(len(array.shape)))


def _divisor(length: int, near: int) -> int:
    """The divisor of a length that is nearest to a number, not above it by more than half."""
    best = 1
    for count in range(1, math.isqrt(length) + 1):
        if length % count == 0:
            for way in (count, length // count):
                if way <= 1.5 * near and abs(way - near) < abs(best - near):
                    best = way
    return best


def _reads(array: SourceArray, piece: tuple[int, ...]) -> float:
    """How often, about, each chunk of the source is read when it is read in such pieces."""
    if array.chunks is None:
        return 1.0
    reads = 1.0
    for length, side, own in zip(array.shape, piece, array.chunks, strict=True):
        if length == 0 or side >= length or side % own == 0:
            continue
        # Pieces start at any place within a chunk: each touches one chunk more than it needs, on average less a part.
        pieces = -(-length // side)
        touched = sum((min((at + 1) * side, length) - 1) // own - at * side // own + 1 for at in range(min(pieces, 64)))
        reads *= touched * own / min(length, 64 * side)
    return reads


def _piece(array: SourceArray, unit: tuple[int, ...], room: int) -> tuple[int, ...]:
    """A multiple of the stored object that reads the source as seldom as memory allows, and in long runs."""
    rank, whole = len(unit), tuple(max(1, length) for length in array.shape)
    if rank == 0:
        return ()
    workers = os.cpu_count() or 1
    # The engine encodes several objects at a time, one on each core.
    wanted = min(room, max(SHARD_BYTES, workers * math.prod(unit) * array.cell_bytes))
    choices = [_counts(length, side, own) for length, side, own in zip(whole, unit, array.chunks or whole, strict=True)]
    while math.prod(len(choice) for choice in choices) > MOST_CANDIDATES:
        longest = max(range(rank), key=lambda axis: len(choices[axis]))
        choices[longest] = choices[longest][::2] if len(choices[longest]) > 2 else choices[longest][:1]
    best, best_score = unit, None
    for counts in itertools.product(*choices):
        piece = tuple(side * count for side, count in zip(unit, counts, strict=True))
        clipped = tuple(min(side, length) for side, length in zip(piece, whole, strict=True))
        piece_bytes = math.prod(clipped) * array.cell_bytes
        if piece_bytes > room:
            continue
        run_bytes = LONG_RUN_BYTES if array.chunks else _run(clipped, whole) * array.cell_bytes
        score = (
            -round(_reads(array, piece), 1),
            min(piece_bytes, wanted),
            min(run_bytes, LONG_RUN_BYTES),
            -piece_bytes,
        )
        if best_score is None or score > best_score:
            best, best_score = piece, score
    return best


def _counts(length: int, side: int, own: int) -> list[int]:
    """Counts of stored objects along one axis that are worth trying: powers of two, all, what the source aligns to."""
    most = max(1, -(-length // side))
    counts = {1, most}
    counts.update(count for power in range(17) for count in (2 << power, 3 << power) if count < most)
    aligned = math.lcm(side, max(1, own)) // side
    counts.update(step * aligned for step in (1, 2, 4) if step * aligned < most)
    return sorted(counts)


def _run(clipped: tuple[int, ...], whole: tuple[int, ...]) -> int:
    """Cells that lie one after the other in an array stored row by row."""
    run = 1
    for side, length in zip(reversed(clipped), reversed(whole), strict=True):
        run *= side
        if side < length:
            break
    return run
