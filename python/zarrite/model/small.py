"""Numbers that NumPy has no type for: bfloat16, floats of 4 to 8 bits, integers of 2 and 4 bits, pairs of them.

Their NumPy types are those of the package `ml_dtypes` (extra `zarrite[ml]`), which is imported when such a type is
first met. Without it, floats are read and written as their bits (`uint8`, `uint16`), and small integers as `int8` and
`uint8`. Fill values need no package: `Layout` knows what every pattern of bits means.
"""

from __future__ import annotations

import functools
import importlib
import math
import sys
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataTypeValidationError
from . import fills
from .checks import refuse
from .dtypes import DType, Float

EXTRA = "ml"
"""The extra that installs `ml_dtypes`."""


class Layout(NamedTuple):
    """How the bits of a float are meant.

    Attributes:
        bits: how many there are; what a stored cell has above them is ignored.
        mantissa: how many of them are the mantissa.
        bias: what is taken from the exponent.
        specials: "ieee" (infinities and NaNs in the highest exponent), "fn" (NaN where all bits but the sign are set),
            "uz" (NaN in place of -0), "none", or "scale" (no sign, no zero, NaN where all bits are set).
        nan: the bits that the word "NaN" means, or None.
    """

    bits: int
    mantissa: int
    bias: int
    specials: str
    nan: int | None

    def value(self, code: int) -> float:
        """What bits mean."""
        if self.specials == "scale":
            return math.nan if code == 0xFF else math.ldexp(1.0, code - self.bias)
        sign = -1.0 if code >> (self.bits - 1) else 1.0
        rest = code & ((1 << (self.bits - 1)) - 1)
        exponent, mantissa = rest >> self.mantissa, rest & ((1 << self.mantissa) - 1)
        top = (1 << (self.bits - 1 - self.mantissa)) - 1
        if self.specials == "ieee" and exponent == top:
            return math.nan if mantissa else sign * math.inf
        if (self.specials == "fn" and rest == (1 << (self.bits - 1)) - 1) or (
            self.specials == "uz" and code == self.nan
        ):
            return math.nan
        if exponent == 0:
            return sign * math.ldexp(mantissa, 1 - self.bias - self.mantissa)
        return sign * math.ldexp(mantissa + (1 << self.mantissa), exponent - self.bias - self.mantissa)

    def code(self, number: float) -> int | None:
        """The bits of the nearest number, ties to the even one; None where none is near."""
        if number != number:
            return self.nan
        positive, codes, limit = _positive(self)
        if self.specials == "scale" and number <= 0:
            return None
        sign = 0 if self.specials == "scale" or math.copysign(1.0, number) > 0 else 1 << (self.bits - 1)
        size = abs(number)
        if size >= limit:
            infinite = ((1 << (self.bits - 1 - self.mantissa)) - 1) << self.mantissa
            return sign | infinite if self.specials == "ieee" else None
        at = int(np.searchsorted(positive, size))
        if at == len(positive):
            at -= 1
        elif at and positive[at] != size:
            below, above = size - positive[at - 1], positive[at] - size
            # Ties go to the even one; a scale has no mantissa to be even, and they go up.
            at -= below < above or (below == above and self.specials != "scale" and codes[at] & 1)
        found = codes[at]
        return found if found == 0 and self.specials == "uz" else sign | found


@functools.cache
def _positive(layout: Layout) -> tuple[list[float], list[int], float]:
    """The finite numbers that are not negative, in order; their bits; from where on a number is near none of them."""
    count = 1 << (layout.bits if layout.specials == "scale" else layout.bits - 1)
    pairs = [(layout.value(code), code) for code in range(count)]
    finite = [pair for pair in pairs if math.isfinite(pair[0])]
    largest, before = finite[-1][0], finite[-2][0]
    return [value for value, _ in finite], [code for _, code in finite], largest + (largest - before) / 2


