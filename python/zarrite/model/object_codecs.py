"""The codecs that format 2 keeps Python objects with, in data type "|O".

For the engine the cells of such an array are text or bytes of varying length. What numcodecs stores for a chunk is one
document of all its cells; here it is taken apart into a run of cells, each behind its length, and put together again.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import flag, integer, only, refuse, text
from .codecs import BYTES, SERIALIZER, Cells, Codec, Lowering
from .objects import msgpack

WORD = struct.Struct("<I")


def framed(cells: list[bytes]) -> bytes:
    """Cells as the engine takes them: how many there are, then each behind its length."""
    parts = [WORD.pack(len(cells))]
    for cell in cells:
        parts += (WORD.pack(len(cell)), cell)
    return b"".join(parts)


def unframed(data: bytes) -> list[bytes]:
    """The cells of such a run, which the engine wrote."""
    (count,), at, cells = WORD.unpack_from(data), WORD.size, []
    for _ in range(count):
        (length,) = WORD.unpack_from(data, at)
        at += WORD.size
        cells.append(data[at : at + length])
        at += length
    return cells


class ObjectCodec(Codec):
    """A codec that makes one document of all cells of a chunk.

    Attributes:
        shape: shape of the chunk.
        columns: whether the chunk is kept column by column; documents have rows all the same.
    """

    __slots__ = ("columns", "shape")
    kind = SERIALIZER
    run: ClassVar[str] = "vlen-bytes"
    shape: tuple[int, ...]
    columns: bool
    wanted: ClassVar[str] = "bytes"

    def configuration(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.fields if name not in ("shape", "columns")}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, tuple(name for name in cls.fields if name not in ("shape", "columns")), f"codec {cls.id!r}")
        return cls(**configuration)

    def placed(self, shape: tuple[int, ...], columns: bool) -> Self:
        """The same codec for chunks of a shape."""
        made = type(self)(**self.configuration())
        object.__setattr__(made, "shape", shape)
        object.__setattr__(made, "columns", columns)
        return made

    def _unplaced(self) -> None:
        object.__setattr__(self, "shape", ())
        object.__setattr__(self, "columns", False)

    def in_columns(self) -> Self:
        """The same codec for chunks that are kept column by column."""
        return self.placed(self.shape, True)

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen != self.wanted:
            raise MetadataValidationError(f"codec {self.id!r} stores Python objects (dtype '|O'), not {cells}")
        return self.placed(cells.shape, self.columns)

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.run})
        chain.in_python(self, str(self.id), BYTES)
        chain.numpy = np.dtype(np.uint8)

    def encode(self, data: bytes) -> bytes:
        """The document of a run of cells."""
        cells = self.loaded(unframed(data))
        shape = self.shape
        if self.columns and len(shape) > 1:
            cells, shape = _turned(cells, shape), shape[::-1]
        return self.document(cells, shape)

    def decode(self, data: bytes) -> bytes:
        """The run of cells of a document."""
        cells, shape = self.cells(data)
        wanted = self.shape[::-1] if self.columns else self.shape
        if shape != wanted and math.prod(shape) != math.prod(wanted):
            raise ValueError(f"the document holds cells of shape {shape}, and the chunk has the shape {wanted}")
        if len(cells) != math.prod(wanted):
            raise ValueError(f"the document holds {len(cells)} cells, and the chunk {math.prod(wanted)}")
        if self.columns and len(wanted) > 1:
            cells = _turned(cells, wanted)
        return framed(self.dumped(cells))

    def loaded(self, cells: list[bytes]) -> list[Any]:
        """The objects of stored cells."""
        raise NotImplementedError

    def dumped(self, cells: list[Any]) -> list[bytes]:
        """What the engine has of objects."""
        raise NotImplementedError

    def document(self, cells: list[Any], shape: tuple[int, ...]) -> bytes:
        """What is stored for objects of a shape, in rows."""
        raise NotImplementedError

    def cells(self, data: bytes) -> tuple[list[Any], tuple[int, ...]]:
        """The objects of what is stored, in rows, and their shape."""
        raise NotImplementedError


def _turned(cells: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Cells in C order of a shape, in C order of the shape turned round."""
    order = np.arange(len(cells)).reshape(shape).transpose().reshape(-1)
    return [cells[at] for at in order.tolist()]


