"""The array: a handle on cells in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zarrite import resizing, stored
from zarrite._engine import Cells, Store
from zarrite._verb import Steps, Turn, verb
from zarrite.attributes import Attributes, copied
from zarrite.cells import Reading, Writing, as_cells, bind, out_array
from zarrite.config import ArrayConfig, array_config
from zarrite.described import Described
from zarrite.errors import ReadOnlyError
from zarrite.fields import FieldReading, Fields, field_dtype, set_fields
from zarrite.indexing import BlockIndex, OIndex, VIndex
from zarrite.info import ArrayInfo
from zarrite.model.node import ArrayModel
from zarrite.node import Catalog, Seat, publish, seat_of
from zarrite.selection import Box, Points, basic, blocks, coordinates, is_mask, orthogonal, settle, split_fields
from zarrite.selection import mask as by_mask
from zarrite.stores import address

__all__ = ["Array"]

class Array(Described):
    """An n-dimensional array of cells, kept in chunks in a store.

    Handles are made by `zarrite.open_array`, `zarrite.create_array`, a group's brackets and their like. They are cheap,
    may be used from many threads, and can be pickled. Reading is written `array[...]`, writing `array[...] = values`.

    Example:
        >>> import numpy as np, zarrite
        >>> array = zarrite.create_array(None, shape=(100, 100), chunks=(10, 10), dtype="float32")
        >>> array[10:20, ::5] = np.arange(20)
        >>> array[10, :16:5]
        array([0., 1., 2., 3.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_catalog", "_cells", "_seat")

    _cells: Cells

    def __init__(
        self,
        store: Store,
        path: str,
        model: ArrayModel,
        config: ArrayConfig | None = None,
        seat: Seat | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self._store = store
        self._path = path
        self._model = model
        self._config = _config_of(model) if config is None else config
        self._seat = seat_of(store, path) if seat is None else seat
        self._catalog = catalog

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # The program is compiled when cells are first wanted: opening ten thousand arrays should not pay for it.
            if name == "_cells":
                cells = bind(self._model, self._store, self._path, self._config)
                self._cells = _OnlyGeneral(cells) if self._config.order == "F" and self.ndim > 1 else cells
                return self._cells
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _become(self, model: ArrayModel) -> None:
        """Turns this handle to a newer model of its node."""
        self._model = model
        try:
            del self._cells
        except AttributeError:  # they were never wanted
            pass

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
        cells = as_cells(value, self._model.dtype)
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
            return FieldReading(Reading(self._cells, dtype, chosen, None), fields, chosen_dtype, target)
        target = None if out is None else out_array(out, chosen.shape, dtype)
        return Reading(self._cells, dtype, chosen, target, self._config.order)

    def _write_chosen(self, chosen: Box | Points, value: Any, fields: Fields = None) -> None:
        if fields is None:
            Writing(self._cells, self._model.dtype, chosen, value).pending.result()
        else:
            self._write_fields(chosen, value, fields)

    @verb
    def _write_fields(self, chosen: Box | Points, value: Any, fields: str | list[str]) -> Steps[None]:
        """Writes some fields of the cells: reads the cells, changes the fields, writes them, under the node's lock."""
        if self.read_only:
            raise ReadOnlyError(self._store.url)
        dtype = self._model.dtype
        field_dtype(dtype, fields)
        yield Turn(self._seat.lock)
        try:
            reading = Reading(self._cells, dtype, chosen, None)
            now = np.array(reading.done((yield reading.pending)), dtype=dtype)
            set_fields(now, fields, value)
            yield Writing(self._cells, dtype, chosen, now).pending
        finally:
            self._seat.lock.release()

    # ---------------------------------------------------------------- verbs

    @verb
    def read(self, selection: Any = ..., *, out: Any = None) -> Steps[Any]:
        """The selected cells, as `array[selection]` gives them, or put where you want them.

        Args:
            selection: whatever may stand in the brackets.
            out: a writable NumPy array (strided too) or buffer of the selection's shape and the array's data type; it is
                filled in place and returned.

        Returns:
            an array of the selection's shape, C order (the handle's `order`), owned by you; a NumPy scalar where integers
            fixed every axis.

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
            yield Writing(self._cells, self._model.dtype, chosen, values).pending

    @verb
    def resize(self, new_shape: int | tuple[int, ...]) -> Steps[None]:
        """Changes the shape. Cells outside the new shape are forgotten; new cells are fill values.

        Args:
            new_shape: length of every axis, in cells; an integer for an array of one axis.

        Raises:
            ValueError: another number of axes, or a negative length.
            ReadOnlyError: the array was opened for reading.
        """
        self._become((yield from resizing.resize(self._at(), new_shape)))

    @verb
    def append(self, data: Any, axis: int = 0) -> Steps[tuple[int, ...]]:
        """Adds cells at the end of an axis.

        The cells are written first and the new shape is published after them, so that an interrupted append leaves the
        array as it was. Threads of this process that append to one array take turns.

        Args:
            data: an array with the array's number of axes, and its length along all axes but one.
            axis: the axis that grows.

        Returns:
            the new shape.

        Raises:
            ValueError: data of another shape.
        """
        model = yield from resizing.append(self._at(), data, axis)
        self._become(model)
        return model.shape

    def _at(self) -> resizing.Target:
        return resizing.Target(self._store, self._path, self._model, self._config, self._seat, self._catalog)

    @verb
    def update_attributes(self, new_attributes: Mapping[str, Any]) -> Steps[Array]:
        """Adds and replaces attributes with one write; gives the array."""
        new = {name: copied(value) for name, value in new_attributes.items()}
        yield from self._publish_attributes(lambda now: {**now, **new})
        return self

    def _publish_attributes(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Steps[None]:
        def with_change(model: ArrayModel) -> ArrayModel:
            return model.with_attributes(change(dict(model.attributes)))

        model = yield from publish(self._store, self._path, self._seat, with_change, self._model, self._catalog)
        if model.shape == self._model.shape:
            self._model = model
        else:
            self._become(model)

    @verb
    def _change_attributes(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Steps[None]:
        yield from self._publish_attributes(change)

    def _attributes(self) -> Mapping[str, Any]:
        return self._model.attributes

    @property
    def attrs(self) -> Attributes:
        """The attributes; changing them writes the array's document."""
        return Attributes(self)

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

    def _select(self, chosen: Box | Points, out: Any, fields: Fields) -> Any:
        reading = self._reading(chosen, fields, out)
        return reading.done(reading.pending.result())

    def get_basic_selection(
        self, selection: Any = ..., *, out: Any = None, prototype: Any = None, fields: Fields = None
    ) -> Any:
        """Cells by integers, slices and `...`."""
        return self._select(basic(selection, self.shape), out, fields)

    def set_basic_selection(self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes cells by integers, slices and `...`."""
        self._write_chosen(basic(selection, self.shape), value, fields)

    def get_orthogonal_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Any:
        """Cells by integers, slices, and 1-d index arrays and masks that belong to their axes."""
        return self._select(orthogonal(selection, self.shape), out, fields)

    def set_orthogonal_selection(
        self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None
    ) -> None:
        """Writes cells by integers, slices, and 1-d index arrays and masks that belong to their axes."""
        self._write_chosen(orthogonal(selection, self.shape), value, fields)

    def get_coordinate_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Any:
        """Single cells by their coordinates: one index array an axis."""
        return self._select(coordinates(selection, self.shape), out, fields)

    def set_coordinate_selection(
        self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None
    ) -> None:
        """Writes single cells by their coordinates: one index array an axis."""
        self._write_chosen(coordinates(selection, self.shape), value, fields)

    def get_mask_selection(self, mask: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None) -> Any:
        """The cells where a mask of the array's shape is true, in C order."""
        return self._select(by_mask(mask, self.shape), out, fields)

    def set_mask_selection(self, mask: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes the cells where a mask of the array's shape is true."""
        self._write_chosen(by_mask(mask, self.shape), value, fields)

    def get_block_selection(
        self, selection: Any, *, out: Any = None, fields: Fields = None, prototype: Any = None
    ) -> Any:
        """Cells by integers and slices that count stored objects."""
        return self._select(blocks(selection, self.shape, self.write_chunks), out, fields)

    def set_block_selection(self, selection: Any, value: Any, *, fields: Fields = None, prototype: Any = None) -> None:
        """Writes cells by integers and slices that count stored objects."""
        self._write_chosen(blocks(selection, self.shape, self.write_chunks), value, fields)

    # ---------------------------------------------------------------- as NumPy and others see it

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array without axes")
        # A row of chunks at a time, so that every chunk is decoded once.
        rows = max(1, self.chunks[0])
        for start in range(0, self.shape[0], rows):
            yield from self[start : start + rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array in a store cannot be had without copying its cells; leave copy=False out")
        cells = np.asarray(self[...])
        return cells if dtype is None else cells.astype(dtype, copy=False)

    def __dlpack__(self, **options: Any) -> Any:
        return np.asarray(self[...]).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # kDLCPU, the first one

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        mine = (self._store.identity, self._path)
        return mine == (other._store.identity, other._path) and self._model == other._model

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<zarrite.Array {self.url} shape={self.shape} dtype={self.dtype}>"

    def __reduce__(self) -> tuple[Any, ...]:
        where = address(self._store)
        return stored.reopen_array, (type(self), where, self._path, stored.documents(self), self._config)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "zarrite.Array", self._store.identity, self._path, tuple(sorted(stored.documents(self).items()))

    def with_config(self, config: ArrayConfig | Mapping[str, Any]) -> Array:
        """Another handle of the same array that does some things in another way.

        Args:
            config: an `ArrayConfig`, or a dictionary of `order`, `write_empty_chunks`, `read_missing_chunks`.

        Raises:
            TypeError: an unknown setting.
        """
        settings = array_config(config, base=self._config)
        return type(self)(self._store, self._path, self._model, settings, self._seat, self._catalog)

    # ---------------------------------------------------------------- what is stored

    @verb
    def nbytes_stored(self) -> Steps[int]:
        """How many bytes the array takes in the store, its documents included. Lists the store."""
        _, stored_bytes = yield self._store.usage(self._path)
        return stored_bytes  # type: ignore[no-any-return]

    @property
    def nchunks_initialized(self) -> int:
        """How many chunks were written: all of a shard's where there are shards. Lists the store."""
        return stored.count_chunks(self._store, self._path, self._model)

    @property
    def info(self) -> ArrayInfo:
        """What the array is, to be printed."""
        return ArrayInfo.of(self)

    @verb
    def info_complete(self) -> Steps[ArrayInfo]:
        """What the array is, with what is stored of it. Lists the store."""
        _, stored_bytes = yield self._store.usage(self._path)
        keys = yield self._store.list(self._path)
        count = stored.chunk_objects(keys, self._path, self._model)
        return ArrayInfo.of(self, stored_bytes, count)


class _OnlyGeneral:
    """Cells of a handle whose results are in column-major order: the short cut for plain keys, which gives C order, is shut."""

    __slots__ = ("get", "read", "read_points", "set", "write", "write_points")

    def __init__(self, cells: Cells) -> None:
        self.get = lambda key: NotImplemented
        self.set = cells.set
        self.read = cells.read
        self.write = cells.write
        self.read_points = cells.read_points
        self.write_points = cells.write_points


def _config_of(model: ArrayModel) -> ArrayConfig:
    config = array_config(None)
    return config if model.order == "C" else config._replace(order=model.order)


def _names_fields(key: Any) -> bool:
    """Whether a key holds a text: the name of a field, or a mistake."""
    if isinstance(key, str):
        return True
    return isinstance(key, (tuple, list)) and any(isinstance(entry, str) for entry in key)
