"""Cells in and out of one array: settled selections to calls of the engine, and user values to cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite._engine import Cells, Pending, Program, Store
from zarrite.config import ArrayConfig, config as settings
from zarrite.errors import ArrayIndexError, PickleCodecDisabledError
from zarrite.model.checks import brief
from zarrite.model.dtypes import DType
from zarrite.model.node import ArrayModel
from zarrite.selection import Axis, Box, Points

__all__ = ["Reading", "Translated", "Writing", "as_cells", "bind", "box_of", "out_array", "taken"]

PROGRAMS_KEPT = 1024

# Compiled programs by the model they came from. The model is kept beside its program, so that its id stays its own.
_programs: dict[tuple[int, bool, bool], tuple[ArrayModel, Program]] = {}


def program_of(model: ArrayModel, config: ArrayConfig) -> Program:
    """The model compiled for the engine. Handles of one model share it."""
    key = (id(model), config.write_empty_chunks, config.read_missing_chunks)
    known = _programs.get(key)
    if known is not None and known[0] is model:
        return known[1]
    # Where format 2 says null, readers differ in what cells are that nobody wrote, so chunks that are written stay.
    undefined = model.fill_value is None and model.data_type.default() is not None
    document, codecs = model.lower(
        write_empty_chunks=config.write_empty_chunks or undefined,
        missing="fill" if config.read_missing_chunks else "error",
    )
    program = Program(document, codecs)
    if len(_programs) >= PROGRAMS_KEPT:
        _programs.clear()
    _programs[key] = (model, program)
    return program


def bind(model: ArrayModel, store: Store, path: str, config: ArrayConfig) -> Cells | Translated:
    """The cells of an array where they are stored.

    Raises:
        PickleCodecDisabledError: reading them would run code, and nobody allowed it.
    """
    kind = model.data_type
    if kind.asks is not None and not settings.get(kind.asks):
        raise PickleCodecDisabledError(
            f"cells of array {path!r} are Python pickles, which run code when they are read; if you trust who wrote "
            f'them, allow it by name: zarrite.config.set({{"{kind.asks}": True}})'
        )
    finish = _finish(kind.memory) if kind.vlen is not None and kind.memory.kind == "O" else None
    cells = Cells(program_of(model, config), store, path, kind.memory, finish, config.decoded_cache)
    return Translated(cells) if kind.translates else cells


def _nothing_at_once(_key: Any, _values: Any = None) -> Any:
    return NotImplemented


def _never_at_once(_key: Any, _values: Any) -> bool:
    return False


class Translated:
    """Cells that the data type translates: the short cuts, which know nothing of that, are shut."""

    __slots__ = ("chunk_key", "get", "read", "read_points", "set", "write", "write_claimed", "write_points")

    def __init__(self, cells: Cells) -> None:
        self.get = _nothing_at_once
        self.set = _never_at_once
        self.read = cells.read
        self.write = cells.write
        self.write_claimed = cells.write_claimed
        self.read_points = cells.read_points
        self.write_points = cells.write_points
        self.chunk_key = cells.chunk_key


def _finish(dtype: np.dtype[Any]) -> Callable[[list[Any], tuple[int, ...]], NDArray[Any]]:
    """Makes an array of the Python objects that cells of variable length come as."""

    def finish(values: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        # np.array would look into bytes and make fixed-length cells of them.
        cells = np.empty(len(values), dtype=dtype)
        cells[:] = values
        return cells.reshape(shape)

    return finish


# ---------------------------------------------------------------- reading


class Reading:
    """One read that has been described: what the engine is asked, and what becomes of its answer."""

    __slots__ = ("_chosen", "_copies", "_into", "_kind", "_out", "pending")

    pending: Pending[NDArray[Any]]

    def __init__(
        self,
        cells: Cells | Translated,
        kind: DType,
        chosen: Box | Points,
        out: NDArray[Any] | None,
        order: str = "C",
    ) -> None:
        # What is translated is read aside, and only then put where the user wants it.
        self._into = out if kind.translates else None
        out = None if kind.translates else out
        if out is None and order == "F" and len(chosen.shape) > 1:
            out = np.empty(chosen.shape, dtype=kind.memory, order="F")
        self._chosen = chosen
        self._kind = kind
        self._out = out
        # Where the result has other axes than what the engine gives, it is read aside and copied.
        self._copies = out is not None and chosen.shape != chosen.inner
        target = None if self._copies else out
        if isinstance(chosen, Points):
            self.pending = cells.read_points(chosen.points, target)
        else:
            self.pending = cells.read(chosen.axes, chosen.drop, target)

    def done(self, got: Any) -> Any:
        """The result as the user gets it."""
        if not self._kind.translates:
            return self._placed(got)
        shown = self._kind.shown(self._placed(got))
        if self._into is None:
            return shown
        self._into[...] = shown
        return self._into

    def _placed(self, got: Any) -> Any:
        chosen, out = self._chosen, self._out
        if out is None:
            if not chosen.shape and isinstance(chosen, Box) and chosen.whole:
                return as_cells(got, self._kind.memory) if self._kind.vlen else np.array(got, dtype=self._kind.memory)
            return got if chosen.shape == chosen.inner else got.reshape(chosen.shape)
        if self._copies:
            out[...] = got.reshape(chosen.shape)
        return out


def out_array(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array that a user's `out` is, sharing its memory.

    Raises:
        TypeError: no array and no buffer.
        ValueError: another shape or data type, or not writable.
    """
    held = getattr(out, "as_ndarray_like", None)  # the wrapper that zarr-python's programs pass
    if held is not None:
        out = held()
    if isinstance(out, np.ndarray):
        target: NDArray[Any] = out
    else:
        try:
            view = memoryview(out)
        except TypeError as error:
            raise TypeError(f"out must be a NumPy array or a writable buffer, not {type(out).__name__}") from error
        if view.readonly:
            raise ValueError("out is read-only")
        if view.contiguous and view.format in ("B", "b", "c") and dtype != np.dtype(view.format or "B"):
            if view.nbytes != math.prod(shape) * dtype.itemsize:
                needed = math.prod(shape) * dtype.itemsize
                raise ValueError(f"out holds {view.nbytes} bytes; the selection needs {needed}")
            target = np.frombuffer(view, dtype=dtype).reshape(shape)
        else:
            target = np.asarray(view)
    if target.shape != shape:
        raise ValueError(f"out has shape {target.shape}; the selection has {shape}")
    if target.dtype != dtype:
        raise ValueError(f"out has data type {target.dtype}; the array has {dtype}")
    if not target.flags.writeable:
        raise ValueError("out is read-only")
    return target


