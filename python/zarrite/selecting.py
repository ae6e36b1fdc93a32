"""Cells by brackets and by name: every way to select some of an array's cells."""

# ruff: noqa: ARG002 -- `prototype` is a keyword of zarr-python that asks for nothing here

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from zarrite._engine import Cells
from zarrite._verb import Steps, Turn, verb
from zarrite.cells import Reading, Translated, Writing, bind, out_array, taken
from zarrite.described import Described
from zarrite.errors import ReadOnlyError
from zarrite.fields import FieldReading, Fields, field_dtype, set_fields, split_fields
from zarrite.indexing import BlockIndex, OIndex, VIndex
from zarrite.node import Seat, check_writable
from zarrite.selection import (
    Box,
    Points,
    basic,
    blocks,
    coordinates,
    is_mask,
    mask as by_mask,
    orthogonal,
    settle,
)

__all__ = ["Selecting"]


class Selecting(Described):
    """An array whose cells can be selected."""

    __slots__ = ("_cells", "_seat")

    _cells: Cells | Translated
    _seat: Seat

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # The program is compiled when cells are first wanted: opening ten thousand arrays should not pay for it.
            if name == "_cells":
                cells: Any = bind(self._model, self._store, self._path, self._config)
                if self._model.why_read_only:
                    cells = _NeverWritten(cells, self._store.url, self._model.why_read_only)
                self._cells = _OnlyGeneral(cells) if self._config.order == "F" and self.ndim > 1 else cells
                return self._cells
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # ---------------------------------------------------------------- brackets

    def __getitem__(self, key: Any) -> Any:
        got = self._cells.get(key)
        if got is not NotImplemented:
            return got
        return self._get(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(value) is np.ndarray and value.dtype == self._model.dtype and self._cells.set(key, value):
            return
        self._set(key, value)

    def _get(self, key: Any, out: Any = None) -> Any:
        fields, chosen = self._settle(key)
        reading = self._reading(chosen, fields, out)
        return reading.done(reading.pending.result())

    def _set(self, key: Any, value: Any) -> None:
        if _names_fields(key):
            fields, chosen = self._settle(key)
            self._write_chosen(chosen, value, fields)
            return
        if self._model.data_type.translates:
            self._write_chosen(settle(key, self._model.shape), value)
            return
        cells = taken(value, self._model.data_type)
        if cells is value or not self._cells.set(key, cells):
            self._write_chosen(settle(key, self._model.shape), cells)

    def _settle(self, key: Any) -> tuple[Fields, Box | Points]:
        fields, rest = self._split(key)
        return fields, settle(rest, self._model.shape)

    def _split(self, key: Any) -> tuple[Fields, Any]:
        """Field names apart from the rest of a key."""
        return split_fields(key) if _names_fields(key) else (None, key)

    def _is_mask(self, key: Any) -> bool:
        return is_mask(key, self._model.shape)

    def _reading(self, chosen: Box | Points, fields: Fields, out: Any) -> Reading | FieldReading:
        dtype = self._model.dtype
        if fields is not None:
            chosen_dtype = field_dtype(dtype, fields)
            target = None if out is None else out_array(out, chosen.shape, chosen_dtype)
            return FieldReading(Reading(self._cells, self._model.data_type, chosen, None), fields, chosen_dtype, target)
        target = None if out is None else out_array(out, chosen.shape, dtype)
        return Reading(self._cells, self._model.data_type, chosen, target, self._config.order)

    def _write_chosen(self, chosen: Box | Points, value: Any, fields: Fields = None) -> None:
        if fields is None:
            Writing(self._cells, self._model.data_type, chosen, value).pending.result()
        else:
            self._write_fields(chosen, value, fields)

    @verb
    def _write_fields(self, chosen: Box | Points, value: Any, fields: str | list[str]) -> Steps[None]:
        """Writes some fields of the cells: reads the cells, changes the fields, writes them, under the node's lock."""
        check_writable(self._store, self._model)
        dtype, kind = self._model.dtype, self._model.data_type
        field_dtype(dtype, fields)
        yield Turn(self._seat.lock)
        try:
            reading = Reading(self._cells, kind, chosen, None)
            now = np.array(reading.done((yield reading.pending)), dtype=dtype)
            set_fields(now, fields, value)
            yield Writing(self._cells, kind, chosen, now).pending
        finally:
            self._seat.lock.release()

    # ---------------------------------------------------------------- the two doors

    @verb
    def read(self, selection: Any = ..., *, out: Any = None) -> Steps[Any]:
        """The selected cells, as `array[selection]` gives them, or put where you want them.

        Args:
            selection: whatever may stand in the brackets.
            out: a writable NumPy array (strided too) or buffer of the selection's shape and the array's data type; it
                is filled in place and returned.

        Returns:
            an array of the selection's shape, C order (the handle's `order`), owned by you; a NumPy scalar where
            integers fixed every axis.

        Raises:
            ArrayIndexError: a selection that does not fit (an `IndexError`).
            ChunkDecodeError: a stored chunk is damaged (a `ValueError`).

        Example:
            >>> import numpy as np, zarrite
            >>> array = zarrite.array(np.arange(6).reshape(2, 3))
            >>> out = np.empty(3, dtype=array.dtype)
            >>> array.read(1, out=out) is out
            True
            >>> out
            array([3, 4, 5])
        """
        fields, chosen = self._settle(selection)
        reading = self._reading(chosen, fields, out)
        return reading.done((yield reading.pending))

    @read.blocking
    def _read_now(self, selection: Any = ..., *, out: Any = None) -> Any:
        return self[selection] if out is None else self._get(selection, out)

    @verb
    def write(self, selection: Any, values: Any) -> Steps[None]:
        """Writes cells, as `array[selection] = values` does.

        Args:
            selection: whatever may stand in the brackets.
            values: what broadcasts to the selection's shape.

        Raises:
            ReadOnlyError: the array was opened for reading (a `PermissionError`).
            ValueError: values that do not fit the selection.
        """
        fields, chosen = self._settle(selection)
        if fields is not None:
            yield from self._write_fields.steps(chosen, values, fields)
        else:
            yield Writing(self._cells, self._model.data_type, chosen, values).pending

    @write.blocking
    def _write_now(self, selection: Any, values: Any) -> None:
        self[selection] = values

    # ---------------------------------------------------------------- selections by name

    @property
    def oindex(self) -> OIndex:
        """Orthogonal brackets: every index array belongs to its own axis."""
        return OIndex(self)

    @property
    def vindex(self) -> VIndex:
        """Vectorised brackets: index arrays of all axes name single cells."""
        return VIndex(self)

    @property
    def blocks(self) -> BlockIndex:
        """Brackets that count stored objects instead of cells."""
        return BlockIndex(self)

    def _select(self, chosen: Box | Points, out: Any, fields: Fields) -> Steps[Any]:
        reading = self._reading(chosen, fields, out)
        return reading.done((yield reading.pending))

    @verb
    def get_basic_selection(
        self, selection: Any = ..., *, out: Any = None, prototype: Any = None, fields: Fields = None
    ) -> Steps[Any]:
        """Cells by integers, slices and `...`."""
        return (yield from self._select(basic(selection, self.shape), out, fields))

    def set_basic_selection(self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes cells by integers, slices and `...`."""
        self._write_chosen(basic(selection, self.shape), value, fields)

    @verb
    def get_orthogonal_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Steps[Any]:
        """Cells by integers, slices, and 1-d index arrays and masks that belong to their axes."""
        return (yield from self._select(orthogonal(selection, self.shape), out, fields))

    def set_orthogonal_selection(
        self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None
    ) -> None:
        """Writes cells by integers, slices, and 1-d index arrays and masks that belong to their axes."""
        self._write_chosen(orthogonal(selection, self.shape), value, fields)

    @verb
    def get_coordinate_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Steps[Any]:
        """Single cells by their coordinates: one index array an axis."""
        return (yield from self._select(coordinates(selection, self.shape), out, fields))

    def set_coordinate_selection(
        self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None
    ) -> None:
        """Writes single cells by their coordinates: one index array an axis."""
        self._write_chosen(coordinates(selection, self.shape), value, fields)

    @verb
    def get_mask_selection(
        self, mask: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Steps[Any]:
        """The cells where a mask of the array's shape is true, in C order."""
        return (yield from self._select(by_mask(mask, self.shape), out, fields))

    def set_mask_selection(self, mask: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes the cells where a mask of the array's shape is true."""
        self._write_chosen(by_mask(mask, self.shape), value, fields)

    @verb
    def get_block_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Steps[Any]:
        """Cells by integers and slices that count stored objects."""
        return (yield from self._select(blocks(selection, self.shape, self._model.grid.axes), out, fields))

    def set_block_selection(self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes cells by integers and slices that count stored objects."""
        self._write_chosen(blocks(selection, self.shape, self._model.grid.axes), value, fields)


def _no_short_cut(_key: Any) -> Any:
    return NotImplemented


class _OnlyGeneral:
    """Cells of a handle whose results are in column-major order: the short cut, which gives C order, is shut."""

    __slots__ = ("get", "read", "read_points", "set", "write", "write_points")

    def __init__(self, cells: Cells | Translated) -> None:
        self.get = _no_short_cut
        self.set = cells.set
        self.read = cells.read
        self.write = cells.write
        self.read_points = cells.read_points
        self.write_points = cells.write_points


class _NeverWritten:
    """Cells of an array whose format is never written, whatever its store allows."""

    __slots__ = ("get", "read", "read_points", "url", "why")

    def __init__(self, cells: Cells, url: str, why: str) -> None:
        self.get = cells.get
        self.read = cells.read
        self.read_points = cells.read_points
        self.url = url
        self.why = why

    def _refuse(self, *_: Any) -> NoReturn:
        raise ReadOnlyError(self.url, self.why)

    set = write = write_points = _refuse


def _names_fields(key: Any) -> bool:
    """Whether a key holds a text: the name of a field, or a mistake."""
    if isinstance(key, tuple):
        return any(isinstance(entry, str) or _names_fields_alone(entry) for entry in key)
    return isinstance(key, str) or _names_fields_alone(key)


def _names_fields_alone(entry: Any) -> bool:
    return isinstance(entry, list) and bool(entry) and isinstance(entry[0], str)
