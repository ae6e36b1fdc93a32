"""Types, attributes and cells of HDF5 datasets, as h5py gives them and as Zarr and JSON have them."""

from __future__ import annotations

import array
import contextlib
import math
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite.convert.attributes import plain_attribute
from zarrite.convert.hdf5_chunks import ChunkReader, chunk_reader
from zarrite.convert.source import (
    TEXT_BYTES,
    Box,
    ConversionError,
    SourceArray,
    TextError,
    box_shape,
    packed,
)

__all__ = ["MissingFilterError", "attribute_value", "read_array"]

SPACE_PADDED = 2
"""HDF5's number for text that is filled up with spaces."""

SAMPLED = 32
"""Cells of text that are looked at in each place."""

LARGEST_ATTRIBUTE_BYTES = 64 << 20
"""HDF5 allows attributes of any size; JSON documents of this size already open slowly."""


def read_array(h5py: Any, dataset: Any, path: str, shape: tuple[int, ...], memory_bytes: int) -> SourceArray:
    """A dataset described as an array of a given shape, which may be longer than what the file holds of it.

    Args:
        h5py: the package.
        dataset: an open dataset.
        path: of the array in the target.
        shape: of the array.
        memory_bytes: what reading several chunks at a time may take besides the cells.

    Raises:
        ConversionError: Zarr has no word for its type, or a filter is missing.
    """
    try:
        dtype = dataset.dtype
    except TypeError as error:
        raise ConversionError(f"its HDF5 type has no NumPy counterpart ({error})") from error
    text = None if h5py.check_opaque_dtype(dtype) else h5py.check_string_dtype(dtype)
    if text is None:
        _refuse_kind(h5py, dtype)
    fast = chunk_reader(h5py, dataset, memory_bytes) if text is None else None
    if fast is None:
        _need_filters(h5py, dataset)
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape = (*shape, *inner)
    cells = _Cells(dataset, shape, fast)
    fill = _fill_value(h5py, dataset)
    chunks = _chunks(dataset, shape)
    scratch = 2 * math.prod(chunks or ()) * dataset.dtype.itemsize * ((os.cpu_count() or 1) if fast else 1)
    written = cells.written if dataset.shape is not None and _has_gaps(dataset) else None
    if text is not None and (text.length is None or text.length > 1):
        return SourceArray(
            path,
            shape,
            "string",
            cells.text,
            fill_value=_text(fill, path) if fill is not None else None,
            chunks=chunks,
            cell_bytes=_text_bytes(dataset) if text.length is None else TEXT_BYTES + 2 * text.length,
            scratch_bytes=scratch,
            written=written,
            as_bytes=_as_bytes(cells, text.length, path, fill, chunks, written),
        )
    enum = h5py.check_enum_dtype(dtype)
    cell = packed(np.dtype(dtype.str) if enum is not None else dtype)
    cells.dtype = cell
    return SourceArray(
        path,
        shape,
        cell,
        cells.fixed,
        fill_value=fill,
        chunks=chunks,
        cell_bytes=cell.itemsize,
        scratch_bytes=scratch,
        written=written,
    )


def _as_bytes(
    cells: _Cells, length: int | None, path: str, fill: Any, chunks: tuple[int, ...] | None, written: Any
) -> SourceArray | None:
    """The same text as bytes: of a fixed length where the file has one, else there is no such array."""
    if length is None:
        return None
    dtype = np.dtype(f"S{length}")
    raw = _Cells(cells.dataset, cells.shape, None)
    raw.dtype = dtype
    return SourceArray(
        path, cells.shape, dtype, raw.fixed, fill_value=fill, chunks=chunks, cell_bytes=length, written=written
    )


