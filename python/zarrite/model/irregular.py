"""Grids whose chunks differ in shape: listed lengths along each axis, and regular grids cut off at the array's end.

Source: zarr-extensions, "rectilinear" (with `encoded_chunk_shapes` as drafted); ZEP 3; format reference 1.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, choice, integers, named, only, refuse
from .edges import Edges, appended, edges_from_json, runs_from_json, runs_to_json
from .grids import Grid, RegularGrid, check_chunk


class RectilinearGrid(Grid):
    """Chunks whose lengths are listed for each axis.

    Args:
        chunk_shapes: for each axis an integer that repeats, or a list of lengths and of pairs [length, count].
        shape: the array's shape.
        encoded_chunk_shapes: what chunks store along each axis, where that is more than they cover; in the same forms.

    Example:
        >>> RectilinearGrid([[3, [2, 2]], 5], (7, 8)).shape_over((7, 8))
        (3, 2)
    """

    __slots__ = ("_axes", "encoded", "spelled")
    name = "rectilinear"
    spelled: tuple[Any, ...]
    encoded: tuple[Any, ...] | None
    _axes: tuple[Edges, ...]

    def __init__(
        self,
        chunk_shapes: Sequence[Any],
        shape: Sequence[int],
        encoded_chunk_shapes: Sequence[Any] | None = None,
    ) -> None:
        member = self.member
        for listed, what in ((chunk_shapes, member), (encoded_chunk_shapes, "encoded_chunk_shapes")):
            if listed is not None and len(listed) != len(shape):
                raise MetadataValidationError(
                    f"{what} has {len(listed)} entries for {len(shape)} axes; give one for each"
                )
        self.spelled = tuple(_frozen(one) for one in chunk_shapes)
        self.encoded = None if encoded_chunk_shapes is None else tuple(_frozen(one) for one in encoded_chunk_shapes)
        stored = self.encoded or (None,) * len(shape)
        self._axes = tuple(
            edges_from_json(one, held, extent, f"axis {axis} of {member}", pairs=self.pairs)
            for axis, (one, held, extent) in enumerate(zip(self.spelled, stored, shape, strict=True))
        )

    member = "chunk_shapes"
    pairs = True

    def values(self) -> tuple[Any, ...]:
        # However lengths are spelled, one after another or as counted pairs, the grid is the same.
        return (self._runs(self.spelled), None if self.encoded is None else self._runs(self.encoded))

    def _runs(self, spelled: tuple[Any, ...]) -> tuple[Any, ...]:
        found = [runs_from_json(one, self.member, self.pairs) for one in spelled]
        return tuple(one if isinstance(one, int) else tuple(one) for one in found)

    @property
    def chunk_shapes(self) -> tuple[int | tuple[int, ...], ...]:
        """For each axis one length that repeats, or the length of every chunk."""
        return tuple(
            one if isinstance(one, int) else tuple(edge for edge, count in one for _ in range(count))
            for one in self._runs(self.spelled)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({brief(self.spelled)})"

    @property
    def axes(self) -> tuple[Edges, ...]:
        return self._axes

    @property
    def draft(self) -> str | None:  # type: ignore[override]
        """What of it is not agreed on yet."""
        return None if self.encoded is None else "encoded_chunk_shapes of chunk grid 'rectilinear'"

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": "inline", "chunk_shapes": [_thawed(one) for one in self.spelled]}
        if self.encoded is not None:
            found["encoded_chunk_shapes"] = [_thawed(one) for one in self.encoded]
        return found

    def fitted(self, shape: Sequence[int], units: Sequence[int]) -> Grid:
        spelled, encoded = list(self.spelled), None if self.encoded is None else list(self.encoded)
        for axis, (edges, extent, unit) in enumerate(zip(self._axes, shape, units, strict=True)):
            if edges.reach is None or isinstance(spelled[axis], int):
                continue
            more = -(-(extent - edges.reach) // unit) * unit
            if more > 0:
                spelled[axis] = appended(spelled[axis], more)
                if encoded is not None:
                    held = encoded[axis]
                    if isinstance(held, int) and held < more:
                        # One length for all does not do any more: what the chunks store so far is listed.
                        held = runs_to_json([(held, sum(count for _, count, _ in edges.runs))])
                    encoded[axis] = appended(held, more)
        return type(self)(spelled, shape, encoded)


class RectangularGrid(RectilinearGrid):
    """The same as ZEP 3 spelled it, before it was called "rectilinear": integers and lists of lengths, no pairs."""

    __slots__ = ()
    name = "rectangular"
    draft = "chunk grid 'rectangular'"
    member = "chunk_shape"
    pairs = False

    def configuration(self) -> dict[str, Any]:
        return {"chunk_shape": [_thawed(one) for one in self.spelled]}

    def fitted(self, shape: Sequence[int], units: Sequence[int]) -> Grid:
        spelled = list(self.spelled)
        for axis, (edges, extent, unit) in enumerate(zip(self.axes, shape, units, strict=True)):
            if edges.reach is not None and extent > edges.reach:
                spelled[axis] = (*spelled[axis], -(-(extent - edges.reach) // unit) * unit)
        return type(self)(spelled, shape)


class BoundedGrid(RegularGrid):
    """A regular grid whose last chunks are stored as long as they lie inside the array, and no longer."""

    __slots__ = ("extents",)
    name = "zarrs.regular_bounded"
    draft = "chunk grid 'zarrs.regular_bounded'"
    bounded = True
    extents: tuple[int, ...]

    def __init__(self, chunk_shape: Sequence[int], shape: Sequence[int]) -> None:
        super().__init__(chunk_shape)
        self.extents = tuple(shape)

    def samples(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        lasts = zip(shape, self.chunk_shape, strict=True)
        return [self.chunk_shape, tuple(extent % edge or edge for extent, edge in lasts)]

    def fitted(self, shape: Sequence[int], units: Sequence[int]) -> Grid:  # noqa: ARG002 - see the sentence
        if tuple(shape) == self.extents:
            return self
        raise MetadataValidationError(
            f"an array on chunk grid {self.name!r} cannot be resized: its last chunks are stored as long as they are "
            "now; copy it to an array with another grid"
        )


def grid_from_json(value: object, shape: tuple[int, ...], cell_bytes: int) -> Grid:
    """The chunk grid that a document names.

    Raises:
        MetadataValidationError: a grid that is not known, or does not fit the array.
    """
    name, configuration = named(value, "chunk_grid")
    found: Grid
    if name in ("regular", BoundedGrid.name):
        only(configuration, ("chunk_shape",), f"chunk grid {name!r}")
        chunk_shape = integers(configuration.get("chunk_shape"), "chunk_shape", low=1)
        check_chunk(chunk_shape, len(shape), cell_bytes, "chunk_shape")
        return RegularGrid(chunk_shape) if name == "regular" else BoundedGrid(chunk_shape, shape)
    if name == "rectilinear":
        only(configuration, ("kind", "chunk_shapes", "encoded_chunk_shapes"), "chunk grid 'rectilinear'")
        choice(configuration.get("kind"), "kind of chunk grid 'rectilinear'", ("inline",))
        encoded = configuration.get("encoded_chunk_shapes")
        if encoded is not None:
            encoded = _listed(encoded, "encoded_chunk_shapes")
        found = RectilinearGrid(_listed(configuration.get("chunk_shapes"), "chunk_shapes"), shape, encoded)
    elif name == "rectangular":
        only(configuration, ("chunk_shape",), "chunk grid 'rectangular'")
        found = RectangularGrid(_listed(configuration.get("chunk_shape"), "chunk_shape"), shape)
    else:
        raise MetadataValidationError(
            f"chunk grid {name!r} is not known; known: 'regular', 'rectilinear', 'rectangular', '{BoundedGrid.name}'"
        )
    check_chunk(found.largest, len(shape), cell_bytes, "the largest chunk of chunk_grid")
    return found


def _listed(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        refuse(what, "a list with an entry for each axis", value)
    return value


def is_listed(value: object) -> bool:
    """Whether a user lists the lengths of chunks along some axis, or gives a grid that does."""
    if isinstance(value, RectilinearGrid):
        return True
    return isinstance(value, (list, tuple)) and any(isinstance(entry, (list, tuple, np.ndarray)) for entry in value)


def grid_from_user(value: Any, shape: tuple[int, ...], what: str) -> Grid:
    """The grid of chunks whose lengths a user lists: for each axis an integer (-1: the whole axis) or a list.

    The grid of another array will do, too.

    Raises:
        MetadataValidationError: lists that do not fit the array.
    """
    if not isinstance(value, RectilinearGrid) and len(value) != len(shape):
        raise MetadataValidationError(
            f"{what} {brief(value)} has {len(value)} entries for {len(shape)} axes; give one for each"
        )
    if isinstance(value, RectilinearGrid):
        return RectilinearGrid(value.spelled, shape)
    spelled: list[Any] = []
    for axis, (entry, extent) in enumerate(zip(value, shape, strict=True)):
        plain = entry.tolist() if isinstance(entry, np.ndarray) else entry
        if plain is False or (not isinstance(plain, (bool, list, tuple)) and plain == -1):
            plain = max(1, extent)
        runs = runs_from_json(plain, f"axis {axis} of {what}")
        spelled.append(runs if isinstance(runs, int) else runs_to_json(runs))
    return RectilinearGrid(spelled, shape)


def _frozen(value: Any) -> Any:
    # Two levels and no more: what is nested deeper is refused when it is read.
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(tuple(one) if isinstance(one, list) else one for one in value)


def _thawed(value: Any) -> Any:
    return [_thawed(one) for one in value] if isinstance(value, tuple) else value
