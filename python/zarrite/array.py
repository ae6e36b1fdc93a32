"""The array: a handle on cells in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite import resizing, stored
from zarrite._engine import Store
from zarrite._verb import Flow, Steps, verb
from zarrite.attributes import Attributes, copied
from zarrite.catalog import Catalog
from zarrite.config import ArrayConfig, array_config, config
from zarrite.errors import ArrayNotFoundError
from zarrite.info import ArrayInfo
from zarrite.model.edges import equal_edges
from zarrite.model.node import ArrayModel
from zarrite.node import Seat, fetch, publish, seat_of
from zarrite.selecting import Selecting
from zarrite.stores import address, resolve

__all__ = ["Array"]

# Up to so many chunks the objects are counted for a picture.
MOST_COUNTED = 10_000


class Array(Selecting):
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

    __slots__ = ("__weakref__", "_catalog")

    def __init__(
        self,
        store: Store | None = None,
        path: str = "",
        model: ArrayModel | None = None,
        config: ArrayConfig | None = None,
        seat: Seat | None = None,
        catalog: Catalog | None = None,
        *,
        _async_array: Any = None,
    ) -> None:
        if model is None or store is None:
            store, path, model, config, seat, catalog = _parts(store or _async_array)
        self._store = store
        self._path = path
        self._model = model
        self._config = _config_of(model) if config is None else config
        self._seat = seat_of(store, path) if seat is None else seat
        self._catalog = catalog

    @classmethod
    def open(cls, store: Any, *, config: ArrayConfig | Mapping[str, Any] | None = None) -> Array:
        """The array at a place; `zarrite.open_array` can do more.

        Raises:
            ArrayNotFoundError: no array is there.
        """
        place, path = resolve(store)
        model, seat = Flow(fetch(place, path)).result()
        if not isinstance(model, ArrayModel):
            raise ArrayNotFoundError(place.url, path)
        return cls(place, path, model, None if config is None else array_config(config), seat)

    def _become(self, model: ArrayModel) -> None:
        """Turns this handle to a newer model of its node."""
        self._model = model
        try:
            del self._cells
        except AttributeError:  # they were never wanted
            pass

    # ---------------------------------------------------------------- verbs

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
        array as it was. Any number of threads, processes and machines may append to one array: each block is there
        once, and in one piece.

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
        inner = self._model.inner_chunk
        axis = self._model.grid.axes[0] if inner is None else equal_edges(inner[0])
        for start, stop in axis.parts(self.shape[0]):
            yield from self[start:stop]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array in a store cannot be had without copying its cells; leave copy=False out")
        cells = np.asarray(self[...])
        return cells if dtype is None else cells.astype(dtype, copy=False)

    def __dlpack__(self, *, copy: bool | None = None, **options: Any) -> Any:
        if copy is False:
            raise BufferError("an array in a store cannot be had without copying its cells; leave copy=False out")
        cells = np.asarray(self[...])
        return cells.astype(cells.dtype.newbyteorder("="), copy=False).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # kDLCPU, the first one

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        return self._place() == other._place() and self._model == other._model

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<zarrite.Array {self.url} shape={self.shape} dtype={self.dtype}>"

    def _repr_html_(self) -> str:
        """What notebooks show: facts, codecs and the grid of chunks."""
        from zarrite.picture import array_html

        # Asking a store on this machine what is stored costs little; a bucket is not asked for a picture.
        cheap = self._store.is_local and self.nchunks <= MOST_COUNTED
        return array_html(self, self.info_complete() if cheap else self.info)

    def __reduce__(self) -> tuple[Any, ...]:
        where = address(self._store)
        return stored.reopen_array, (type(self), where, self._path, stored.documents(self), self._config)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "zarrite.Array", self._place(), tuple(sorted(stored.documents(self).items()))

    def with_config(self, config: ArrayConfig | Mapping[str, Any]) -> Array:
        """Another handle of the same array that does some things in another way.

        Args:
            config: an `ArrayConfig`, or a dictionary of `order`, `write_empty_chunks`, `read_missing_chunks`,
                `decoded_cache`.

        Raises:
            TypeError: an unknown setting.
        """
        settings = array_config(config, base=self._config)
        return type(self)(self._store, self._path, self._model, settings, self._seat, self._catalog)

    @property
    def async_array(self) -> Any:
        """This array with methods that are coroutines, by zarr-python's names; `array.read.aio` and its like do too."""
        return import_module("zarrite.as_zarr.nodes").AsyncArray(self)  # by name, since it is made of this class

    _async_array = async_array

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


def _parts(node: Any) -> tuple[Store, str, ArrayModel, ArrayConfig, Seat, Catalog | None]:
    """What a handle is made of: `Array(array.async_array)` is one more handle of the array."""
    handle = getattr(node, "_handle", node)
    if not isinstance(handle, Array):
        raise TypeError(
            f"Array() takes the array that is to have one more handle, not {type(node).__name__}; open_array opens one "
            "that is stored, and create_array makes a new one"
        )
    return handle._store, handle._path, handle._model, handle._config, handle._seat, handle._catalog


def _config_of(model: ArrayModel) -> ArrayConfig:
    settings = config.of_arrays
    return settings if model.order == "C" else settings._replace(order=model.order)
