"""Changing an array's shape: growing, shrinking, appending."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zarrite import stored
from zarrite._engine import Store
from zarrite._verb import Steps, Turn
from zarrite.catalog import Catalog
from zarrite.cells import bind, box_of, taken
from zarrite.changing import change, check_fits, find, grown, pause, put_shape
from zarrite.config import ArrayConfig
from zarrite.errors import ArrayIndexError, MetadataValidationError
from zarrite.model.node import ArrayModel
from zarrite.node import Seat, check_writable

__all__ = ["Target", "append", "resize"]

KEYS_AT_ONCE = 20_000
"""With more chunks than this outside the new shape the store is listed, instead of naming each of them."""


class Target(NamedTuple):
    """The array that changes, as its handle knows it."""

    store: Store
    path: str
    model: ArrayModel
    config: ArrayConfig
    seat: Seat
    catalog: Catalog | None


def resize(target: Target, new_shape: Any) -> Steps[ArrayModel]:
    """Publishes a new shape, then takes away what lies outside it.

    In this order a reader never sees an array with missing cells. What an interrupted resize leaves outside the shape
    can be seen again only by growing the array.
    """
    store, path, seat = target.store, target.path, target.seat
    shape = _as_shape(new_shape, target.model.ndim)
    check_writable(store, target.model)
    # The lock is held until the last chunk is gone, or an append in between would lose what it wrote.
    yield Turn(seat.lock)
    try:
        held = (yield store.lock(path)) if store.safety == "locks" else None
        try:
            old, model = yield from change(
                store, path, target.model, lambda now: None if now.shape == shape else now.with_shape(shape)
            )
            seat.published(model)
            if any(new < length for new, length in zip(shape, old.shape, strict=True)):
                yield from _forget_outside(target, old, shape)
        finally:
            if held is not None:
                held.release()
    finally:
        seat.lock.release()
    if target.catalog is not None:
        yield from target.catalog.changed(store, path, model)
    return model


def _as_shape(new_shape: Any, ndim: int) -> tuple[int, ...]:
    given = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    if len(given) != ndim:
        raise MetadataValidationError(f"the new shape {given} has {len(given)} axes; the array has {ndim}")
    if any(isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 0 for length in given):
        raise MetadataValidationError(f"the new shape {given} needs whole numbers of zero or more")
    return tuple(int(length) for length in given)


def _forget_outside(target: Target, old: ArrayModel, shape: tuple[int, ...]) -> Steps[None]:
    """Deletes the stored objects outside a shape; in objects that stay, sets the cells outside it to the fill value."""
    edges_of = old.grid.axes
    old_counts = old.chunk_grid_shape
    new_counts = old.grid.shape_over(shape)
    kept_counts = tuple(min(one, two) for one, two in zip(old_counts, new_counts, strict=True))
    outside = math.prod(old_counts) - math.prod(kept_counts)
    if outside:
        if outside <= KEYS_AT_ONCE:
            keys = [stored.chunk_key(target.path, old, index) for index in _outside(old_counts, kept_counts)]
        else:
            listed = yield target.store.list(target.path)
            found = stored.chunk_indices(listed, target.path, old)
            keys = [
                key
                for key, index in found.items()
                if any(at >= count for at, count in zip(index, kept_counts, strict=True))
            ]
        if keys:
            yield target.store.delete(keys)
    # An empty chunk is no chunk: what becomes nothing but fill values here shall not be stored.
    config = target.config._replace(write_empty_chunks=False, read_missing_chunks=True)
    cells = None
    reach = [
        min(length, edges.start(count)) for length, count, edges in zip(old.shape, kept_counts, edges_of, strict=True)
    ]
    for axis, new in enumerate(shape):
        starts, stops = [0] * old.ndim, list(reach)
        starts[axis] = new
        if new >= stops[axis] or not all(stops):
            continue
        if cells is None:
            cells = bind(old, target.store, target.path, config)
        axes = box_of(starts, stops)
        extent = [stop - start for start, stop in zip(starts, stops, strict=True)]
        yield cells.write(axes, np.broadcast_to(_fill(old), extent))


def _outside(old: tuple[int, ...], kept: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The places of an old grid that the kept part of it lacks, each once."""
    places: list[tuple[int, ...]] = []
    for axis in range(len(old)):
        ranges = [range(kept[at]) for at in range(axis)]
        ranges.append(range(kept[axis], old[axis]))
        ranges.extend(range(old[at]) for at in range(axis + 1, len(old)))
        places.extend(itertools.product(*ranges))
    return places


def _fill(model: ArrayModel) -> NDArray[Any]:
    """The fill value as a 0-d array, bit by bit what unwritten cells read as; zeros where format 2 has none."""
    if model.data_type.vlen is None:
        return np.ndarray((), model.data_type.memory, model.fill_cell)
    cell = np.empty((), object)
    cell[()] = model.fill_cell.decode() if model.data_type.vlen == "string" else model.fill_cell
    return cell


def append(target: Target, data: Any, axis: int) -> Steps[ArrayModel]:
    """Writes cells behind the end of an axis, then publishes the shape that holds them.

    Appends of one array take turns: by a lock where there are locks, else by claims (`claims.py`).
    """
    store, path, seat = target.store, target.path, target.seat
    check_writable(store, target.model)
    ndim = target.model.ndim
    at = axis + ndim if axis < 0 else axis
    if not 0 <= at < ndim:
        raise ArrayIndexError(f"axis {axis} cannot grow: the array has {ndim} axes")
    values = taken(data, target.model.data_type)
    yield Turn(seat.lock)
    try:
        check_fits(values.shape, target.model.shape, at)
        held = (yield store.lock(path)) if store.safety == "locks" else None
        if values.shape[at] == 0:
            model = target.model
        elif held is None and store.safety not in ("process", "nothing"):
            from zarrite.claims import append_claimed

            model = yield from append_claimed(store, path, target.model, target.config, values, at)
        else:
            try:
                model = yield from _append_alone(target, values, at)
            finally:
                if held is not None:
                    held.release()
        seat.published(model)
    finally:
        seat.lock.release()
    if target.catalog is not None:
        yield from target.catalog.changed(store, path, model)
    return model


def _append_alone(target: Target, values: NDArray[Any], at: int) -> Steps[ArrayModel]:
    """An append while nobody else appends; others may still change attributes, or the shape by hand."""
    store, path = target.store, target.path
    written: tuple[int, ...] | None = None
    for attempt in itertools.count():
        found = yield from find(store, path, target.model)
        before = found.model
        assert isinstance(before, ArrayModel)
        check_fits(values.shape, before.shape, at)
        model, box = grown(before, values.shape[at], at)
        if values.size and written != before.shape:
            yield bind(model, store, path, target.config).write(box, values)
            written = before.shape
        if (yield from put_shape(store, path, found, model)):
            return model
        yield pause(attempt)
    raise AssertionError  # pragma: no cover