# ---------------------------------------------------------------- writing


class Writing:
    """One write that has been described."""

    __slots__ = ("pending",)

    pending: Pending[None]

    def __init__(self, cells: Cells | Translated, kind: DType, chosen: Box | Points, values: Any) -> None:
        ready = broadcast(taken(values, kind, not chosen.shape), chosen.shape)
        if isinstance(chosen, Points):
            self.pending = cells.write_points(chosen.points, ready.reshape(-1))
            return
        laid = ready.reshape(chosen.inner)
        if chosen.drop:
            laid = np.expand_dims(laid, chosen.drop)
        self.pending = cells.write(chosen.axes, laid)


def taken(values: Any, kind: DType, is_one: bool = False) -> NDArray[Any]:
    """A user's values, or value for one cell, as the engine's cells of a data type. See `as_cells`."""
    if not kind.translates:
        return as_cells(values, kind.numpy)
    return kind.taken_one(values) if is_one else kind.taken(values)


def as_cells(values: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A user's values as an array of the array's data type; as it is where it has that type already.

    Raises:
        TypeError, ValueError, OverflowError: NumPy's own, where values do not fit the type.
    """
    if isinstance(values, np.ndarray) and values.dtype == dtype:
        return values
    if dtype.kind == "O":
        return _objects(values)
    try:
        return _as_numpy(values, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        shown = brief(values) if isinstance(values, (str, bytes, int, float, complex)) else f"{type(values).__name__}"
        raise type(error)(f"{shown} cannot become cells of {dtype}: {error}") from None


def _as_numpy(values: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    if isinstance(values, (np.ndarray, np.generic)):
        found = np.asarray(values)
        # The engine takes text out of objects itself, and refuses text that is missing.
        return found if dtype.kind == "T" and found.dtype.kind in "OT" else found.astype(dtype)
    if hasattr(values, "__array__"):
        found = np.asarray(values)
        return found if found.dtype == dtype else found.astype(dtype)
    return np.asarray(values, dtype=dtype)


def _objects(values: Any) -> NDArray[Any]:
    """Values of variable length as an array of Python objects; one bytes object is one cell."""
    if isinstance(values, (bytes, bytearray, memoryview, str)):
        cell = np.empty((), dtype=object)
        cell[()] = values if isinstance(values, str) else bytes(values)
        return cell
    return np.asarray(values).astype(object) if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)


def broadcast(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Values stretched to a selection's shape, as assignment in NumPy does: a view.

    Raises:
        ValueError: the shapes do not fit.
    """
    if values.shape == shape:
        return values
    squeezed = values
    while squeezed.ndim > len(shape) and squeezed.shape[0] == 1:
        squeezed = squeezed[0, ...]  # without the dots a scalar would come out, in native byte order
    try:
        return np.broadcast_to(squeezed, shape)
    except ValueError:
        raise ValueError(
            f"shape mismatch: values of shape {values.shape} cannot fill a selection of shape {shape}"
        ) from None


def box_of(starts: Sequence[int], stops: Sequence[int]) -> tuple[Axis, ...]:
    """The axes of a plain box, from the first cells up to and without the last.

    Raises:
        ArrayIndexError: a start beyond its stop.
    """
    if any(stop < start for start, stop in zip(starts, stops, strict=True)):
        raise ArrayIndexError(f"a box from {tuple(starts)} to {tuple(stops)} runs backwards")
    return tuple((start, 1, stop - start) for start, stop in zip(starts, stops, strict=True))
