"""Shapes of chunks and shards, chosen by bytes.

Chunks of about 1 MiB in shards of about 64 MiB: small enough to read a part, large enough that a file or an object is
worth a request. A source's own chunks are followed where they are near that size; otherwise shapes are near cubic in
cells, whole along short axes, and split long axes evenly. An array that fits one chunk gets one chunk and no shard.
"""

from __future__ import annotations

import math

__all__ = ["CHUNK_BYTES", "SHARD_BYTES", "even_split", "near_cubic", "suggest_chunks", "suggest_shards"]

CHUNK_BYTES = 1 << 20
SHARD_BYTES = 64 << 20

MOST_DIVISORS = 500
"""How far from the wanted number of parts an even one is looked for."""

ROOM = 1.4
"""How much larger than asked a shape may be when that saves splitting at all."""


def near_cubic(shape: tuple[int, ...], cells: float) -> tuple[int, ...]:
    """A box of about so many cells, as near to a cube as the shape allows.

    Axes shorter than the cube's side are taken whole and the others share what that leaves. Long axes are split into
    parts of nearly equal length, in even divisors where there is one near by.

    Example:
        >>> near_cubic((365, 721, 1440), 1 << 18)
        (73, 61, 60)
        >>> near_cubic((100_000, 3), 1 << 17)
        (50000, 3)
    """
    box = [max(1, length) for length in shape]
    left, open_axes = float(cells), set(range(len(shape)))
    while open_axes:
        side = max(1.0, left ** (1 / len(open_axes)))
        short = {axis for axis in open_axes if box[axis] <= side * 1.01}
        if not short:
            break
        for axis in short:
            left /= box[axis]
        open_axes -= short
    # The longest axis last: it takes up what rounding the others left.
    for position, axis in enumerate(sorted(open_axes, key=lambda axis: box[axis])):
        side = max(1.0, left ** (1 / (len(open_axes) - position)))
        box[axis] = even_split(box[axis], side)
        left /= box[axis]
    return tuple(box)


def even_split(length: int, side: float) -> int:
    """The part length near `side` that splits an axis most evenly.

    Example:
        >>> even_split(1440, 64), even_split(721, 64), even_split(10, 64)
        (72, 66, 10)
    """
    if side >= length:
        return max(1, length)
    parts = max(1, round(length / side))
    for step in range(min(int(0.3 * parts), MOST_DIVISORS) + 1):
        for count in (parts - step, parts + step):
            if count > 0 and length % count == 0:
                return length // count
    return -(-length // parts)


def suggest_chunks(
    shape: tuple[int, ...], cell_bytes: int, source: tuple[int, ...] | None = None, target_bytes: int = CHUNK_BYTES
) -> tuple[int, ...]:
    """Shape of a chunk of about `target_bytes`.

    Args:
        shape: of the array, in cells.
        cell_bytes: bytes of a cell.
        source: the chunks that the source has.
        target_bytes: what a chunk should be large.
    """
    whole = tuple(max(1, length) for length in shape)
    cell_bytes = max(1, cell_bytes)
    if math.prod(whole) * cell_bytes <= ROOM * target_bytes:
        return whole
    if source is None:
        return near_cubic(whole, target_bytes / cell_bytes)
    own = tuple(max(1, min(chunk, length)) for chunk, length in zip(source, whole, strict=True))
    own_bytes = math.prod(own) * cell_bytes
    if own_bytes > 2 * target_bytes:
        return near_cubic(own, target_bytes / cell_bytes)
    if 4 * own_bytes >= target_bytes:
        return own
    counts = grow(own, whole, target_bytes / own_bytes)
    return tuple(min(length, chunk * count) for length, chunk, count in zip(whole, own, counts, strict=True))


def suggest_shards(
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    cell_bytes: int,
    source: tuple[int, ...] | None = None,
    target_bytes: int = SHARD_BYTES,
) -> tuple[int, ...] | None:
    """Shape of a shard of about `target_bytes`, a multiple of the chunk; `None` when one chunk holds the array.

    A chunk of the source that is larger than one of ours comes to lie in one shard where that fits, so that it is read
    once.
    """
    parts = tuple(max(1, -(-length // chunk)) for length, chunk in zip(shape, chunks, strict=True))
    chunk_bytes = math.prod(chunks) * max(1, cell_bytes)
    room = target_bytes / chunk_bytes
    if math.prod(parts) == 1 or (room < 2 and math.prod(parts) > ROOM * room):
        return None
    if math.prod(parts) <= ROOM * room:
        return tuple(chunk * count for chunk, count in zip(chunks, parts, strict=True))
    first = (1,) * len(shape)
    if source is not None:
        covering = tuple(
            max(1, min(count, -(-min(own, length) // chunk)))
            for own, length, chunk, count in zip(source, shape, chunks, parts, strict=True)
        )
        if math.prod(covering) <= ROOM * room:
            first = covering
    counts = grow(chunks, shape, room, first)
    even = tuple(-(-count // -(-count // taken)) for count, taken in zip(parts, counts, strict=True))
    if math.prod(even) == 1:
        return None
    return tuple(chunk * count for chunk, count in zip(chunks, even, strict=True))


def grow(
    box: tuple[int, ...], shape: tuple[int, ...], times: float, start: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """How many boxes to put together along each axis for `times` boxes in all, the shortest side first.

    Args:
        box: shape of one, in cells.
        shape: what there is to fill, in cells.
        times: how many boxes in all, at most half as many again.
        start: counts to begin with.
    """
    parts = [max(1, -(-length // side)) for length, side in zip(shape, box, strict=True)]
    counts = list(start) if start is not None else [1] * len(box)
    while True:
        ways = []
        for axis, (side, count, most) in enumerate(zip(box, counts, parts, strict=True)):
            wider = min(2 * count, most)
            if count < most and math.prod(counts) // count * wider <= ROOM * times:
                ways.append((min(side * count, shape[axis]), axis, wider))
        if not ways or math.prod(counts) * ROOM > times * 1.2:
            return tuple(counts)
        _, axis, wider = min(ways)
        counts[axis] = wider
