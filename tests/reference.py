"""Slow and right: every kind of selection in NumPy's own words. What the fast paths give is compared with this."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]


def basic(cells: Cells, key: Any) -> Any:
    """Integers, slices and `...`."""
    return cells[key]


def orthogonal(cells: Cells, key: tuple[Any, ...]) -> Any:
    """Every entry chooses along its own axis, one axis after another; integers take theirs away at the end."""
    whole = key + (slice(None),) * (cells.ndim - len(key))
    for axis, entry in enumerate(whole):
        chosen = [entry] if isinstance(entry, (int, np.integer)) else entry
        cells = cells[(slice(None),) * axis + (chosen,)]
    fixed = tuple(axis for axis, entry in enumerate(whole) if isinstance(entry, (int, np.integer)))
    return cells.reshape([length for axis, length in enumerate(cells.shape) if axis not in fixed])


def coordinates(cells: Cells, key: tuple[Any, ...]) -> Cells:
    """One array an axis, cell by cell."""
    together = np.broadcast_arrays(*[np.atleast_1d(np.asarray(entry)) for entry in key])
    result = np.empty(together[0].shape, dtype=cells.dtype)
    for place in np.ndindex(result.shape):
        result[place] = cells[tuple(int(entry[place]) for entry in together)]
    return result


def mask(cells: Cells, chosen: NDArray[np.bool_]) -> Cells:
    """The cells where a mask of the array's shape is true, in C order."""
    return np.array([cell for cell, wanted in zip(cells.flat, chosen.flat, strict=True) if wanted], dtype=cells.dtype)


def blocks(cells: Cells, key: tuple[Any, ...], edges: tuple[int, ...]) -> Cells:
    """Whole chunks along every axis."""
    for axis, (entry, edge) in enumerate(zip(key, edges, strict=False)):
        count = -(-cells.shape[axis] // edge)
        numbers = [range(count)[entry]] if isinstance(entry, int) else list(range(count)[entry])
        wanted = [at for number in numbers for at in range(number * edge, min((number + 1) * edge, cells.shape[axis]))]
        cells = np.take(cells, np.array(wanted, dtype=np.int64), axis=axis)
    return cells


def resized(cells: Cells, shape: tuple[int, ...], fill: Any) -> Cells:
    """The cells in another shape: what lies outside is gone, what is new is the fill value."""
    result = np.full(shape, fill, dtype=cells.dtype)
    shared = tuple(slice(0, min(one, two)) for one, two in zip(cells.shape, shape, strict=True))
    result[shared] = cells[shared]
    return result


def chunk_boxes(shape: tuple[int, ...], edges: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Every chunk of a grid as slices, clipped to the array."""
    starts = [range(0, length, edge) for length, edge in zip(shape, edges, strict=True)]
    for corner in itertools.product(*starts):
        yield tuple(
            slice(start, min(start + edge, length)) for start, edge, length in zip(corner, edges, shape, strict=True)
        )
