"""Chunk grids, and the shapes zarrite picks when it is asked to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..errors import IrregularGridError, MetadataValidationError
from .checks import MAX_INT64, Frozen, brief, integer, integers
from .edges import Edges, equal_edges, runs_to_json

CHUNK_BYTES = 1 << 20
"""What an automatic chunk holds, at most, before encoding."""
SHARD_BYTES = 1 << 26
"""What an automatic shard holds, about, before encoding."""


class Grid(Frozen):
    """Where the stored objects of an array lie. What all grids can say."""

    __slots__ = ()
    name: ClassVar[str]
    bounded: ClassVar[bool] = False
    """Whether objects store nothing beyond the end of the array."""
    draft: ClassVar[str | None] = None

    @property
    def axes(self) -> tuple[Edges, ...]:
        """The objects along each axis."""
        raise AssertionError(self.name)

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """The one shape of all objects.

        Raises:
            IrregularGridError: they have several.
        """
        raise IrregularGridError(
            "the chunks of this array have different shapes; read_chunk_sizes and write_chunk_sizes list them"
        )

    @property
    def is_regular(self) -> bool:
        """Whether all objects have one shape."""
        return False

    @property
    def largest(self) -> tuple[int, ...]:
        """A shape that no object exceeds."""
        return tuple(edges.longest for edges in self.axes)

    def shape_over(self, shape: Sequence[int]) -> tuple[int, ...]:
        """How many objects hold cells along each axis of an array of that shape."""
        return tuple(edges.count(extent) for extent, edges in zip(shape, self.axes, strict=True))

    def samples(self, shape: Sequence[int]) -> list[tuple[int, ...]]:  # noqa: ARG002 - one shape does not depend on it
        """Shapes of objects that codecs are checked against: between them every length of every axis, up to a limit."""
        lengths = [edges.stored_lengths() for edges in self.axes]
        most = min(MOST_SAMPLES, max((len(one) for one in lengths), default=1))
        return [tuple(one[-1 - at % len(one)] for one in lengths) for at in range(most)]

    def configuration(self) -> dict[str, Any]:
        """The configuration of the extension object."""
        raise AssertionError(self.name)

    def to_json(self) -> dict[str, Any]:
        """The extension object of a document."""
        return {"name": self.name, "configuration": self.configuration()}

    def fitted(self, shape: Sequence[int], units: Sequence[int]) -> Grid:  # noqa: ARG002 - most grids fit every shape
        """This grid for an array that was given another shape; lengths that are added are multiples of `units`."""
        return self

    def listed(self) -> list[Any]:
        """The lengths of objects along each axis, as whoever makes a new array may give them."""
        return [
            edges.runs[0][0] if edges.endless else runs_to_json([(edge, count) for edge, count, _ in edges.runs])
            for edges in self.axes
        ]

    def lowered(self, shape: Sequence[int]) -> list[Any]:
        """What the engine is told of each axis."""
        return [edges.lowered(extent) for extent, edges in zip(shape, self.axes, strict=True)]


MOST_SAMPLES = 64


class RegularGrid(Grid):
    """Chunks of one shape, side by side from the origin; those at the far edges reach over it.

    Args:
        chunk_shape: cells along each axis, each at least 1. The stored object's shape: a shard's when there are shards.

    Example:
        >>> RegularGrid((10, 10)).shape_over((25, 7))
        (3, 1)
    """

    __slots__ = ("chunk_shape",)
    name = "regular"
    chunk_shape: tuple[int, ...]

    def __init__(self, chunk_shape: Sequence[int]) -> None:
        self.chunk_shape = integers(tuple(chunk_shape), "chunk_shape", low=1)

    @property
    def axes(self) -> tuple[Edges, ...]:
        return tuple([equal_edges(edge) for edge in self.chunk_shape])

    @property
    def is_regular(self) -> bool:
        return True

    @property
    def largest(self) -> tuple[int, ...]:
        return self.chunk_shape

    def shape_over(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(-(-extent // edge) for extent, edge in zip(shape, self.chunk_shape, strict=True))

    def samples(self, shape: Sequence[int]) -> list[tuple[int, ...]]:  # noqa: ARG002 - see Grid
        return [self.chunk_shape]

    def configuration(self) -> dict[str, Any]:
        return {"chunk_shape": self.chunk_shape}

    def lowered(self, shape: Sequence[int]) -> list[Any]:  # noqa: ARG002 - see Grid
        return list(self.chunk_shape)


def check_chunk(chunk_shape: tuple[int, ...], ndim: int, cell_bytes: int, what: str) -> None:
    """Refuses a chunk of another rank than its array, or one that no memory could hold.

    Raises:
        MetadataValidationError: says which.
    """
    if len(chunk_shape) != ndim:
        raise MetadataValidationError(
            f"{what} has {len(chunk_shape)} entries for {ndim} axes; give one edge length for each axis"
        )
    if math.prod(chunk_shape) * cell_bytes > MAX_INT64:
        raise MetadataValidationError(
            f"{what} {brief(chunk_shape)} makes chunks of more than 2^63 bytes; take smaller ones"
        )


def auto_chunks(shape: Sequence[int], cell_bytes: int, target_bytes: int = CHUNK_BYTES) -> tuple[int, ...]:
    """A near-cubic chunk of at most `target_bytes`, or of one cell.

    Edges are as long as each other where the array is, and each axis is divided evenly, so that its last chunk is not a
    sliver. An axis is never cut shorter than another's edge, so short axes (channels, coordinates) stay whole.

    Example:
        >>> auto_chunks((365, 721, 1440), 4)
        (61, 61, 63)
        >>> auto_chunks((100_000, 3), 8)
        (33334, 3)
    """
    edges = [max(1, extent) for extent in shape]
    budget = max(1, target_bytes // max(1, cell_bytes))
    if math.prod(edges) <= budget:
        return tuple(edges)
    edge = _largest_edge(edges, budget)
    chosen = [min(extent, edge) for extent in edges]
    return tuple(-(-extent // -(-extent // cut)) for extent, cut in zip(edges, chosen, strict=True))


def _largest_edge(edges: list[int], budget: int) -> int:
    """The longest edge such that a cube of it, clipped to the array, has at most `budget` cells."""
    low, high = 1, max(edges)
    while low < high:
        middle = (low + high + 1) // 2
        if math.prod(min(extent, middle) for extent in edges) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def auto_shards(
    shape: Sequence[int], chunk_shape: Sequence[int], cell_bytes: int, target_bytes: int = SHARD_BYTES
) -> tuple[int, ...]:
    """A shard of about `target_bytes` that holds whole chunks and is near-cubic.

    Example:
        >>> auto_shards((10_000, 10_000), (512, 512), 4)
        (4096, 4096)
    """
    counts = [1] * len(chunk_shape)
    limits = [max(1, -(-extent // edge)) for extent, edge in zip(shape, chunk_shape, strict=True)]
    room = target_bytes // max(1, cell_bytes * math.prod(chunk_shape))
    while True:
        open_axes = [
            axis
            for axis, (count, limit) in enumerate(zip(counts, limits, strict=True))
            if count < limit and math.prod(counts) // count * min(2 * count, limit) <= room
        ]
        if not open_axes:
            return tuple(count * edge for count, edge in zip(counts, chunk_shape, strict=True))
        axis = min(open_axes, key=lambda a: (counts[a] * chunk_shape[a], a))
        counts[axis] = min(2 * counts[axis], limits[axis])


def settle_chunks(chunks: object, shape: Sequence[int], what: str = "chunks") -> tuple[int, ...]:
    """The chunk shape a user asks for: an int for every axis, or an entry for each; -1 or False is the whole axis.

    Raises:
        MetadataValidationError: wrong kind, wrong length, or an edge below 1.
    """
    ndim = len(shape)
    if isinstance(chunks, (list, tuple, np.ndarray)):
        entries: Sequence[object] = list(chunks)
        if len(entries) != ndim:
            raise MetadataValidationError(
                f"{what} {brief(chunks)} has {len(entries)} entries for {ndim} axes; give one for each"
            )
    elif chunks is False or (hasattr(chunks, "__index__") and not isinstance(chunks, bool)):
        entries = [chunks] * ndim
    else:
        raise MetadataValidationError(f"{what} must be 'auto', an integer or a tuple of integers, not {brief(chunks)}")
    edges = []
    for entry, extent in zip(entries, shape, strict=True):
        # The shape of an empty array is often given as its chunks; an axis of no length has chunks of any.
        whole = entry is False or (not isinstance(entry, bool) and (entry == -1 or entry == extent == 0))
        edges.append(max(1, extent) if whole else integer(entry, f"each entry of {what}", low=1))
    return tuple(edges)
