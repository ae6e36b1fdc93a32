"""Types, attributes and cells of HDF5 datasets, as h5py gives them and as Zarr and JSON have them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite.convert.attributes import plain_attribute
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

LARGEST_ATTRIBUTE_BYTES = 64 << 20
"""HDF5 allows attributes of any size; JSON documents of this size already open slowly."""


def read_array(h5py: Any, dataset: Any, path: str, shape: tuple[int, ...]) -> SourceArray:
    """A dataset described as an array of a given shape, which may be longer than what the file holds of it.

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
    _need_filters(h5py, dataset)
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape = (*shape, *inner)
    cells = _Cells(dataset, shape)
    fill = _fill_value(h5py, dataset)
    chunks = _chunks(dataset, shape)
    written = cells.written if dataset.shape is not None and _has_gaps(dataset) else None
    if text is not None and (text.length is None or text.length > 1):
        return SourceArray(
            path,
            shape,
            "string",
            cells.text,
            fill_value=_text(fill, path) if fill is not None else None,
            chunks=chunks,
            cell_bytes=max(TEXT_BYTES, text.length or 0),
            written=written,
            as_bytes=_as_bytes(cells, text.length, path, fill, chunks, written),
        )
    enum = h5py.check_enum_dtype(dtype)
    cell = packed(np.dtype(dtype.str) if enum is not None else dtype)
    cells.dtype = cell
    return SourceArray(
        path, shape, cell, cells.fixed, fill_value=fill, chunks=chunks, cell_bytes=cell.itemsize, written=written
    )


def _as_bytes(
    cells: _Cells, length: int | None, path: str, fill: Any, chunks: tuple[int, ...] | None, written: Any
) -> SourceArray | None:
    """The same text as bytes: of a fixed length where the file has one, else there is no such array."""
    if length is None:
        return None
    dtype = np.dtype(f"S{length}")
    raw = replace_dtype(cells, dtype)
    return SourceArray(
        path, cells.shape, dtype, raw.fixed, fill_value=fill, chunks=chunks, cell_bytes=length, written=written
    )


def replace_dtype(cells: _Cells, dtype: np.dtype[Any]) -> _Cells:
    """The same cells read as another type."""
    other = _Cells(cells.dataset, cells.shape)
    other.dtype = dtype
    return other


class _Cells:
    """Reads boxes of a dataset."""

    def __init__(self, dataset: Any, shape: tuple[int, ...]) -> None:
        self.dataset = dataset
        self.shape = shape
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
        found[part] = _decoded(_read_text(self.dataset, inside), self.dataset.name)
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
        plist = self.dataset.id.get_create_plist()
        if self.dataset.chunks is None:
            if self.dataset.id.get_storage_size() or plist.get_alloc_time() == 1:
                yield tuple(slice(0, length) for length in self.shape)
            return
        boxes: list[Box] = []
        chunks = self.dataset.chunks
        extra = self.shape[len(chunks) :]

        def note(info: Any) -> None:
            offsets = zip(info.chunk_offset, chunks, self.shape, strict=False)
            found = tuple(slice(start, min(start + length, most)) for start, length, most in offsets)
            boxes.append(found + tuple(slice(0, length) for length in extra))

        self.dataset.id.chunk_iter(note)
        yield from boxes


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
