"""netCDF-3 files (classic and 64-bit offset), read through scipy with the file mapped into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarrite.convert.attributes import encode_fill_attribute, plain_attribute
from zarrite.convert.source import (
    Box,
    ConversionError,
    Skipped,
    Source,
    SourceArray,
    box_shape,
    packed,
    refuse_name,
)
from zarrite.errors import MissingDependencyError

__all__ = ["open_netcdf3"]

CDF5 = b"CDF\x05"


def open_netcdf3(path: str) -> Source:
    """The variables of a netCDF-3 file.

    Raises:
        MissingDependencyError: scipy is not installed.
        ConversionError: the file is damaged, or of the 64-bit data variant (CDF-5) that scipy does not read.
    """
    try:
        from scipy.io import netcdf_file
    except ImportError as error:
        raise MissingDependencyError("scipy", "reading netCDF-3", "convert") from error
    with open(path, "rb") as raw:
        if raw.read(4) == CDF5:
            raise ConversionError(
                f"{path} is netCDF-3 with 64-bit data (CDF-5), which is not read; nccopy -4 rewrites it"
            )
    try:
        file = netcdf_file(path, "r", mmap=True, maskandscale=False)
    except (TypeError, ValueError, OSError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise ConversionError(f"{path} cannot be read as netCDF-3: {error}") from error
    skipped: list[Skipped] = []
    attributes = _attributes(file, "", skipped)
    arrays = []
    for name, variable in file.variables.items():
        why = refuse_name(name)
        if why is None:
            try:
                arrays.append(_array(name, variable, skipped))
                continue
            except ConversionError as error:
                why = str(error)
        skipped.append(Skipped(name, why))

    def close() -> None:
        # scipy warns when views of the mapped file are still alive; it lets go of the map when the last of them goes.
        import warnings

        file.variables.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            file.close()

    return Source("netCDF-3", {"": attributes}, arrays, skipped, close)


def _array(name: str, variable: Any, skipped: list[Skipped]) -> SourceArray:
    stored: Any = variable.data
    dtype = packed(stored.dtype)
    attributes = _attributes(variable, name, skipped)
    fill = None
    if "_FillValue" in attributes:
        value = attributes.pop("_FillValue")
        if dtype.kind == "S":
            fill = value.encode() if isinstance(value, str) else None
        else:
            try:
                attributes["_FillValue"] = encode_fill_attribute(value, dtype)
                fill = dtype.type(value)
            except (ConversionError, OverflowError, ValueError) as error:
                skipped.append(Skipped(f"{name}@_FillValue", f"the attribute cannot be kept ({error})"))

    def read(box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        if out is None:
            out = np.empty(box_shape(box), dtype)
        out[...] = stored[(*box, ...)]
        return out

    # Records lie one after the other in the file, all variables of a record together.
    chunks = (1, *stored.shape[1:]) if variable.isrec and stored.ndim > 1 else None
    return SourceArray(
        name,
        stored.shape,
        dtype,
        read,
        attributes,
        fill,
        tuple(variable.dimensions),
        chunks,
        dtype.itemsize,
    )


def _attributes(item: Any, path: str, skipped: list[Skipped]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in item._attributes.items():
        try:
            if isinstance(value, np.ndarray) and value.size == 1:
                value = value.ravel()[0]
            plain = plain_attribute(value)
            found[name] = plain.replace("\0", "") if isinstance(plain, str) else plain
        except ConversionError as error:
            skipped.append(Skipped(f"{path}@{name}", f"the attribute cannot be kept ({error})"))
    return found