class _Cells:
    """Reads boxes of a dataset."""

    def __init__(self, dataset: Any, shape: tuple[int, ...], fast: ChunkReader | None) -> None:
        self.dataset = dataset
        self.shape = shape
        self.fast = fast
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def fixed(self, box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        """Cells of a fixed size."""
        if out is None:
            out = np.empty(box_shape(box), self.dtype)
        inside = self._inside(box)
        if inside != box:
            # Along an unlimited dimension the file may hold less than the array has.
            out[...] = _fill_or_zero(self.dataset, self.dtype)
        part = out[tuple(slice(0, cut.stop - cut.start) for cut in inside)] if inside != box else out
        if part.size == 0:
            return out
        rank = len(self.dataset.shape)
        if self.fast is not None and self.fast.read(inside, part):
            return out
        with _named(self.dataset):
            if part.flags.c_contiguous and rank == out.ndim and rank > 0:
                self.dataset.read_direct(part, inside)
            else:
                part[...] = self.dataset[inside[:rank]]
        return out

    def text(self, box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        """Cells of text, as a StringDType array."""
        del out
        found: NDArray[Any] = np.full(box_shape(box), "", dtype=np.dtypes.StringDType())
        inside = self._inside(box)
        part = tuple(slice(0, cut.stop - cut.start) for cut in inside)
        if inside != box:
            found[...] = _text(_fill_or_zero(self.dataset, np.dtype("S1")), self.dataset.name)
        if math.prod(box_shape(inside)) == 0:
            return found
        with _named(self.dataset):
            cells = _read_text(self.dataset, inside)
        found[part] = _decoded(cells, self.dataset.name)
        return found

    def _inside(self, box: Box) -> Box:
        """The part of a box that the file holds."""
        if self.dataset.shape is None:
            return tuple(slice(0, 0) for _ in box)
        stored = (*self.dataset.shape, *self.shape[len(self.dataset.shape) :])
        return tuple(
            slice(min(cut.start, length), min(cut.stop, length)) for cut, length in zip(box, stored, strict=True)
        )

    def written(self) -> Iterable[Box]:
        """Boxes that have storage in the file."""
        if self.dataset.chunks is None:
            return
        chunks, rank = self.dataset.chunks, len(self.dataset.chunks)
        # A file may have millions of chunks: their offsets are kept as bare numbers.
        offsets = array.array("q")
        self.dataset.id.chunk_iter(lambda info: offsets.extend(info.chunk_offset))
        rest = tuple(slice(0, length) for length in self.shape[rank:])
        for at in range(0, len(offsets), rank):
            starts = zip(offsets[at : at + rank], chunks, self.shape, strict=False)
            yield (*(slice(start, min(start + side, most)) for start, side, most in starts), *rest)


@contextlib.contextmanager
def _named(dataset: Any) -> Iterator[None]:
    """Makes what HDF5 says of cells that cannot be read a sentence that names them."""
    try:
        yield
    except OSError as error:
        _need_filters(sys.modules["h5py"], dataset)
        raise ConversionError(f"array {dataset.name!r} cannot be read: {error}") from error


def _text_bytes(dataset: Any) -> int:
    """Memory that a cell of text takes while it is read, judged by a few cells from its start, middle and end."""
    if not dataset.shape or 0 in dataset.shape:
        return TEXT_BYTES
    lengths: list[int] = []
    inner = tuple(slice(0, min(length, SAMPLED)) for length in dataset.shape[1:])
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        for place in {0, dataset.shape[0] // 2, dataset.shape[0] - 1}:
            cells = np.asarray(dataset[(slice(place, place + (1 if inner else SAMPLED)), *inner)])
            lengths.extend(len(cell) for cell in cells.ravel()[:SAMPLED])
    return TEXT_BYTES + 2 * sum(lengths) // max(1, len(lengths))


def _read_text(dataset: Any, box: Box) -> NDArray[Any]:
    """Text as bytes. Padding with spaces stays, as in the netCDF library; h5py would have it taken off."""
    kind = dataset.id.get_type()
    if dataset.dtype.kind != "S" or kind.get_strpad() != SPACE_PADDED:
        return np.asarray(dataset[box])
    cells = np.empty(box_shape(box), dataset.dtype)
    space = dataset.id.get_space()
    if cells.ndim:
        space.select_hyperslab(tuple(cut.start for cut in box), cells.shape)
    memory = space.copy() if not cells.ndim else type(space).decode(space.encode())
    if cells.ndim:
        memory.set_extent_simple(cells.shape)
        memory.select_all()
    dataset.id.read(memory, space, cells, kind)
    return cells


def _refuse_kind(h5py: Any, dtype: np.dtype[Any]) -> None:
    for kind, name in ((h5py.Reference, "object"), (h5py.RegionReference, "region")):
        if h5py.check_ref_dtype(dtype) is kind:
            raise ConversionError(f"its cells are HDF5 {name} references, which mean nothing outside their file")
    if h5py.check_vlen_dtype(dtype) is not None:
        raise ConversionError("its cells are sequences of varying length, for which Zarr has no data type")


def _need_filters(h5py: Any, dataset: Any) -> None:
    plist = dataset.id.get_create_plist()
    for number in range(plist.get_nfilters()):
        code, _, _, name = plist.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            try:
                __import__("hdf5plugin")
            except ImportError:
                pass
            if not h5py.h5z.filter_avail(code):
                shown = name.decode(errors="replace") or "unnamed"
                raise MissingFilterError(
                    f"array {dataset.name!r} is compressed with HDF5 filter {code} ({shown}), which is not installed; "
                    f"pip install hdf5plugin, or leave the array out"
                )


class MissingFilterError(ConversionError):
    """A dataset that cannot be read because a compression filter of HDF5 is not installed."""


def _chunks(dataset: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    if dataset.chunks is None:
        return None
    return (*dataset.chunks, *shape[len(dataset.chunks) :])


def _has_gaps(dataset: Any) -> bool:
    """Whether there are parts of a dataset that the file holds no bytes for."""
    if dataset.is_virtual or dataset.external:
        return False
    if dataset.chunks is None:
        return bool(dataset.id.get_storage_size() == 0)
    whole = math.prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    return bool(dataset.id.get_num_chunks() < whole)


def _fill_value(h5py: Any, dataset: Any) -> Any:
    plist = dataset.id.get_create_plist()
    if plist.fill_value_defined() != h5py.h5d.FILL_VALUE_USER_DEFINED:
        return None
    try:
        return dataset.fillvalue
    except (RuntimeError, TypeError, ValueError):
        return None


def _fill_or_zero(dataset: Any, dtype: np.dtype[Any]) -> Any:
    try:
        return dataset.fillvalue
    except (RuntimeError, TypeError, ValueError):
        return np.zeros((), dtype)[()]


def _text(value: Any, path: str) -> str:
    if isinstance(value, bytes):
        try:
            return value.split(b"\0", 1)[0].decode()
        except UnicodeDecodeError as error:
            raise TextError(f"the text of array {path!r} is not UTF-8") from error
    return str(value) if value else ""


def _decoded(cells: NDArray[Any], path: str) -> NDArray[Any]:
    """Bytes of text as a StringDType array; text ends at its first NUL, as the netCDF library reads it."""
    try:
        if cells.dtype.kind == "O":
            flat = [_text(cell, path) for cell in cells.ravel()]
            return np.array(flat, dtype=np.dtypes.StringDType()).reshape(cells.shape)
        if np.any(np.strings.find(cells, b"\0") >= 0):
            return _decoded(cells.astype(object), path)
        return np.strings.decode(cells, "utf-8").astype(np.dtypes.StringDType())
    except UnicodeDecodeError as error:
        raise TextError(f"the text of array {path!r} is not UTF-8") from error


def attribute_value(item: Any, name: str) -> Any:
    """An attribute as JSON, with the shapes the netCDF library gives: one element is itself, more are a list."""
    where = item.attrs.get_id(name)
    if math.prod(where.shape or ()) * where.dtype.itemsize > LARGEST_ATTRIBUTE_BYTES:
        raise ConversionError("it is larger than 64 MiB")
    value = _padded_attribute(where) if _is_space_padded(where) else item.attrs[name]
    if type(value).__name__ == "Empty":
        return "" if value.dtype.kind in "SO" else []
    if type(value).__name__ in {"Reference", "RegionReference"}:
        raise ConversionError("it is an HDF5 reference, which means nothing outside its file")
    if isinstance(value, np.ndarray):
        flat = value.ravel() if value.size == 1 else value
        if value.dtype.kind == "O" and any(type(cell).__name__.endswith("Reference") for cell in value.ravel()):
            raise ConversionError("it holds HDF5 references, which mean nothing outside their file")
        value = flat[0] if value.size == 1 else flat
    return _one_text(plain_attribute(value))


def _is_space_padded(where: Any) -> bool:
    return where.dtype.kind == "S" and where.shape is not None and where.get_type().get_strpad() == SPACE_PADDED


def _padded_attribute(where: Any) -> Any:
    """Fixed-length text with the spaces that fill it up."""
    cells = np.empty(where.shape, where.dtype)
    where.read(cells, where.get_type())
    return cells


def _one_text(value: Any) -> Any:
    """Text up to its first NUL, within lists as well."""
    if isinstance(value, str):
        return value.split("\0", 1)[0]
    if isinstance(value, list):
        return [_one_text(item) for item in value]
    return value
