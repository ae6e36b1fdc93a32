"""Which kind of file a source is, by its first bytes rather than its name."""

from __future__ import annotations

import os
import zipfile
from typing import Any

from zarrite.convert.attributes import settle_attributes
from zarrite.convert.hdf5 import open_hdf5
from zarrite.convert.netcdf3 import open_netcdf3
from zarrite.convert.numpy_files import open_npy, open_npz
from zarrite.convert.source import ConversionError, Source
from zarrite.convert.zarr_source import open_zarr_source

__all__ = ["open_source"]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def open_source(
    place: Any, *, follow_external: bool = False, enum_flags: bool = False, memory_bytes: int = 256 << 20
) -> Source:
    """Opens whatever can be converted.

    Args:
        place: a file of HDF5, netCDF or NumPy; a Zarr directory, zip archive, URL, store, array or group.
        follow_external: see `convert`.
        enum_flags: see `convert`.
        memory_bytes: limit of the whole conversion.
    Raises:
        ConversionError: nothing there, or nothing that is read.
        MissingDependencyError: the file needs a package that is not installed.
    """
    source = _opened(place, follow_external, enum_flags, memory_bytes)
    settle_attributes(source)
    return source


def _opened(place: Any, follow_external: bool, enum_flags: bool, memory_bytes: int) -> Source:
    if not isinstance(place, str | os.PathLike):
        return open_zarr_source(place)
    path = os.fspath(place)
    if not os.path.exists(path):
        if "://" in path or "|" in path:
            return open_zarr_source(path)
        raise ConversionError(f"{path} is not there")
    if os.path.isdir(path):
        return open_zarr_source(path)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ConversionError(f"{path} cannot be read: {error.strerror or error}") from error
    if start[:4] in {b"CDF\x01", b"CDF\x02", b"CDF\x05"}:
        return open_netcdf3(path)
    if start[:6] == b"\x93NUMPY":
        return open_npy(path)
    if start[:2] == b"PK":
        return open_npz(path) if _holds_npy(path) else open_zarr_source(path)
    if _is_hdf5(path):
        return open_hdf5(path, follow_external=follow_external, enum_flags=enum_flags, memory_bytes=memory_bytes)
    raise ConversionError(f"{path} is none of the kinds that are read: HDF5, netCDF, .npy, .npz, Zarr")


def _is_hdf5(path: str) -> bool:
    """Whether the signature is at the start or behind a user block of 512, 1024, ... bytes."""
    length, place = os.path.getsize(path), 0
    with open(path, "rb") as file:
        while place < length:
            file.seek(place)
            if file.read(8) == HDF5_SIGNATURE:
                return True
            place = 512 if place == 0 else 2 * place
    return False


def _holds_npy(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ConversionError(f"{path} is a damaged archive: {error}") from error
    return bool(names) and all(name.endswith(".npy") for name in names)