def _nested(cells: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Cells as lists of lists."""
    for length in reversed(shape[1:]):
        cells = [cells[at : at + length] for at in range(0, len(cells), length)] if length else []
    return cells


def _flat(items: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The cells of a document that ends with their type and their shape."""
    if not isinstance(items, list) or len(items) < 2 or not isinstance(items[-1], (list, tuple)):
        raise ValueError("the document does not end with the type and the shape of its cells")
    shape = tuple(integer(length, "the shape of the cells") for length in items[-1])
    cells = items[:-2]
    for length in shape[1:]:
        if not all(isinstance(row, list) and len(row) == length for row in cells):
            raise ValueError(f"the document's lists do not have the shape {shape}")
        cells = [cell for row in cells for cell in row]
    return cells, shape


class Json2(ObjectCodec):
    """All cells of a chunk as one JSON list, with their type and their shape at its end.

    Args:
        encoding: how the text is encoded.
        skipkeys, ensure_ascii, check_circular, allow_nan, sort_keys, indent, separators: as `json.dumps` has them.
        strict: as `json.loads` has it.
    """

    __slots__ = (
        "allow_nan",
        "check_circular",
        "encoding",
        "ensure_ascii",
        "indent",
        "separators",
        "skipkeys",
        "sort_keys",
        "strict",
    )
    name = "numcodecs.json2"
    id = "json2"
    run = "vlen-utf8"
    wanted = "string"

    def __init__(
        self,
        encoding: str = "utf-8",
        skipkeys: bool = False,
        ensure_ascii: bool = True,
        check_circular: bool = True,
        allow_nan: bool = True,
        sort_keys: bool = True,
        indent: int | str | None = None,
        separators: Any = None,
        strict: bool = True,
    ) -> None:
        self._unplaced()
        self.encoding = text(encoding, "encoding of codec 'json2'")
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError):
            refuse("encoding of codec 'json2'", "one that Python knows", encoding)
        self.skipkeys = flag(skipkeys, "skipkeys of codec 'json2'")
        self.ensure_ascii = flag(ensure_ascii, "ensure_ascii of codec 'json2'")
        self.check_circular = flag(check_circular, "check_circular of codec 'json2'")
        self.allow_nan = flag(allow_nan, "allow_nan of codec 'json2'")
        self.sort_keys = flag(sort_keys, "sort_keys of codec 'json2'")
        self.strict = flag(strict, "strict of codec 'json2'")
        if indent is not None and not isinstance(indent, str):
            integer(indent, "indent of codec 'json2'", high=1000)
        self.indent = indent
        given: Any = ([",", ":"] if indent is None else [", ", ": "]) if separators is None else list(separators)
        if len(given) != 2 or not all(isinstance(one, str) for one in given):
            refuse("separators of codec 'json2'", "two texts", separators)
        self.separators = tuple(given)

    def configuration(self) -> dict[str, Any]:
        return {**super().configuration(), "separators": list(self.separators)}

    def loaded(self, cells: list[bytes]) -> list[Any]:
        return [json.loads(cell) if cell else None for cell in cells]

    def dumped(self, cells: list[Any]) -> list[bytes]:
        return [json.dumps(cell, ensure_ascii=True, separators=(",", ":")).encode("ascii") for cell in cells]

    def document(self, cells: list[Any], shape: tuple[int, ...]) -> bytes:
        items = [*_nested(cells, shape), "|O", list(shape)]
        return json.dumps(
            items,
            skipkeys=self.skipkeys,
            ensure_ascii=self.ensure_ascii,
            check_circular=self.check_circular,
            allow_nan=self.allow_nan,
            sort_keys=self.sort_keys,
            indent=self.indent,
            separators=self.separators,
        ).encode(self.encoding)

    def cells(self, data: bytes) -> tuple[list[Any], tuple[int, ...]]:
        return _flat(json.loads(data.decode(self.encoding), strict=self.strict))


class MsgPack2(ObjectCodec):
    """All cells of a chunk as one MessagePack list, with their type and their shape at its end.

    Args:
        raw: whether text reads as bytes.
        use_single_float: whether floats are kept with 32 bits.
        use_bin_type: whether bytes and text are kept apart.
    """

    __slots__ = ("raw", "use_bin_type", "use_single_float")
    name = "numcodecs.msgpack2"
    id = "msgpack2"

    def __init__(self, raw: bool = False, use_single_float: bool = False, use_bin_type: bool = True) -> None:
        self._unplaced()
        self.raw = flag(raw, "raw of codec 'msgpack2'")
        self.use_single_float = flag(use_single_float, "use_single_float of codec 'msgpack2'")
        self.use_bin_type = flag(use_bin_type, "use_bin_type of codec 'msgpack2'")

    def loaded(self, cells: list[bytes]) -> list[Any]:
        return [msgpack().unpackb(cell, raw=self.raw, strict_map_key=False) if cell else None for cell in cells]

    def dumped(self, cells: list[Any]) -> list[bytes]:
        return [self._packed(cell) for cell in cells]

    def _packed(self, value: Any) -> bytes:
        packed: bytes = msgpack().packb(
            value, use_bin_type=self.use_bin_type, use_single_float=self.use_single_float, strict_types=False
        )
        return packed

    def document(self, cells: list[Any], shape: tuple[int, ...]) -> bytes:
        rows = _nested(cells, shape) if shape else cells
        return self._packed([*rows, "|O", list(shape)])

    def cells(self, data: bytes) -> tuple[list[Any], tuple[int, ...]]:
        return _flat(msgpack().unpackb(data, raw=self.raw, strict_map_key=False))


class Pickle(ObjectCodec):
    """All cells of a chunk as one pickled array. It runs code when it is read, so a setting has to allow that by name.

    Args:
        protocol: of pickle.
    """

    __slots__ = ("protocol",)
    name = "numcodecs.pickle"
    id = "pickle"
    protocol: int

    def __init__(self, protocol: int = 5) -> None:
        self._unplaced()
        self.protocol = integer(protocol, "protocol of codec 'pickle'", high=pickle.HIGHEST_PROTOCOL)

    def loaded(self, cells: list[bytes]) -> list[Any]:
        return [pickle.loads(cell) if cell else None for cell in cells]  # noqa: S301 - the data type asked for leave

    def dumped(self, cells: list[Any]) -> list[bytes]:
        return [pickle.dumps(cell) for cell in cells]

    def document(self, cells: list[Any], shape: tuple[int, ...]) -> bytes:
        array = np.empty(len(cells), object)
        for at, cell in enumerate(cells):
            array[at] = cell
        return pickle.dumps(array.reshape(shape), protocol=self.protocol)

    def cells(self, data: bytes) -> tuple[list[Any], tuple[int, ...]]:
        array = np.asarray(pickle.loads(data), object)  # noqa: S301 - the data type asked for leave
        return array.reshape(-1).tolist(), array.shape
