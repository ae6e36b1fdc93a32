"""Zarr as a source: either format, in a directory, a zip archive or any store, read through zarrite itself."""

from __future__ import annotations

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

__all__ = ["open_zarr_source"]

XARRAY_DIMENSIONS = "_ARRAY_DIMENSIONS"
NCZARR = "_nczarr_"


def open_zarr_source(place: Any) -> Source:
    """The groups and arrays of a Zarr hierarchy.

    Args:
        place: whatever `zarrite.open` opens, or an array or group that is open already.
    Raises:
        ConversionError: there is no Zarr node.
    """
    try:
        node = place if isinstance(place, zarrite.Array | zarrite.Group) else zarrite.open(place, mode="r")
    except (FileNotFoundError, zarrite.errors.BaseZarrError) as error:
        raise ConversionError(f"{place} cannot be read as Zarr: {error}") from error
    skipped: list[Skipped] = []
    if isinstance(node, zarrite.Array):
        return Source("Zarr", {}, [_array("", node, skipped)], skipped)
    groups = {"": _group_attributes(node)}
    arrays = []
    for path, member in sorted(node.members(max_depth=None)):
        if isinstance(member, zarrite.Array):
            try:
                arrays.append(_array(path, member, skipped))
            except ConversionError as error:
                skipped.append(Skipped(path, str(error)))
        else:
            groups[path] = _group_attributes(member)
    return Source("Zarr", groups, arrays, skipped)


def _group_attributes(group: Any) -> dict[str, Any]:
    return {name: value for name, value in group.attrs.asdict().items() if not name.startswith(NCZARR)}


def _array(path: str, array: Any, skipped: list[Skipped]) -> SourceArray:
    attributes = {name: value for name, value in array.attrs.asdict().items() if not name.startswith(NCZARR)}
    names, is_older = _dimension_names(array, attributes)
    fill = array.fill_value
    dtype: np.dtype[Any] | str
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

    return SourceArray(
        path,
        array.shape,
        dtype,
        read,
        attributes,
        fill,
        names,
        array.chunks,
        cell_bytes,
        shards=array.shards,
    )


def _dimension_names(array: Any, attributes: dict[str, Any]) -> tuple[tuple[str | None, ...] | None, bool]:
    """Names of the axes, and whether they came from an attribute, as in older data; takes that attribute away."""
    listed = attributes.pop(XARRAY_DIMENSIONS, None)
    names = array.metadata.dimension_names
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