FLOATS = {
    "bfloat16": Layout(16, 7, 127, "ieee", 0x7FC0),
    "float8_e3m4": Layout(8, 4, 3, "ieee", 0x78),
    "float8_e4m3": Layout(8, 3, 7, "ieee", 0x7C),
    "float8_e4m3fn": Layout(8, 3, 7, "fn", 0x7F),
    "float8_e4m3b11fnuz": Layout(8, 3, 11, "uz", 0x80),
    "float8_e4m3fnuz": Layout(8, 3, 8, "uz", 0x80),
    "float8_e5m2": Layout(8, 2, 15, "ieee", 0x7E),
    "float8_e5m2fnuz": Layout(8, 2, 16, "uz", 0x80),
    "float8_e8m0fnu": Layout(8, 0, 127, "scale", 0xFF),
    "float6_e2m3fn": Layout(6, 3, 1, "none", None),
    "float6_e3m2fn": Layout(6, 2, 3, "none", None),
    "float4_e2m1fn": Layout(4, 1, 1, "none", None),
}
"""The floats, by name. Source: zarr-extensions; the Open Compute Project's formats for microscaling."""

INTEGERS = {"int2": 2, "int4": 4, "uint2": 2, "uint4": 4}
"""The integers, by name, with their bits."""

PAIRS = {"complex_float16": "float16", **{f"complex_{name}": name for name in FLOATS}}
"""Complex numbers without a NumPy type, by name, with what their two parts are."""


@functools.cache
def numpy_type(name: str) -> np.dtype[Any]:
    """The NumPy type of such a number: that of `ml_dtypes`, or what stands for it where that is not installed."""
    try:
        found: np.dtype[Any] = np.dtype(getattr(importlib.import_module("ml_dtypes"), name))
    except (ImportError, AttributeError):  # not there, or older than the type
        if name in FLOATS:
            return np.dtype(np.uint16 if FLOATS[name].bits > 8 else np.uint8)
        return np.dtype(np.int8 if name[0] == "i" else np.uint8)
    return found


