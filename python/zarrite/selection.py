"""What stands in the brackets, settled: the last place with `...`, negative indices and masks.

A settled selection is a `Box` (one entry an axis: a stride or index numbers) or `Points` (coordinates of cells).
Past this file every index lies inside its axis.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from zarrite.errors import ArrayIndexError, BoundsCheckError, VindexInvalidSelectionError

__all__ = [
    "Axis",
    "Box",
    "Points",
    "basic",
    "blocks",
    "coordinates",
    "is_mask",
    "mask",
    "orthogonal",
    "settle",
]

Indices = NDArray[np.int64]
Axis = tuple[int, int, int] | Indices
"""One axis: `(start, step, count)`, the step negative when it runs backwards; or index numbers: 1-d int64."""

FULL = slice(None)


class Box(NamedTuple):
    """One entry an axis of the array, in the array's axis order.

    Attributes:
        axes: what is wanted of every axis.
        drop: axes that an integer fixed, which the result does not have.
        shape: shape of the result, in cells.
        inner: shape of the cells as the engine gives them; differs from `shape` when an n-d index array was flattened.
        whole: whether a result without axes stays an array, as NumPy has it where the key holds `...`.
    """

    axes: tuple[Axis, ...]
    drop: tuple[int, ...]
    shape: tuple[int, ...]
    inner: tuple[int, ...]
    whole: bool = False


class Points(NamedTuple):
    """Single cells by their coordinates.

    Attributes:
        points: one 1-d int64 array an axis, all of one length.
        shape: shape of the result, in cells; its size is the number of points.
    """

    points: tuple[Indices, ...]
    shape: tuple[int, ...]

    @property
    def inner(self) -> tuple[int, ...]:
        """Shape of the cells as the engine gives them."""
        return self.points[0].shape


# ---------------------------------------------------------------- single entries


def _is_int(entry: Any) -> bool:
    """Whether an entry is one integer (0-d integer arrays count, booleans do not)."""
    if type(entry) is int:
        return True
    if isinstance(entry, (bool, np.bool_, list, tuple, slice)):
        return False
    if isinstance(entry, np.ndarray) and (entry.ndim or entry.dtype.kind not in "iu"):
        return False
    try:
        operator.index(entry)
    except TypeError:
        return False
    return True


def _is_array(entry: Any) -> bool:
    """Whether an entry is a list or an array of index numbers or of booleans."""
    if isinstance(entry, (list, range)):
        return True
    if isinstance(entry, (str, bytes, slice, tuple)):
        return False
    return hasattr(entry, "__array__") and getattr(entry, "ndim", 0) > 0


def _numbers(entry: Any, what: str) -> NDArray[Any]:
    """A list or array as an integer or boolean array."""
    numbers = np.asarray(entry)
    if numbers.size == 0 and numbers.dtype.kind == "f":
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iub":
        raise ArrayIndexError(f"{what} takes integers or booleans, not {numbers.dtype}")
    return numbers


def _fixed(entry: Any, axis: int, length: int) -> int:
    """An integer inside its axis."""
    index = operator.index(entry)
    at = index + length if index < 0 else index
    if not 0 <= at < length:
        raise BoundsCheckError(f"index {index} is out of bounds for axis {axis} with {length} cells")
    return at


def _inside(numbers: NDArray[Any], axis: int, length: int) -> Indices:
    """Index numbers inside their axis, negative ones counted from the end."""
    if numbers.size == 0:
        return numbers.astype(np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if high >= length or low < -length:
        worst = high if high >= length else low
        raise BoundsCheckError(f"index {worst} is out of bounds for axis {axis} with {length} cells")
    settled = np.ascontiguousarray(numbers, dtype=np.int64)
    return np.where(settled < 0, settled + length, settled) if low < 0 else settled


def _stride(entry: slice, axis: int, length: int) -> tuple[int, int, int]:
    """A slice as start, step and count."""
    try:
        start, stop, step = entry.indices(length)
    except TypeError as error:
        raise ArrayIndexError(f"the slice for axis {axis} needs integers or None, not {entry!r}") from error
    except ValueError as error:
        raise ValueError(f"the slice for axis {axis} has step zero") from error
    count = len(range(start, stop, step))
    if count <= 1:  # the step may be larger than what the engine counts with
        return (start, 1, 1) if count else (0, 1, 0)
    return start, step, count


def _axis_mask(numbers: NDArray[Any], axis: int, length: int) -> Indices:
    """The positions where a 1-d mask of one axis is true."""
    if numbers.shape != (length,):
        raise ArrayIndexError(f"the mask for axis {axis} has shape {numbers.shape}; it needs ({length},)")
    return np.flatnonzero(numbers)


# ---------------------------------------------------------------- keys


def _entries(key: Any, shape: tuple[int, ...]) -> list[Any]:
    """One entry an axis: `...` expanded, missing axes taken whole. Masks count for as many axes as they have."""
    given = list(key) if isinstance(key, tuple) else [key]
    ellipses = [at for at, entry in enumerate(given) if entry is Ellipsis]
    if len(ellipses) > 1:
        raise ArrayIndexError("a key can have one ellipsis ('...') only")
    taken = sum(_width(entry) for entry in given if entry is not Ellipsis)
    if taken > len(shape):
        raise ArrayIndexError(f"too many indices for array: it has {len(shape)} axes, the key has {taken} entries")
    whole = [FULL] * (len(shape) - taken)
    if ellipses:
        return given[: ellipses[0]] + whole + given[ellipses[0] + 1 :]
    return given + whole


def _width(entry: Any) -> int:
    return int(entry.ndim) if isinstance(entry, np.ndarray) and entry.dtype == bool and entry.ndim else 1


def _refuse(entry: Any, axis: int, known: str) -> ArrayIndexError:
    if entry is None:
        return ArrayIndexError("np.newaxis (None) selects nothing; add the axis to the result instead")
    return ArrayIndexError(f"axis {axis} cannot be indexed by {entry!r} ({type(entry).__name__}); {known}")


def _has_ellipsis(key: Any) -> bool:
    return key is Ellipsis or (isinstance(key, tuple) and any(entry is Ellipsis for entry in key))


def _box(entries: Sequence[Any], shape: tuple[int, ...], *, arrays: bool, whole: bool = False) -> Box:
    axes: list[Axis] = []
    drop: list[int] = []
    laid: list[int] = []
    for axis, (entry, length) in enumerate(zip(entries, shape, strict=True)):
        if isinstance(entry, slice):
            stride = _stride(entry, axis, length)
            axes.append(stride)
            laid.append(stride[2])
        elif _is_int(entry):
            axes.append((_fixed(entry, axis, length), 1, 1))
            drop.append(axis)
        elif arrays and _is_array(entry):
            numbers = _numbers(entry, f"axis {axis}")
            if numbers.ndim != 1:
                raise ArrayIndexError(
                    f"index arrays of an orthogonal selection are 1-d; axis {axis} got {numbers.ndim}-d"
                )
            is_mask = numbers.dtype == bool
            indices = _axis_mask(numbers, axis, length) if is_mask else _inside(numbers, axis, length)
            axes.append(indices)
            laid.append(len(indices))
        else:
            known = "integers, slices, '...'" + (", 1-d integer or boolean arrays" if arrays else "")
            raise _refuse(entry, axis, f"pass {known}")
    result = tuple(laid)
    return Box(tuple(axes), tuple(drop), result, result, whole)


def basic(key: Any, shape: tuple[int, ...]) -> Box:
    """Settles a key of integers, slices and `...`.

    Args:
        key: what stands in the brackets.
        shape: the array's shape, in cells.

    Raises:
        ArrayIndexError: too many entries, or an entry of another kind.
        BoundsCheckError: an integer outside its axis.

    Example:
        >>> basic((1, slice(None, None, -2)), (4, 6)).axes
        ((1, 1, 1), (5, -2, 3))
    """
    return _box(_entries(key, shape), shape, arrays=False, whole=_has_ellipsis(key))


def orthogonal(key: Any, shape: tuple[int, ...]) -> Box:
    """Settles a key whose index arrays each stand for their own axis, as in `array.oindex`.

    Args:
        key: integers, slices, `...`, 1-d integer arrays, 1-d boolean arrays as long as their axis.
        shape: the array's shape, in cells.

    Raises:
        ArrayIndexError: an entry of another kind, a mask of another length.
        BoundsCheckError: an index outside its axis.
    """
    return _box(_entries(key, shape), shape, arrays=True, whole=_has_ellipsis(key))


def coordinates(key: Any, shape: tuple[int, ...]) -> Points:
    """Settles one coordinate array an axis, broadcast against each other.

    Args:
        key: a tuple of integer arrays (or integers), one an axis; for a 1-d array also one array alone.
        shape: the array's shape, in cells.

    Raises:
        VindexInvalidSelectionError: another number of arrays than axes, or other kinds.
        BoundsCheckError: an index outside its axis.
    """
    given = key if isinstance(key, tuple) else (key,)
    if not shape or len(given) != len(shape) or not all(_is_int(entry) or _is_array(entry) for entry in given):
        raise VindexInvalidSelectionError(
            f"coordinates are one integer array (or integer) an axis, here {len(shape)}, or one mask of shape {shape}; "
            "for slices use brackets or oindex"
        )
    numbers = [_numbers(entry, f"axis {axis}") for axis, entry in enumerate(given)]
    if any(array.dtype == bool for array in numbers):
        raise VindexInvalidSelectionError(
            "coordinates are integers; a mask must have the array's shape and stand alone"
        )
    settled = [_inside(array, axis, length) for axis, (array, length) in enumerate(zip(numbers, shape, strict=True))]
    return _points([np.atleast_1d(array) for array in settled])


def _points(arrays: Sequence[Indices]) -> Points:
    try:
        together = np.broadcast_arrays(*arrays)
    except ValueError as error:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ArrayIndexError(f"the index arrays do not broadcast to one shape: {shapes}") from error
    flat = tuple(np.ascontiguousarray(array).reshape(-1) for array in together)
    return Points(flat, together[0].shape)


def mask(key: Any, shape: tuple[int, ...]) -> Points:
    """Settles a mask of the array's own shape: the cells where it is true, in C order.

    Raises:
        ArrayIndexError: not a boolean array of that shape.
    """
    given = key[0] if isinstance(key, tuple) and len(key) == 1 else key
    chosen = np.asarray(given)
    if chosen.dtype != bool or chosen.shape != shape:
        raise ArrayIndexError(f"a mask is a boolean array of shape {shape}; this is {chosen.dtype} of {chosen.shape}")
    if not shape:
        raise ArrayIndexError("an array without axes has one cell and no mask; read it with array[()]")
    found = np.nonzero(chosen)
    return Points(found, (len(found[0]),))


def is_mask(key: Any, shape: tuple[int, ...]) -> TypeGuard[NDArray[np.bool_]]:
    """Whether a key is one mask of the whole array (as in `array[array > 5]`)."""
    given = key[0] if isinstance(key, tuple) and len(key) == 1 else key
    if not isinstance(given, np.ndarray) and not (hasattr(given, "__array__") and hasattr(given, "dtype")):
        return False
    return bool(shape and given.shape == shape and np.dtype(given.dtype).kind == "b")


class Edges(Protocol):
    """The chunks along one axis, as a grid tells them."""

    def count(self, extent: int) -> int:
        """How many hold cells of an axis of that extent."""

    def start(self, chunk: int) -> int:
        """The first cell of one."""


def blocks(key: Any, shape: tuple[int, ...], axes: Sequence[Edges]) -> Box:
    """Settles a key that counts chunks instead of cells.

    Args:
        key: integers, slices of step 1, `...`; in chunks.
        shape: the array's shape, in cells.
        axes: the chunks along each axis.

    Raises:
        BoundsCheckError: a chunk outside the grid.
        ArrayIndexError: an entry of another kind.
    """
    entries = []
    for axis, entry in enumerate(_entries(key, shape)):
        length, edges = shape[axis], axes[axis]
        count = edges.count(length)
        if isinstance(entry, slice):
            if entry.step not in (None, 1):
                raise ArrayIndexError(f"blocks of axis {axis} are chosen by slices of step 1, not {entry!r}")
            start, _, number = _stride(entry, axis, count)
            entries.append(_cells_of(edges, start, start + number, length))
        elif _is_int(entry):
            index = operator.index(entry)
            at = index + count if index < 0 else index
            if not 0 <= at < count:
                raise BoundsCheckError(f"block {index} is out of bounds for axis {axis} with {count} chunks")
            entries.append(_cells_of(edges, at, at + 1, length))
        else:
            raise _refuse(entry, axis, "blocks are chosen by integers and slices of step 1")
    return _box(entries, shape, arrays=False)


def _cells_of(edges: Edges, first: int, last: int, length: int) -> slice:
    """The cells of some chunks along one axis."""
    return slice(min(edges.start(first), length), min(edges.start(last), length)) if first < last else slice(0, 0)


# ---------------------------------------------------------------- routing


def settle(key: Any, shape: tuple[int, ...]) -> Box | Points:
    """Settles whatever may stand in the brackets of an array, as NumPy would read it.

    One index array among integers and slices is orthogonal (its axis stays where it is); index arrays on several axes
    are coordinates of points, as in NumPy.

    Args:
        key: integers, slices, `...`, integer arrays, masks.
        shape: the array's shape, in cells.

    Raises:
        ArrayIndexError: entries that select nothing here.
        BoundsCheckError: an index outside its axis.
    """
    if is_mask(key, shape):
        return mask(key, shape)
    entries = _entries(key, shape)
    arrays = [entry for entry in entries if _is_array(entry)]
    if not arrays:
        return _box(entries, shape, arrays=False, whole=_has_ellipsis(key))
    if len(arrays) == 1 and len(entries) == len(shape):
        return _one_array(entries, shape)
    return _mixed(entries, shape)


def _one_array(entries: list[Any], shape: tuple[int, ...]) -> Box:
    """One index array of any number of axes, between integers and slices."""
    (axis,) = (at for at, entry in enumerate(entries) if _is_array(entry))
    numbers = _numbers(entries[axis], f"axis {axis}")
    if numbers.ndim == 1:
        return _box(entries, shape, arrays=True)
    flat = list(entries)
    flat[axis] = numbers.reshape(-1)
    box = _box(flat, shape, arrays=True)
    at = axis - sum(1 for dropped in box.drop if dropped < axis)
    return box._replace(shape=box.shape[:at] + numbers.shape + box.shape[at + 1 :])


def _mixed(entries: list[Any], shape: tuple[int, ...]) -> Points:
    """Several index arrays, perhaps among slices: every cell by its coordinates, axes placed as NumPy places them."""
    chosen: list[Indices | slice] = []  # one an axis of the array
    for entry in entries:
        axis = len(chosen)
        if isinstance(entry, slice):
            chosen.append(entry)
        elif _is_int(entry):
            chosen.append(np.array(_fixed(entry, axis, shape[axis]), dtype=np.int64))
        elif _is_array(entry):
            numbers = _numbers(entry, f"axis {axis}")
            if numbers.dtype == bool:
                here = shape[axis : axis + numbers.ndim]
                if numbers.shape != here:
                    raise ArrayIndexError(f"the mask for axis {axis} has shape {numbers.shape}; it needs {here}")
                chosen.extend(np.nonzero(numbers))
            else:
                chosen.append(_inside(numbers, axis, shape[axis]))
        else:
            raise _refuse(entry, axis, "pass integers, slices, '...', integer or boolean arrays")
    fancy = [axis for axis, entry in enumerate(chosen) if not isinstance(entry, slice)]
    together = _broadcast_shape([entry.shape for entry in chosen if not isinstance(entry, slice)])
    adjacent = fancy == list(range(fancy[0], fancy[-1] + 1))
    before = fancy[0] if adjacent else 0
    plain = [axis for axis in range(len(shape)) if axis not in fancy]
    ndim = len(plain) + len(together)
    points: list[Indices] = []
    for axis, entry in enumerate(chosen):
        if isinstance(entry, slice):
            start, step, count = _stride(entry, axis, shape[axis])
            cells = np.arange(count, dtype=np.int64) * step + start
            rank = plain.index(axis)
            place = rank if rank < before else rank + len(together)
            points.append(cells.reshape([-1 if at == place else 1 for at in range(ndim)]))
        else:
            tail = ndim - before - len(together)
            points.append(np.broadcast_to(entry, together).reshape(together + (1,) * tail))
    return _points(points)


def _broadcast_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ArrayIndexError(
            f"the index arrays do not broadcast to one shape: {', '.join(map(str, shapes))}"
        ) from error
