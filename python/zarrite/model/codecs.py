"""Codecs: one small class each, with its name, its parameters and what they may be. The engine does the work.

A codec is an array's (cells to cells), a serializer (cells to bytes) or a bytes' (bytes to bytes). Names and defaults
are zarr-python's. The codecs of numcodecs are in `filters` and `compressors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import Frozen, brief, choice, integers, named, only
from .dtypes import DType, units_of

ARRAY = "array"
SERIALIZER = "serializer"
BYTES = "bytes"


class Cells(NamedTuple):
    """What a codec is given: the cells of one chunk, or the bytes they have become.

    Attributes:
        numpy: type of a cell, and of a byte once they are bytes.
        vlen: "string" or "bytes" when cells vary in length.
        shape: shape of the chunk.
        optional: how many times a cell may be missing; 0 where it is always there.
        data_type: what a cell is, where its NumPy type does not say it.
    """

    numpy: np.dtype[Any]
    vlen: str | None
    shape: tuple[int, ...]
    optional: int = 0
    data_type: DType | None = None

    @property
    def name(self) -> str:
        """The name of the data type; of bytes, once cells are bytes."""
        return self.numpy.newbyteorder("=").name if self.data_type is None else self.data_type.name

    def of(self, numpy: np.dtype[Any], data_type: DType | None = None) -> Cells:
        """As many cells of another type."""
        return self._replace(numpy=numpy, data_type=data_type)

    def __str__(self) -> str:
        if self.vlen:
            return "cells that vary in length"
        return f"cells of type {self.numpy if self.data_type is None else self.data_type.name}"


def cells_of(data_type: DType, shape: tuple[int, ...]) -> Cells:
    """The cells of a chunk of a data type."""
    return Cells(data_type.memory, data_type.vlen, shape, data_type.optional_depth, data_type)


class Lowering:
    """A chain while it is being lowered: the steps so far, and what the cells are after them.

    Attributes:
        steps: entries for the engine, in encoding order.
        numpy: type of the cells after the steps so far.
        vlen: "string" or "bytes" when the cells vary in length.
        handles: codecs written in Python, numbered by their place here.
        data_type: what a cell is after the steps so far, where its NumPy type does not say it.
    """

    __slots__ = ("data_type", "handles", "numpy", "steps", "vlen")

    def __init__(
        self, numpy: np.dtype[Any], vlen: str | None, handles: list[object], data_type: DType | None = None
    ) -> None:
        self.steps: list[dict[str, Any]] = []
        self.numpy = numpy
        self.vlen = vlen
        self.handles = handles
        self.data_type = data_type

    @property
    def cells(self) -> Cells:
        """What the next step is given; of which shape, no step asks when it is lowered."""
        return Cells(self.numpy, self.vlen, (), data_type=self.data_type)

    def become(self, numpy: np.dtype[Any], data_type: DType | None = None) -> None:
        """Says what the last step made of the cells."""
        self.numpy = numpy
        self.data_type = data_type

    def in_python(self, handle: object, codec: str, kind: str, stored_bytes: int | None = None) -> None:
        """Adds a step that Python does: the engine calls the handle's `encode` and `decode`.

        Args:
            handle: what is called.
            codec: what errors call it.
            kind: what is encoded: "array" and "serializer" get cells, "bytes" gets bytes.
            stored_bytes: how many bytes every chunk becomes; `None` where that differs.
        """
        self.steps.append(
            {
                "name": "python",
                "handle": len(self.handles),
                "codec": codec,
                "kind": kind,
                "stored_bytes": stored_bytes,
            }
        )
        self.handles.append(handle)

    def swap(self, swaps: list[list[int]], last: bool = False) -> None:
        """Turns bytes around inside every cell; two equal turns in a row are none."""
        before = self.steps[-1] if self.steps and self.steps[-1]["name"] == "bytes" else None
        if before is not None and before["swap"] == swaps:
            self.steps.pop()
            swaps = []
        elif before is not None and not swaps:
            return
        if swaps or last:
            self.steps.append({"name": "bytes", "swap": swaps, "cell_bytes": self.numpy.itemsize})


class Codec(Frozen):
    """What one step of encoding is called and how it is set.

    Attributes:
        name: its name in v3 documents.
        id: its name in v2 documents, where it has one.
        kind: "array", "serializer" or "bytes".
        is_fixed: whether the encoded length follows from the length before; a shard's index needs such codecs.
        is_compressor: whether format 2 may keep it under `compressor`.
        reshapes: whether the axes after it are others than those before.
        nested: parameters that are lists of codecs themselves.
    """

    __slots__ = ()
    name: ClassVar[str]
    id: ClassVar[str | None] = None
    kind: ClassVar[str]
    is_fixed: ClassVar[bool] = False
    is_compressor: ClassVar[bool] = False
    reshapes: ClassVar[bool] = False
    nested: ClassVar[tuple[str, ...]] = ()

    def configuration(self) -> dict[str, Any]:
        """The parameters, by the names that documents use."""
        return {name: getattr(self, name) for name in self.fields}

    def to_json(self) -> dict[str, Any]:
        """The entry in the `codecs` of a v3 document."""
        configuration = self.configuration()
        return {"name": self.name, "configuration": configuration} if configuration else {"name": self.name}

    def to_dict(self) -> dict[str, Any]:
        """The same as `to_json`, by the name zarr-python gives it."""
        return self.to_json()

    def get_config(self) -> dict[str, Any]:
        """The entry in the `filters` or the `compressor` of a v2 document.

        Raises:
            MetadataValidationError: format 2 has no name for this codec.
        """
        if self.id is None:
            raise MetadataValidationError(
                f"codec {self.name!r} has no name in format 2; leave it out, or write the array in format 3"
            )
        return {"id": self.id, **self.configuration()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The codec that an entry of a v3 document describes, by the name zarr-python gives it.

        Raises:
            MetadataValidationError: the entry is of another codec, or says what this one cannot be.
        """
        name, configuration = named(data, "codec")
        if name != cls.name:
            raise MetadataValidationError(f"the entry is of codec {name!r}, and not of {cls.name!r}")
        return cls.from_configuration(configuration)

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        """The codec that a v3 document configures.

        Raises:
            MetadataValidationError: a parameter is not known or not in its range.
        """
        if configuration:
            only(configuration, cls.fields, f"codec {cls.name!r}")
        try:
            return cls(**configuration)
        except TypeError:
            missing = [name for name in cls.fields if name not in configuration]
            raise MetadataValidationError(f"codec {cls.name!r} needs the parameters {', '.join(missing)}") from None

    @classmethod
    def from_numcodecs(cls, configuration: dict[str, Any]) -> Self:
        """The codec that a v2 document configures; `id` is left out."""
        return cls.from_configuration(configuration)

    def settle(self, cells: Cells) -> Codec:  # noqa: ARG002 - most codecs fit anywhere
        """This codec with everything filled in that follows from what comes before it, and checked against it."""
        return self

    def after(self, cells: Cells) -> Cells:
        """The cells after this step."""
        return cells

    def lower(self, chain: Lowering) -> None:
        """Adds this step, with every parameter, to a chain."""
        chain.steps.append({"name": self.name, **self.configuration()})