class SmallFloat(DType):
    """A float of 4 to 16 bits whose NumPy type is that of `ml_dtypes`.

    Without that package cells are their bits, in `uint8` or `uint16`; a fill value is a number all the same.

    Args:
        name: one of `FLOATS`.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, numpy_type(name))

    @property
    def layout(self) -> Layout:
        """What its bits mean."""
        return FLOATS[self.name]

    @property
    def has_bits_only(self) -> bool:
        """Whether cells are bits, since `ml_dtypes` is not there to say more."""
        return self.numpy.kind == "u"

    @property
    def translates(self) -> bool:
        return self.has_bits_only or self.layout.bits < 8

    @property
    def typestr(self) -> str:
        return self.name

    def native(self) -> Self:
        return self

    def shown(self, cells: Any) -> Any:
        return _masked(cells, self.layout.bits)

    def taken(self, values: Any) -> NDArray[Any]:
        given = np.asarray(values) if not isinstance(values, np.ndarray) else values
        if self.has_bits_only:
            if given.dtype != self.numpy:
                raise TypeError(
                    f"cells of {self.name} are read and written as their bits, in {self.numpy}, while the package "
                    f"ml_dtypes is missing; install zarrite[{EXTRA}] to write numbers, or give the bits"
                )
            return _masked(given, self.layout.bits)  # type: ignore[no-any-return]
        return _masked(given.astype(self.numpy, copy=False), self.layout.bits)  # type: ignore[no-any-return]

    def bits_of(self, value: Any) -> int:
        """The bits of a scalar of this type."""
        unsigned = np.dtype(f"u{self.numpy.itemsize}")
        return int(np.asarray(value, self.numpy).view(unsigned)) & ((1 << self.layout.bits) - 1)

    def of_bits(self, code: int) -> Any:
        """The scalar that bits mean."""
        return np.array(code, f"u{self.numpy.itemsize}").view(self.numpy)[()]

    def _number(self, number: float, given: object) -> Any:
        code = self.layout.code(number)
        if code is None or (math.isinf(number) and math.isfinite(self.layout.value(code))):
            refuse(f"the fill value of {self.name}", "a number that the type has one near to", given)
        return self.of_bits(code)

    def _cast(self, value: Any) -> Any:
        if isinstance(value, (np.generic, np.ndarray)) and value.dtype == self.numpy and np.shape(value) == ():
            return self.of_bits(self.bits_of(value))
        if isinstance(value, (str, list, dict, bytes, complex, np.complexfloating)):
            raise TypeError
        return self._number(float(value), value)

    def cell(self, value: Any) -> bytes:
        code = 0 if value is None else self.bits_of(value)
        return code.to_bytes(self.numpy.itemsize, sys.byteorder)

    def fill_from_json(self, value: object) -> Any:
        if type(value) is str:
            if value in fills.WORDS:
                return self._number(fills.WORDS[value], value)
            code = fills.hexadecimal(value)
            if code is None or code >= 1 << (8 * self.numpy.itemsize):
                refuse(f"the fill value of {self.name}", 'a number, "NaN", "Infinity" or "0x" with the bits', value)
            return self.of_bits(code & ((1 << self.layout.bits) - 1))
        if type(value) is not int and type(value) is not float:
            refuse(f"the fill value of {self.name}", 'a number, "NaN", "Infinity" or "0x" with the bits', value)
        try:
            return self._number(float(value), value)
        except OverflowError:
            refuse(f"the fill value of {self.name}", "a number that the type has one near to", value)

    def fill_to_json(self, value: Any) -> float | str:
        code = self.bits_of(value)
        number = self.layout.value(code)
        # tensorstore takes a number for another scale than it is; what everybody reads right are the bits.
        if math.isfinite(number) and self.layout.specials != "scale":
            return number
        if math.isinf(number):
            return "Infinity" if number > 0 else "-Infinity"
        return "NaN" if code == self.layout.nan else f"0x{code:0{2 * self.numpy.itemsize}x}"


class SmallInteger(DType):
    """An integer of 2 or 4 bits, one byte each, whose NumPy type is that of `ml_dtypes` (`int8`, `uint8` without it).

    Args:
        name: one of `INTEGERS`.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, numpy_type(name))

    @property
    def bits(self) -> int:
        """How many bits a cell has; those above them are ignored when read, and repeat the sign when written."""
        return INTEGERS[self.name]

    @property
    def translates(self) -> bool:
        return True

    @property
    def typestr(self) -> str:
        return self.name

    def native(self) -> Self:
        return self

    def shown(self, cells: Any) -> Any:
        # `ml_dtypes` itself has nothing above the bits, not even the sign.
        return _masked(cells, self.bits, self.numpy.kind == "i")

    def taken(self, values: Any) -> NDArray[Any]:
        given = values if isinstance(values, np.ndarray) else np.asarray(values)
        if given.dtype != self.numpy:
            given = given.astype(np.int64, casting="unsafe" if given.dtype.kind in "fbu" else "same_kind")
            given = given.astype(np.int8).astype(self.numpy)
        return _masked(given, self.bits, self.name[0] == "i")  # type: ignore[no-any-return]

    def _cast(self, value: Any) -> Any:
        if isinstance(value, (str, list, dict)):
            raise TypeError
        if isinstance(value, (np.generic, np.ndarray)) and value.dtype == self.numpy:
            return self.fill_from_json(int(value))
        return self.fill_from_json(int(fills.cast(value, np.dtype(np.int64))))

    def fill_from_json(self, value: object) -> Any:
        low, high = (-(1 << (self.bits - 1)), 1 << (self.bits - 1)) if self.name[0] == "i" else (0, 1 << self.bits)
        if type(value) is not int or not low <= value < high:
            refuse(f"the fill value of {self.name}", f"an integer from {low} to {high - 1}", value)
        above = 0xFF if self.numpy.kind == "i" else (1 << self.bits) - 1
        return np.array(value & above, np.uint8).view(self.numpy)[()]

    def cell(self, value: Any) -> bytes:
        return b"\0" if value is None else bytes([int(value) & 0xFF])

    def fill_to_json(self, value: Any) -> int:
        return int(value)


