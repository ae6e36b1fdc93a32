"""Codecs from cells to cells, as numcodecs has them: arithmetic that makes cells easier to compress.

Their types are spelled as format 2 spells them ("<f4"). The engine computes in this machine's byte order, so lowering
turns bytes around before and after where a type says otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, integer, refuse
from .codecs import ARRAY, BYTE, Cells, Codec, Lowering

HALVES = frozenset(("bfloat16", "complex_bfloat16", "complex_float16"))
"""Types of 16 bits that NumPy has no type string for."""
NUMBERS = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"))


class _Filter(Codec):
    """A filter that reads cells of one type and gives cells of another."""

    __slots__ = ()
    kind = ARRAY

    def lower_between(self, chain: Lowering, before: np.dtype[Any], after: np.dtype[Any], **parameters: Any) -> None:
        """Adds this step, which works on native numbers, between cells of two types."""
        data_type = chain.data_type if after == chain.numpy else None
        chain.become(before)
        chain.swap(turns(before))
        chain.steps.append({"name": self.id, **parameters})
        chain.become(after, data_type)
        chain.swap(turns(after))

    def fits(self, cells: Cells, wanted: np.dtype[Any]) -> None:
        """Refuses cells of another width than the filter was made for."""
        if cells.vlen or cells.numpy.itemsize != wanted.itemsize:
            raise MetadataValidationError(f"codec {self.id!r} is set for cells of type {wanted}, and is given {cells}")


def turns(numpy: np.dtype[Any]) -> list[list[int]]:
    """What makes cells of a type native: which bytes to turn around."""
    if numpy.isnative or numpy.itemsize == 1:
        return []
    parts = 2 if numpy.kind == "c" else 1
    return [[0, numpy.itemsize // parts, parts]]


def _code(numpy: np.dtype[Any]) -> str:
    """The type as the engine names it: native, dates as the integers they are."""
    return f"{'i' if numpy.kind in 'mM' else numpy.kind}{numpy.itemsize}"


def _number(value: object, what: str) -> np.dtype[Any]:
    """A type that can be computed with, from the text a document has for it."""
    try:
        numpy = np.dtype(value) if isinstance(value, (str, np.dtype, type)) else None
    except (TypeError, ValueError):
        numpy = None
    if numpy is None or _code(numpy) not in NUMBERS:
        refuse(what, "the name of a numeric type such as '<f4'", value)
    return numpy


def _spelled(numpy: np.dtype[Any]) -> str:
    return numpy.str


class _Between(_Filter):
    """A filter with `dtype` before and `astype` after it."""

    __slots__ = ("astype", "dtype")
    dtype: np.dtype[Any]
    astype: np.dtype[Any]

    def _types(self, dtype: object, astype: object) -> None:
        self.dtype = _number(dtype, f"dtype of codec {self.id!r}")
        self.astype = self.dtype if astype is None else _number(astype, f"astype of codec {self.id!r}")

    def configuration(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in reversed(self.fields)}
        return {**found, "dtype": _spelled(self.dtype), "astype": _spelled(self.astype)}

    def parameters(self) -> dict[str, Any]:
        """What the engine is told beside the types."""
        return {}

    def settle(self, cells: Cells) -> Codec:
        self.fits(cells, self.dtype)
        return self

    def after(self, cells: Cells) -> Cells:
        return cells.of(self.astype)

    def lower(self, chain: Lowering) -> None:
        types = {"dtype": _code(self.dtype), "astype": _code(self.astype)}
        self.lower_between(chain, self.dtype, self.astype, **self.parameters(), **types)


class Delta(_Between):
    """Differences of neighbours, in the order the cells are stored.

    Args:
        dtype: type of the cells.
        astype: type the differences are kept in; left out, `dtype`.
    """

    __slots__ = ()
    name = "numcodecs.delta"
    id = "delta"

    def __init__(self, dtype: object, astype: object = None) -> None:
        self._types(dtype, astype)


class FixedScaleOffset(_Between):
    """`(cell - offset) * scale`, rounded, in fewer bytes.

    Args:
        offset: what is taken away first.
        scale: what is multiplied by then.
        dtype: type of the cells.
        astype: type of what is kept; left out, `dtype`.
    """

    __slots__ = ("offset", "scale")
    name = "numcodecs.fixedscaleoffset"
    id = "fixedscaleoffset"
    offset: float
    scale: float

    def __init__(self, offset: float, scale: float, dtype: object, astype: object = None) -> None:
        self.offset = _real(offset, "offset of codec 'fixedscaleoffset'")
        self.scale = _real(scale, "scale of codec 'fixedscaleoffset'")
        self._types(dtype, astype)

    def parameters(self) -> dict[str, Any]:
        if self.dtype.kind not in "biu":
            return {"offset": float(self.offset), "scale": float(self.scale)}
        # NumPy keeps integers as they are for as long as no parameter has a point.
        limits = np.iinfo(np.int64 if self.dtype.kind == "b" else self.dtype)
        fit = [type(one) is int and limits.min <= one <= limits.max for one in (self.offset, self.scale)]
        return {
            "offset": self.offset if fit[0] else float(self.offset),
            "scale": self.scale if fit[1] else float(self.scale),
        }


class Quantize(_Between):
    """Floats rounded to a number of decimal digits after the point.

    Args:
        digits: decimal digits to keep.
        dtype: type of the cells, a float.
        astype: type of what is kept, a float; left out, `dtype`.
    """

    __slots__ = ("digits",)
    name = "numcodecs.quantize"
    id = "quantize"
    digits: int

    def __init__(self, digits: int, dtype: object, astype: object = None) -> None:
        self.digits = integer(digits, "digits of codec 'quantize'", -308, 308)
        self._types(dtype, astype)
        if self.dtype.kind != "f" or self.astype.kind != "f":
            refuse("dtype and astype of codec 'quantize'", "floats", (_spelled(self.dtype), _spelled(self.astype)))

    def parameters(self) -> dict[str, Any]:
        return {"digits": self.digits}


class AsType(_Filter):
    """Cells kept in another type.

    Args:
        encode_dtype: type of what is kept.
        decode_dtype: type of the cells.
    """

    __slots__ = ("decode_dtype", "encode_dtype")
    name = "numcodecs.astype"
    id = "astype"
    encode_dtype: np.dtype[Any]
    decode_dtype: np.dtype[Any]

    def __init__(self, encode_dtype: object, decode_dtype: object) -> None:
        self.encode_dtype = _number(encode_dtype, "encode_dtype of codec 'astype'")
        self.decode_dtype = _number(decode_dtype, "decode_dtype of codec 'astype'")

    def configuration(self) -> dict[str, Any]:
        return {"encode_dtype": _spelled(self.encode_dtype), "decode_dtype": _spelled(self.decode_dtype)}

    def settle(self, cells: Cells) -> Codec:
        self.fits(cells, self.decode_dtype)
        return self

    def after(self, cells: Cells) -> Cells:
        return cells.of(self.encode_dtype)

    def lower(self, chain: Lowering) -> None:
        self.lower_between(
            chain,
            self.decode_dtype,
            self.encode_dtype,
            encode_dtype=_code(self.encode_dtype),
            decode_dtype=_code(self.decode_dtype),
        )


class BitRound(_Filter):
    """Numbers with their last bits rounded away.

    Args:
        keepbits: bits to keep: of the mantissa of floats, from the highest bit that is set of integers.
    """

    __slots__ = ("keepbits",)
    name = "bitround"
    id = "bitround"
    keepbits: int

    def __init__(self, keepbits: int) -> None:
        self.keepbits = integer(keepbits, "keepbits of codec 'bitround'", 0, 64)

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen or (cells.name not in HALVES and cells.numpy.kind not in "fciumM"):
            raise MetadataValidationError(f"codec 'bitround' rounds numbers and is given {cells}")
        return self

    def lower(self, chain: Lowering) -> None:
        numpy, name = chain.numpy, chain.cells.name
        dtype = name if name in HALVES else _code(numpy)
        self.lower_between(chain, numpy, numpy, keepbits=self.keepbits, dtype=dtype)


class NumcodecsBitRound(BitRound):
    """The same under the name it had before it was registered."""

    __slots__ = ()
    name = "numcodecs.bitround"


class PackBits(_Filter):
    """Eight booleans in a byte, the first in the highest bit, behind a byte that counts the unused bits."""

    __slots__ = ()
    name = "numcodecs.packbits"
    id = "packbits"

    def settle(self, cells: Cells) -> Codec:
        if cells.vlen or cells.numpy.kind != "b":
            raise MetadataValidationError(f"codec 'packbits' requires bool dtype, and is given {cells}")
        return self

    def to_json(self) -> dict[str, Any]:
        # The one reader this name is for wants the member, empty or not.
        return {"name": self.name, "configuration": {}}

    def after(self, cells: Cells) -> Cells:
        return Cells(BYTE, None, (1 + -(-math.prod(cells.shape) // 8),))

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.name})
        chain.become(BYTE)


def _real(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        refuse(what, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        refuse(what, "a finite number", brief(value))
    return value if isinstance(value, (int, float)) else number
