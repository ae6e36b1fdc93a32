"""Zarr as a source: either format, in a directory, a zip archive or any store, read through zarrite itself."""

from __future__ import annotations

import functools
import math
import os
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zarrite
from zarrite.convert.attributes import encode_fill_attribute
from zarrite.convert.source import (
    TEXT_BYTES,
    Box,
    ConversionError,
    Skipped,
    Source,
    SourceArray,
    packed,
)
from zarrite.dtype import parse_dtype
from zarrite.errors import ZarriteError

__all__ = ["open_zarr_source"]

XARRAY_DIMENSIONS = "_ARRAY_DIMENSIONS"
NCZARR = "_nczarr_"

WORTH_LISTING = 64 << 20
"""Arrays of fewer bytes are read whole, whether or not their chunks were ever written."""


def open_zarr_source(place: Any) -> Source:
    """The groups and arrays of a Zarr hierarchy.

    Args:
        place: whatever `zarrite.open` opens, or an array or group that is open already.
    Raises:
        ConversionError: there is no Zarr node.
    """
    try:
        node = place if isinstance(place, zarrite.Array | zarrite.Group) else _opened(place)
        members = [] if isinstance(node, zarrite.Array) else sorted(node.members(max_depth=None))
    except (FileNotFoundError, ZarriteError) as error:
        raise ConversionError(f"{place} cannot be read as Zarr: {error}") from error
    skipped: list[Skipped] = []
    if isinstance(node, zarrite.Array):
        return Source("Zarr", {}, [_array("", node, skipped)], skipped)
    groups = {"": _group_attributes(node)}
    arrays = []
    for path, member in members:
        if isinstance(member, zarrite.Array):
            try:
                arrays.append(_array(path, member, skipped))
            except ConversionError as error:
                skipped.append(Skipped(path, str(error)))
        else:
            groups[path] = _group_attributes(member)
    return Source("Zarr", groups, arrays, skipped)


def _opened(place: Any) -> Any:
    """The node at a place; in an archive that holds one folder and nothing else, the node in that folder."""
    try:
        return zarrite.open(place, mode="r")
    except FileNotFoundError:
        folder = _only_folder(place) if isinstance(place, str) and os.path.isfile(place) else None
        if folder is None:
            raise
        return zarrite.open(place, path=folder, mode="r")


def _only_folder(archive: str) -> str | None:
    try:
        with zipfile.ZipFile(archive) as opened:
            tops = {name.partition("/")[0] for name in opened.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    return tops.pop() if len(tops) == 1 else None


def _group_attributes(group: Any) -> dict[str, Any]:
    return {name: value for name, value in group.attrs.asdict().items() if not name.startswith(NCZARR)}


def _array(path: str, array: Any, skipped: list[Skipped]) -> SourceArray:
    attributes = {name: value for name, value in array.attrs.asdict().items() if not name.startswith(NCZARR)}
    names, is_older = _dimension_names(array, attributes)
    fill = array.fill_value
    dtype: np.dtype[Any] | str
    kind = array.metadata.data_type
    if kind.translates and (array.dtype.kind == "O" or parse_dtype(array.dtype) != kind):
        raise ConversionError(
            f"cells of data type {kind.name} have no place in a conversion; copy the array with "
            "zarrite.create_array(place, data=array)"
        )
    if array.dtype.kind == "T":
        dtype, cell_bytes = "string", TEXT_BYTES
    elif array.dtype.kind == "O":
        dtype, cell_bytes = "variable_length_bytes", TEXT_BYTES
    else:
        dtype = packed(array.dtype)
        cell_bytes = dtype.itemsize
    if is_older and fill is not None and "_FillValue" not in attributes:
        # Where dimensions are named by an attribute, xarray takes the fill value for the mask; from the target it takes
        # it from this attribute alone.
        try:
            attributes["_FillValue"] = encode_fill_attribute(fill, dtype)
        except ConversionError as error:
            skipped.append(Skipped(f"{path}@_FillValue", str(error)))

    def read(box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        if out is not None and array.dtype == out.dtype and array.dtype.isnative and array.ndim:
            found: NDArray[Any] = array.read(box, out=out)
            return found
        cells = np.asarray(array.read(box or ...))
        if out is None:
            return cells if isinstance(dtype, str) else np.ascontiguousarray(cells, dtype).reshape(cells.shape)
        out[...] = cells
        return out

    grid, inner = array.metadata.grid, array.metadata.inner_chunk
    stored = grid.chunk_shape if grid.is_regular else None
    # Chunks of several shapes suggest none.
    chunks, shards = (stored, None) if inner is None else (inner, stored)
    return SourceArray(
        path,
        array.shape,
        dtype,
        read,
        attributes,
        fill,
        names,
        chunks,
        cell_bytes,
        written=functools.partial(_written, array) if math.prod(array.shape) * cell_bytes > WORTH_LISTING else None,
        shards=shards,
    )


def _written(array: Any) -> Iterator[Box]:
    """The boxes of the chunks or shards that an array's store holds, told by their keys."""
    prefix = f"{array.path}/" if array.path else ""
    decode = array.metadata.keys.decoder(len(array.shape))
    axes = array.metadata.grid.axes
    places = (decode(key[len(prefix) :]) for key in array._store.list(prefix).result() if key.startswith(prefix))
    for index in sorted(place for place in places if place is not None):
        starts = [edges.start(at) for at, edges in zip(index, axes, strict=True)]
        stops = [edges.start(at + 1) for at, edges in zip(index, axes, strict=True)]
        if all(start < length for start, length in zip(starts, array.shape, strict=True)):
            ends = (min(stop, most) for stop, most in zip(stops, array.shape, strict=True))
            yield tuple(slice(start, stop) for start, stop in zip(starts, ends, strict=True))


def _dimension_names(array: Any, attributes: dict[str, Any]) -> tuple[tuple[str | None, ...] | None, bool]:
    """Names of the axes, and whether they came from an attribute, as in older data; takes that attribute away."""
    listed = attributes.pop(XARRAY_DIMENSIONS, None)
    names = getattr(array.metadata, "dimension_names", None)
    if names is not None:
        return tuple(names), False
    if not isinstance(listed, list | tuple):
        references = array.attrs.asdict().get("_nczarr_array", {})
        listed = (
            references.get("dimension_references", references.get("dimrefs")) if isinstance(references, dict) else None
        )
        listed = [str(name).rpartition("/")[2] for name in listed] if isinstance(listed, list) else None
    if listed is not None and len(listed) == len(array.shape):
        return tuple(str(name) for name in listed), True
    return None, False