class BytesCodec(Codec):
    """Cells one after the other, in C order.

    Args:
        endian: "little" or "big"; None where no cell has numbers of more than one byte.
    """

    __slots__ = ("endian",)
    name = "bytes"
    kind = SERIALIZER
    is_fixed = True
    needs_endian: ClassVar[bool] = True
    endian: str | None

    def __init__(self, endian: str | None = "little") -> None:
        self.endian = None if endian is None else choice(endian, "endian of codec 'bytes'", ("little", "big"))

    def configuration(self) -> dict[str, Any]:
        return {} if self.endian is None else {"endian": self.endian}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("endian",), "codec 'bytes'")
        return cls(configuration.get("endian"))

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen:
            wanted = "vlen-utf8" if cells.vlen == "string" else "vlen-bytes"
            raise MetadataValidationError(
                f"codec 'bytes' stores cells of one length and the data type's vary; use codec {wanted!r} instead"
            )
        if cells.optional:
            raise MetadataValidationError(
                "codec 'bytes' has no place for missing cells; use codec 'optional' with 'bytes' among its data_codecs"
            )
        if not units_of(cells.numpy):
            return self if self.endian is None else BytesCodec(None)
        if self.endian is None and self.needs_endian:
            raise MetadataValidationError(f"codec 'bytes' needs the parameter endian, 'little' or 'big', for {cells}")
        return self

    def lower(self, chain: Lowering) -> None:
        order = "<" if self.endian == "little" else ">"
        turned = (
            []
            if self.endian is None
            else [[offset, width, count] for offset, width, count, found in units_of(chain.numpy) if found != order]
        )
        chain.swap(turned, last=True)


