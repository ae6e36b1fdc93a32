"""What a conversion reads from: groups, attributes and arrays, whatever file they are in.

Each kind of file has a reader that gives a `Source`; nothing after it asks what the file was.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import zarrite
from zarrite.errors import BaseZarrError, ZarrUserWarning
from zarrite.storage import MemoryStore

__all__ = [
    "Box",
    "ConversionError",
    "ConversionWarning",
    "Skipped",
    "Source",
    "SourceArray",
    "TextError",
    "box_shape",
    "packed",
    "refuse_name",
]

Box = tuple[slice, ...]
"""A part of an array: one slice an axis, from a start to a stop, step 1."""

TEXT_BYTES = 48
"""What a cell of text is taken to need in memory before any was seen."""


class ConversionError(BaseZarrError):
    """A conversion that cannot be done as asked, or that did not give back what was read."""


class ConversionWarning(ZarrUserWarning):
    """Something of the source that the target does not hold, or holds differently."""


class TextError(ConversionError):
    """Text in the source that is not UTF-8, so that no Zarr string can hold it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of the source that is not converted, or not as it was.

    Attributes:
        path: the array, group or attribute ("array@attribute").
        why: one sentence.
        is_fatal: whether the conversion must not go on without it, unless it was excluded.
    """

    path: str
    why: str
    is_fatal: bool = False

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.why}"


@dataclass(frozen=True, slots=True)
class SourceArray:
    """One array of a source, described before any of its cells is read.

    Attributes:
        path: where it is in the tree; empty for a source that is one array.
        shape: in cells.
        dtype: NumPy dtype of its cells in this machine's byte order, or "string" for text of any length.
        read: the cells of a box, C order, in this machine's byte order; fills `out` when one is given and returns it.
        attributes: ready to be written as JSON.
        fill_value: what cells that were never written read as; `None` when the source does not say.
        dimension_names: one a axis; `None` when the source has no names.
        chunks: shape of the source's own chunks; `None` when it has none.
        cell_bytes: memory one cell takes while it is read.
        scratch_bytes: memory that reading takes besides the cells, whatever the size of the box.
        written: the boxes that were ever written; `None` when all may have been.
        as_bytes: the same array with its text as bytes, for text that turns out not to be UTF-8.
        shards: shape of the source's own shards.
        codecs: keywords for `create_array` that repeat the source's own codecs.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | str
    read: Callable[[Box, NDArray[Any] | None], NDArray[Any]]
    attributes: dict[str, Any] = field(default_factory=dict)
    fill_value: Any = None
    dimension_names: tuple[str | None, ...] | None = None
    chunks: tuple[int, ...] | None = None
    cell_bytes: int = 1
    scratch_bytes: int = 0
    written: Callable[[], Iterable[Box]] | None = None
    as_bytes: SourceArray | None = None
    shards: tuple[int, ...] | None = None
    codecs: dict[str, Any] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all cells in memory."""
        return math.prod(self.shape) * self.cell_bytes

    @property
    def is_text(self) -> bool:
        """Whether a cell's bytes are only an estimate."""
        return isinstance(self.dtype, str) or self.dtype.kind == "O"


@dataclass(slots=True)
class Source:
    """A tree of groups and arrays that can be read.

    Attributes:
        kind: "HDF5", "netCDF-4", "netCDF-3", "NumPy", "Zarr".
        groups: path to attributes; the root is the empty path. Empty when the source is one array.
        arrays: in the source's order.
        skipped: what is left out, and why.
        close: gives files back.
    """

    kind: str
    groups: dict[str, dict[str, Any]]
    arrays: list[SourceArray]
    skipped: list[Skipped] = field(default_factory=list)
    close: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def box_shape(box: Box) -> tuple[int, ...]:
    """Shape of the cells in a box."""
    return tuple(part.stop - part.start for part in box)


def refuse_name(name: str) -> str | None:
    """Why a name cannot be that of a Zarr node, or `None` when it can."""
    if name in {"", ".", ".."}:
        return f"no Zarr node can be called {name!r}"
    if "/" in name or "\\" in name or "\0" in name:
        return f"the name {name!r} holds a character that Zarr paths cannot keep"
    if name.startswith("__") or name in document_names():
        return f"the name {name!r} is kept for the Zarr format itself"
    return None


@functools.cache
def document_names() -> frozenset[str]:
    """Names that documents have in a store, of either format; learnt by making nodes in memory."""
    names: set[str] = set()
    for zarr_format in (2, 3):
        store = MemoryStore()
        zarrite.create_group(store, attributes={"a": 1}, zarr_format=zarr_format)
        zarrite.create_array(store, name="a", shape=(), dtype="uint8", attributes={"a": 1}, zarr_format=zarr_format)
        names.update(key.rpartition("/")[2] for key in store.list("").result())
    return frozenset(names)


def packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same cells in this machine's byte order and without padding between fields.

    Raises:
        ConversionError: a type that Zarr has no word for; the sentence names it.
    """
    if dtype.subdtype is not None:
        raise ConversionError(f"fields that are arrays themselves ({dtype}) have no Zarr data type")
    if dtype.fields is not None:
        if not dtype.names:
            raise ConversionError("a compound type without fields has no Zarr data type")
        try:
            fields = [(name, packed(dtype.fields[name][0])) for name in dtype.names]
        except ConversionError as error:
            raise ConversionError(f"in a compound type, {error}") from None
        return np.dtype(fields)
    if dtype.kind == "O":
        raise ConversionError("cells of varying length have no Zarr data type here")
    if (dtype.kind == "f" and dtype.itemsize > 8) or (dtype.kind == "c" and dtype.itemsize > 16):
        raise ConversionError(f"{8 * dtype.itemsize}-bit floats ({dtype}) have no Zarr data type")
    if dtype.kind not in "biufcSUVMm":
        raise ConversionError(f"{dtype} has no Zarr data type")
    if dtype.itemsize == 0:
        raise ConversionError(f"cells of no bytes ({dtype}) have no Zarr data type")
    return dtype.newbyteorder("=")