class Pair(DType):
    """A complex number of two small floats: NumPy has none, so cells are structures of `real` and `imag`.

    NumPy's complex numbers may be written; each part is rounded.

    Args:
        name: one of `PAIRS`.
    """

    __slots__ = ("part",)
    part: DType

    def __init__(self, name: str, part: DType) -> None:
        super().__init__(name, np.dtype([("real", part.numpy), ("imag", part.numpy)]))
        self.part = part

    @property
    def translates(self) -> bool:
        return True

    @property
    def typestr(self) -> Any:
        raise DataTypeValidationError(f"{self.name} has no type string in format 2; write format 3")

    def native(self) -> Self:
        return self

    def shown(self, cells: Any) -> Any:
        if self.part.translates:
            for name in ("real", "imag"):
                shown = self.part.shown(np.asarray(cells)[name])
                cells[name] = shown
        return cells

    def taken(self, values: Any) -> NDArray[Any]:
        given = np.asarray(values)
        if given.dtype == self.numpy:
            return given
        if given.dtype.names is not None or given.dtype.kind not in "biufc":
            raise TypeError(f"cells of {self.name} are complex numbers, or structures of real and imag")
        made = np.empty(given.shape, self.numpy)
        for name, part in (("real", given.real), ("imag", given.imag)):
            made[name] = self.part.taken(part) if self.part.translates else part.astype(self.part.numpy)
        return made

    def _cast(self, value: Any) -> Any:
        if isinstance(value, (np.void, np.ndarray)) and value.dtype == self.numpy:
            return self._of(value["real"], value["imag"])
        if isinstance(value, (str, list, dict)):
            raise TypeError
        number = complex(value)
        return self._of(self.part.cast(number.real), self.part.cast(number.imag))

    def _of(self, real: Any, imag: Any) -> Any:
        return fills.item(self.part.cell(real) + self.part.cell(imag), self.numpy)

    def default(self) -> Any:
        return fills.item(bytes(self.numpy.itemsize), self.numpy)

    def fill_from_json(self, value: object) -> Any:
        if type(value) is not list or len(value) != 2:
            refuse(f"the fill value of {self.name}", "a list of two parts, real and imaginary", value)
        return self._of(self.part.fill_from_json(value[0]), self.part.fill_from_json(value[1]))

    def fill_to_json(self, value: Any) -> Any:
        return [self.part.fill_to_json(value["real"]), self.part.fill_to_json(value["imag"])]


def _masked(cells: Any, bits: int, signed: bool = False) -> Any:
    """Cells without what stands above their bits; the sign repeated there where there is one."""
    whole = np.asarray(cells)
    if bits >= 8:
        return cells
    lost = np.int8(8 - bits)
    # Shifted up and down again, with or without the sign. Into an array: of one cell NumPy would make a scalar.
    raw = np.empty(whole.shape, np.int8 if signed else np.uint8)
    np.left_shift(whole.view(raw.dtype), lost.astype(raw.dtype), out=raw)
    np.right_shift(raw, lost.astype(raw.dtype), out=raw)
    found = raw.view(whole.dtype)
    return found if isinstance(cells, np.ndarray) else found[()]


NAMES = frozenset((*FLOATS, *INTEGERS, *PAIRS))
"""All names that `small` knows."""


@functools.cache
def small(name: str) -> DType:
    """The data type of a name in `NAMES`."""
    if name in FLOATS:
        return SmallFloat(name)
    if name in INTEGERS:
        return SmallInteger(name)
    part = PAIRS[name]
    if part in FLOATS:
        return Pair(name, SmallFloat(part))
    return Pair(name, Float(part, np.dtype(part)))