class MemoryBytes(BytesCodec):
    """Cells one after the other, each as the data type says: format 2 keeps the byte order there."""

    __slots__ = ()
    fields = ()
    needs_endian = False

    def __init__(self) -> None:
        super().__init__(None)


class TransposeCodec(Codec):
    """The axes of a chunk in another order, as `numpy.transpose` orders them.

    Args:
        order: a permutation of the axes.
    """

    __slots__ = ("order",)
    name = "transpose"
    kind = ARRAY
    is_fixed = True
    order: tuple[int, ...]

    def __init__(self, order: Sequence[int]) -> None:
        entries: object = order
        self.order = integers(
            tuple(entries) if isinstance(entries, Iterable) else entries, "order of codec 'transpose'"
        )
        if sorted(self.order) != list(range(len(self.order))):
            raise MetadataValidationError(
                f"order of codec 'transpose' must name each axis once, from 0 to {len(self.order) - 1}, not "
                f"{brief(self.order)}"
            )

    def configuration(self) -> dict[str, Any]:
        return {"order": list(self.order)}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("order",), "codec 'transpose'")
        return cls(integers(configuration.get("order"), "order of codec 'transpose'"))

    def settle(self, cells: Cells) -> Codec:
        if len(self.order) != len(cells.shape):
            raise MetadataValidationError(
                f"order of codec 'transpose' has {len(self.order)} entries for {len(cells.shape)} axes; name each "
                "axis once"
            )
        return self

    def after(self, cells: Cells) -> Cells:
        return cells._replace(shape=tuple(cells.shape[axis] for axis in self.order))


class VLenUTF8Codec(Codec):
    """Text of any length: a count, then each text behind its length in bytes."""

    __slots__ = ()
    name = "vlen-utf8"
    id = "vlen-utf8"
    kind = SERIALIZER

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen != "string":
            raise MetadataValidationError(
                f"codec {self.name!r} stores text of any length (data type 'string'), not {cells}"
            )
        return self


class VLenBytesCodec(Codec):
    """Bytes of any length: a count, then each cell behind its length."""

    __slots__ = ()
    name = "vlen-bytes"
    id = "vlen-bytes"
    kind = SERIALIZER

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen != "bytes":
            raise MetadataValidationError(
                f"codec {self.name!r} stores bytes of any length (data type 'bytes'), not {cells}"
            )
        return self


def settle_chain(codecs: Sequence[Codec], cells: Cells, what: str = "codecs") -> tuple[Codec, ...]:
    """The chain with every codec settled, in an order that makes sense.

    Raises:
        MetadataValidationError: not exactly one serializer, codecs of the wrong kind around it, or one that does not
        fit.
    """
    settled = []
    serializer: str | None = None
    for codec in codecs:
        if codec.kind == SERIALIZER:
            if serializer is not None:
                raise MetadataValidationError(
                    f"{what} must turn cells into bytes once; {serializer!r} and {codec.name!r} both do"
                )
            serializer = codec.name
        elif (serializer is None) is (codec.kind == BYTES):
            before, place = ("bytes", "after") if codec.kind == BYTES else ("cells", "before")
            raise MetadataValidationError(
                f"{what} has {codec.name!r} out of place: it takes {before}, so it must stand {place} the codec that "
                "turns cells "
                "into bytes"
            )
        one = codec.settle(cells)
        settled.append(one)
        if codec.kind == ARRAY:
            cells = one.after(cells)
        elif codec.kind == BYTES or codec.name != BytesCodec.name:
            cells = cells.of(BYTE)
    if serializer is None:
        raise MetadataValidationError(
            f"{what} must have one codec that turns cells into bytes, such as 'bytes'; there is none"
        )
    return tuple(settled)


BYTE = np.dtype(np.uint8)


def lower_chain(codecs: Sequence[Codec], chain: Lowering) -> None:
    """Adds every codec to a chain."""
    for codec in codecs:
        codec.lower(chain)
