"""Chunks of HDF5 datasets read by the engine: many at a time, decoded on all cores, straight from the file.

HDF5 compresses a chunk with a list of filters, as Zarr does with codecs. Where every filter has a codec that makes the
same bytes the file is a store and a dataset an array: HDF5 is asked where the chunks are, once, and the engine does the
rest. What does not fit (other filters, checksums to be verified, padded types) is read by h5py, one chunk at a time.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zarrite
from zarrite import codecs
from zarrite.convert.source import Box
from zarrite.errors import ReadOnlyError, ZarriteError
from zarrite.storage import MemoryStore
from zarrite.stores import resolve

__all__ = ["ChunkReader", "chunk_reader"]

DEFLATE, SHUFFLE, ZSTD, BLOSC = 1, 2, 32015, 32001

LEAST_BYTES = 32 << 10
"""Smaller chunks are left to h5py: the way through Python would cost more than decoding them."""

MOST_CHUNKS = 100_000
"""More places than this are not kept in memory."""


class ChunkFile:
    """An HDF5 file as a store of chunks. Its keys are those of one dataset's chunks."""

    def __init__(self, path: str, places: dict[str, tuple[int, int]]) -> None:
        self._path = path
        self._places = places
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def __del__(self) -> None:
        os.close(self._file)

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of a chunk as the file has them."""
        place = self._places.get(key)
        if place is None:
            return None
        first, last, _ = slice(start, stop).indices(place[1])
        return os.pread(self._file, max(0, last - first), place[0] + first)

    def put(self, key: str, value: bytes) -> None:  # noqa: ARG002  # the contract's names
        """Refused: a source is only read."""
        raise ReadOnlyError(self._path)

    def delete(self, key: str) -> None:  # noqa: ARG002  # the contract's names
        """Refused: a source is only read."""
        raise ReadOnlyError(self._path)

    def list(self, prefix: str) -> list[str]:
        """Keys of chunks."""
        return sorted(key for key in self._places if key.startswith(prefix))


class ChunkReader:
    """Reads boxes of a dataset through the engine.

    Args:
        path: the file.
        dataset: of h5py.
        compressors: the dataset's filters as codecs.
    """

    def __init__(self, path: str, dataset: Any, compressors: list[Any]) -> None:
        self.path = path
        self.dataset = dataset
        self.compressors = compressors
        self._array: Any = None

    def read(self, box: Box, out: NDArray[Any]) -> bool:
        """Fills `out` with the cells of a box; `False`, and `out` undefined, when HDF5 itself has to read them."""
        if self._array is None:
            self._array = self._opened()
        if self._array is False:
            return False
        try:
            self._array.read(box, out=out)
        except (ZarriteError, OSError):
            # Damaged, or compressed in a way that its filters do not tell: HDF5 knows best what to say of it.
            self._array = False
            return False
        return True

    def forget(self) -> None:
        """Lets go of the chunks' places; they are asked for again when needed."""
        if self._array is not False:
            self._array = None

    def _opened(self) -> Any:
        places: dict[str, tuple[int, int]] = {}
        is_plain = True

        def note(info: Any) -> None:
            nonlocal is_plain
            is_plain = is_plain and info.filter_mask == 0
            index = (str(offset // side) for offset, side in zip(info.chunk_offset, self.dataset.chunks, strict=True))
            places[f"c/{'/'.join(index)}"] = (info.byte_offset, info.size)

        self.dataset.id.chunk_iter(note)
        if not is_plain:
            return False
        dtype = self.dataset.dtype
        described = zarrite.create_array(
            MemoryStore(),
            shape=self.dataset.shape,
            chunks=self.dataset.chunks,
            dtype=dtype.newbyteorder("="),
            serializer=codecs.BytesCodec(endian="big" if dtype.byteorder == ">" else "little"),
            compressors=self.compressors or None,
            fill_value=_fill(self.dataset),
        )
        store, _ = resolve(ChunkFile(self.path, places))
        return zarrite.Array(store, "", described.metadata)


def chunk_reader(h5py: Any, dataset: Any, memory_bytes: int) -> ChunkReader | None:
    """A reader for a dataset that the engine can read, or `None`.

    Args:
        h5py: the package.
        dataset: an open dataset.
        memory_bytes: what all cores together may take for chunks they decode.
    """
    file = dataset.file
    if dataset.chunks is None or dataset.dtype.kind not in "iuf" or file.driver != "sec2" or file.userblock_size:
        return None
    if not 0 < dataset.id.get_num_chunks() <= MOST_CHUNKS or h5py.h5t.py_create(dataset.dtype) != dataset.id.get_type():
        return None
    chunk_bytes = int(np.prod(dataset.chunks, dtype=np.float64)) * dataset.dtype.itemsize
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(number) for number in range(plist.get_nfilters())]
    if chunk_bytes < LEAST_BYTES and all(h5py.h5z.filter_avail(code) for code, *_ in filters):
        return None
    if 2 * chunk_bytes * (os.cpu_count() or 1) > memory_bytes:
        return None
    compressors = _compressors(filters, dataset.dtype.itemsize)
    # Chunks that are not compressed are read as fast by h5py.
    return ChunkReader(file.filename, dataset, compressors) if compressors else None


def _compressors(filters: list[Any], cell_bytes: int) -> list[Any] | None:
    """A dataset's filters as codecs, or `None` when one has no codec of the same bytes."""
    found: list[Any] = []
    for code, _, values, _ in filters:
        if code == DEFLATE:
            found.append(codecs.Zlib(level=1))
        elif code == SHUFFLE:
            found.append(codecs.Shuffle(elementsize=values[0] if values else cell_bytes))
        elif code == ZSTD:
            found.append(codecs.ZstdCodec())
        elif code == BLOSC:
            found.append(codecs.BloscCodec(typesize=cell_bytes))
        else:
            return None
    # A filter that leaves no trace of itself could have been left off at the edges, which a file may do without saying.
    return None if all(isinstance(codec, codecs.Shuffle) for codec in found) else found


def _fill(dataset: Any) -> Any:
    try:
        return dataset.fillvalue
    except (RuntimeError, TypeError, ValueError):
        return 0
