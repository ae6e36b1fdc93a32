"""What an array handle says of itself: everything that follows from its model, without a request."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from zarrite import formats
from zarrite._engine import Store, close
from zarrite._verb import Steps, verb
from zarrite.config import ArrayConfig
from zarrite.model.node import ArrayModel
from zarrite.stores import StorePath, join_url, place_of
from zarrite.stores.protocol import shown, shown_path

__all__ = ["Described", "Located"]


class Located:
    """A handle of a node: where it is."""

    __slots__ = ("_path", "_store")
    _store: Store
    _path: str

    def __class_getitem__(cls, of: Any) -> type[Self]:
        """The class itself: annotations may name what describes the node, as zarr-python's do."""
        return cls

    @property
    def store(self) -> Store:
        """The store the node is in."""
        found: Store = shown(self._store)
        return found

    @property
    def path(self) -> str:
        """The path inside the store, such as `"a/b"`; empty for the root."""
        return self._path

    @property
    def name(self) -> str:
        """The path with a slash in front, such as `"/a/b"`."""
        return "/" + self._path

    @property
    def basename(self) -> str:
        """The last part of the path, such as `"b"`."""
        return self._path.rpartition("/")[2]

    @property
    def store_path(self) -> StorePath:
        """Store and path together; opens the same node when passed as `store`."""
        found: StorePath = shown_path(self._store, self._path)
        return found

    @property
    def url(self) -> str:
        """The whole place as text."""
        return join_url(self._store.url, self._path)

    def _place(self) -> str:
        return place_of(self._store, self._path)

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self._store.read_only

    @verb
    def close(self) -> Steps[None]:
        """Closes the store, for every handle of it. A zip archive that was changed is written now.

        A node is a context manager that does the same, and that gives up what was not written where an error leaves it.

        Example:
            >>> import tempfile, zarrite
            >>> with zarrite.open(f"{tempfile.mkdtemp()}/a.zip", mode="w") as group:
            ...     cells = group.create_array("a", data=[1, 2, 3])
        """
        yield close(self._store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        close(self._store, kind is None).result()


class Described(Located):
    """An array's facts."""

    __slots__ = ("_config", "_model")
    _config: ArrayConfig
    _model: ArrayModel

    @property
    def read_only(self) -> bool:
        """Whether writes are refused: by the store, or because the array's format is never written."""
        return self._store.read_only or bool(self._model.why_read_only)

    @property
    def metadata(self) -> ArrayModel:
        """The model: everything the array's document says."""
        return self._model.shown

    @property
    def config(self) -> ArrayConfig:
        """What this handle does in its own way; see `with_config`."""
        return self._config

    @property
    def zarr_format(self) -> int:
        """The number of the format the array is stored in."""
        return self._model.zarr_format

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis, in cells."""
        return self._model.shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self._model.shape)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return math.prod(self._model.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of a cell, as reading gives it."""
        return self._model.dtype

    @property
    def nbytes(self) -> int:
        """How many bytes all cells take in memory (for cells of variable length: what refers to them)."""
        return self.size * self.dtype.itemsize

    @property
    def fill_value(self) -> Any:
        """What cells are that were never written."""
        return self._model.fill_value

    @property
    def order(self) -> str:
        """Memory order of results, "C" or "F"."""
        return self._config.order

    @property
    def dimension_names(self) -> tuple[str | None, ...] | None:
        """A name for every axis, where the document has them."""
        return formats.dimension_names(self._model)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of the smallest part that is decoded alone, in cells: inside shards where there are some.

        Raises:
            IrregularGridError: chunks have several shapes, which `read_chunk_sizes` lists.
        """
        return self._model.chunks

    @property
    def shards(self) -> tuple[int, ...] | None:
        """Shape of a stored object that holds several chunks, in cells; `None` without sharding."""
        return self._model.shards

    @property
    def filters(self) -> tuple[Any, ...]:
        """The codecs from cells to cells, in encoding order."""
        return self._model.filters

    @property
    def serializer(self) -> Any:
        """The codec that makes bytes of cells."""
        return self._model.serializer

    @property
    def compressors(self) -> tuple[Any, ...]:
        """The codecs from bytes to bytes, in encoding order."""
        return self._model.compressors

    @property
    def compressor(self) -> Any:
        """The one codec from bytes to bytes, or `None`; an older name, of arrays that have one at most.

        Raises:
            TypeError: there are several.
        """
        found = self.compressors
        if len(found) > 1:
            raise TypeError("the array has several compressors; `compressors` has them all")
        return found[0] if found else None

    @property
    def write_chunks(self) -> tuple[int, ...]:
        """Shape of a stored object, in cells: a shard where there are shards, else a chunk."""
        return self._model.grid.chunk_shape

    @property
    def cdata_shape(self) -> tuple[int, ...]:
        """How many chunks there are along every axis."""
        return self._model.chunk_counts

    @property
    def nchunks(self) -> int:
        """How many chunks there are, written or not."""
        return math.prod(self.cdata_shape)

    @property
    def read_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of the chunks along every axis, as dask writes them."""
        return tuple(self._model.chunk_lengths(axis) for axis in range(self.ndim))

    @property
    def write_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of the stored objects along every axis, as dask writes them."""
        return tuple(edges.lengths(extent) for extent, edges in zip(self.shape, self._model.grid.axes, strict=True))
