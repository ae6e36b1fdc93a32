"""NumPy's own files: `.npy`, one array, and `.npz`, a zip archive of them.

Pickled objects inside are never loaded: reading them would run code that the file brings along.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

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

__all__ = ["open_npy", "open_npz"]


def open_npy(path: str) -> Source:
    """The array of a `.npy` file, mapped into memory.

    Raises:
        ConversionError: no `.npy` file, or one that holds Python objects.
    """
    cells = _mapped(path, path)
    return Source("NumPy", {}, [_array("", cells)], [])


def open_npz(path: str, *, scratch: str | None = None) -> Source:
    """The arrays of a `.npz` file.

    Members are unpacked into a temporary file one at a time while they are read, so that an archive larger than memory
    can be read in any order of boxes.

    Args:
        path: the file.
        scratch: directory for the temporary files; the system's when `None`.
    Raises:
        ConversionError: no zip archive.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ConversionError(f"{path} cannot be read as .npz: {error}") from error
    stack = ExitStack()
    stack.callback(archive.close)
    arrays: list[SourceArray] = []
    skipped: list[Skipped] = []
    groups: dict[str, dict[str, Any]] = {"": {}}
    for info in archive.infolist():
        if info.is_dir() or not info.filename.endswith(".npy"):
            if not info.is_dir():
                skipped.append(Skipped(info.filename, "not a .npy array"))
            continue
        name = info.filename.removesuffix(".npy")
        try:
            arrays.append(_member(archive, info, name, stack, scratch))
        except (ConversionError, zipfile.BadZipFile, OSError, NotImplementedError) as error:
            skipped.append(Skipped(name, str(error)))
            continue
        for parent in PurePosixPath(name).parents:
            groups.setdefault("" if str(parent) == "." else str(parent), {})
    return Source("NumPy", dict(sorted(groups.items())), arrays, skipped, stack.close)


def _mapped(path: str, shown: str) -> NDArray[Any]:
    try:
        cells = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, OverflowError) as error:
        raise ConversionError(f"{shown} cannot be read as .npy: {error}") from error
    if not isinstance(cells, np.ndarray):
        raise ConversionError(f"{shown} cannot be read as .npy: it is an archive")
    return cells


def _array(path: str, cells: Any) -> SourceArray:
    dtype = packed(cells.dtype)

    def read(box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        if out is None:
            out = np.empty(box_shape(box), dtype)
        out[...] = cells[(*box, ...)]
        return out

    return SourceArray(path, cells.shape, dtype, read, cell_bytes=dtype.itemsize)


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, stack: ExitStack, scratch: str | None
) -> SourceArray:
    """A member of an archive, unpacked when its first box is asked for."""
    why = next(filter(None, (refuse_name(part) for part in name.split("/"))), None)
    if why is not None:
        raise ConversionError(why)
    with archive.open(info) as raw:
        shape, dtype = _header(raw, name)
    held: list[Any] = []

    def read(box: Box, out: NDArray[Any] | None) -> NDArray[Any]:
        if not held:
            held.append(_unpacked(archive, info, stack, scratch))
        if out is None:
            out = np.empty(box_shape(box), dtype)
        out[...] = held[0][(*box, ...)]
        return out

    return SourceArray(name, shape, dtype, read, cell_bytes=dtype.itemsize)


def _header(raw: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(raw)
        reader = readers.get(version, np.lib.format.read_array_header_2_0)
        shape, _, dtype = reader(raw)
    except (ValueError, EOFError, SyntaxError, OverflowError) as error:
        raise ConversionError(f"{name} is no .npy array: {error}") from error
    if dtype.hasobject:
        raise ConversionError("it holds pickled Python objects, which are never loaded")
    return shape, packed(dtype)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, stack: ExitStack, scratch: str | None) -> NDArray[Any]:
    """A member's cells, from a temporary file that is gone when the source is closed.

    The archive says how long the member is and zipfile reads no further, so a small archive cannot fill the disk
    beyond what it declares.
    """
    number, place = tempfile.mkstemp(suffix=".npy", dir=scratch)
    stack.callback(_remove, place)
    with os.fdopen(number, "wb") as target, archive.open(info) as raw:
        free = shutil.disk_usage(os.path.dirname(place)).free
        if info.file_size > free:
            raise ConversionError(f"unpacking {info.filename} needs {info.file_size} bytes of scratch, {free} are free")
        try:
            shutil.copyfileobj(raw, target, 1 << 20)
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise ConversionError(f"{info.filename} is damaged: {error}") from error
    return _mapped(place, info.filename)


def _remove(place: str) -> None:
    try:
        os.remove(place)
    except OSError:
        return
