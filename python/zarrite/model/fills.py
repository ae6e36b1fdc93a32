"""Fill values: between JSON and a scalar, with every bit kept.

Only the forms that the format allows are read here; the forms that were written nevertheless are turned into these by
`formats.tolerance`. Source: Zarr v3 core, "fill_value"; format reference 1.5, 2.1 and 3.3.
"""

from __future__ import annotations

import binascii
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MetadataValidationError
from .checks import refusal, refuse

WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "+Infinity": math.inf}
NAT = -(2**63)
CASTS = {"b": "biu", "f": "biuf", "c": "biufc"}
"""Kinds of values that a kind of cell takes."""


def int_from_json(value: object, numpy: np.dtype[Any]) -> Any:
    """An integer of a type, from a JSON number without fraction."""
    if type(value) is not int:
        refuse(f"the fill value of {numpy.name}", "an integer", value)
    limits = np.iinfo(numpy)
    if not limits.min <= value <= limits.max:
        refuse(f"the fill value of {numpy.name}", f"from {limits.min} to {limits.max}", value)
    return numpy.type(value)


def bool_from_json(value: object) -> Any:
    """A boolean, from JSON true or false."""
    if type(value) is not bool:
        refuse("the fill value of bool", "true or false", value)
    return np.bool_(value)


def float_from_json(value: object, numpy: np.dtype[Any]) -> Any:
    """A float of a type: a JSON number, one of three words, or the bits in hexadecimal."""
    if type(value) is float:
        if value != value:  # a bare NaN token: the one NaN that the word "NaN" means
            return _float_word("NaN", numpy)
        with np.errstate(over="ignore"):
            return numpy.type(value)
    if type(value) is int:
        try:
            with np.errstate(over="ignore"):
                return numpy.type(float(value))
        except OverflowError:
            refuse(f"the fill value of {numpy.name}", "a number that a float can be near", value)
    if type(value) is str:
        if value in WORDS:
            return _float_word(value, numpy)
        if value[:2] in ("0x", "0X"):
            return _float_bits(value, numpy)
    raise refusal(
        f"the fill value of {numpy.name}", 'a number, "NaN", "Infinity", "-Infinity" or "0x" with the bits', value
    )


def _float_word(word: str, numpy: np.dtype[Any]) -> Any:
    return numpy.type(WORDS[word])


def hexadecimal(digits: str) -> int | None:
    """The number behind "0x", or None when it is none."""
    try:
        return int(digits, 16) if digits[:2] in ("0x", "0X") and "_" not in digits else None
    except ValueError:
        return None


def _float_bits(digits: str, numpy: np.dtype[Any]) -> Any:
    native = numpy.newbyteorder("=")
    number = hexadecimal(digits)
    if number is None or not number < 1 << (8 * numpy.itemsize):
        refuse(f"the fill value of {numpy.name}", f'"0x" and at most {2 * numpy.itemsize} hexadecimal digits', digits)
    return np.array(number, f"u{numpy.itemsize}").view(native)[()]


def float_to_json(value: Any, numpy: np.dtype[Any]) -> float | str:
    """The JSON form that gives the same bits back."""
    # `item` is exact for every number, and NaNs are told apart by their bits, never by their value.
    number = float(value)
    if math.isfinite(number):
        return number
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    bits = int(np.array(value, numpy.newbyteorder("=")).view(f"u{numpy.itemsize}"))
    canonical = int(np.array(math.nan, numpy.newbyteorder("=")).view(f"u{numpy.itemsize}"))
    return "NaN" if bits == canonical else f"0x{bits:0{2 * numpy.itemsize}x}"


def complex_from_json(value: object, numpy: np.dtype[Any]) -> Any:
    """A complex number, from a list of its real and its imaginary part."""
    if type(value) is not list or len(value) != 2:
        refuse(f"the fill value of {numpy.name}", "a list of two parts, real and imaginary", value)
    part = np.dtype(f"f{numpy.itemsize // 2}")
    both = np.empty(2, part)
    both[0], both[1] = float_from_json(value[0], part), float_from_json(value[1], part)
    return both.view(numpy.newbyteorder("="))[0]


def complex_to_json(value: Any, numpy: np.dtype[Any]) -> list[float | str]:
    """The two parts, each as a float is written."""
    part = np.dtype(f"f{numpy.itemsize // 2}")
    both = np.array([value], numpy.newbyteorder("=")).view(part)
    return [float_to_json(both[0], part), float_to_json(both[1], part)]


def time_from_json(value: object, numpy: np.dtype[Any]) -> Any:
    """A date or a duration, from its count of units or "NaT"."""
    if value == "NaT":
        value = NAT
    if type(value) is not int or not NAT <= value < -NAT:
        refuse(f"the fill value of {numpy.name}", 'a 64-bit integer or "NaT"', value)
    return np.array(value, "i8").view(numpy.newbyteorder("="))[()]


def time_to_json(value: Any, numpy: np.dtype[Any]) -> int:
    """The count of units; the count that means "not a time" like any other."""
    return int(np.array(value, numpy.newbyteorder("=")).view("i8"))


def bytes_from_json(value: object, what: str) -> bytes:
    """Bytes, from base64 text or a list of numbers from 0 to 255."""
    if type(value) is str:
        try:
            return binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            pass
    elif type(value) is list and all(type(number) is int and 0 <= number <= 255 for number in value):
        return bytes(value)
    raise refusal(f"the fill value of {what}", "base64 text or a list of integers from 0 to 255", value)


def base64(value: bytes) -> str:
    """Base64 text, without line breaks."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def fixed_bytes_from_json(value: object, length: int, what: str, *, terminated: bool = False) -> bytes:
    """Exactly `length` bytes; nothing at all means zeros. Of `terminated` bytes, zeros at the end may be left out."""
    found = bytes_from_json(value, what)
    if terminated and len(found) < length:
        found = found.ljust(length, b"\0")  # zarr-python writes them so
    if len(found) > length and not any(found[length:]):
        found = found[:length]
    if found and len(found) != length:
        raise MetadataValidationError(f"the fill value of {what} must hold {length} bytes, not {len(found)}")
    return found.ljust(length, b"\0")


def item(raw: bytes, numpy: np.dtype[Any]) -> Any:
    """The scalar whose bytes in memory these are."""
    if numpy.itemsize == 0:
        return np.zeros((), numpy)[()]
    return np.frombuffer(raw, numpy, count=1)[0]


def cell(value: Any, numpy: np.dtype[Any]) -> bytes:
    """The bytes of a scalar as they lie in an array of a type."""
    holder: NDArray[Any] = np.empty((), numpy)
    holder[()] = value
    return holder.tobytes()


def cast(value: object, numpy: np.dtype[Any]) -> Any:
    """A user's value as a scalar of a type.

    Raises:
        MetadataValidationError: the value does not fit the type; nothing is wrapped or cut.
    """
    kind = numpy.kind
    if isinstance(value, (str, list, dict)) and kind in "fciubmM":
        raise TypeError
    if kind in "iu" and type(value) is not numpy.type:
        number = np.asarray(value)
        exact = (
            int(number[()]) if number.shape == () and number.dtype.kind in "iubf" and number == number // 1 else None
        )
        return int_from_json(exact if exact is not None else value, numpy)
    array = np.asarray(value)
    if array.shape != ():
        refuse(f"the fill value of {numpy}", "one value", value)
    if array.dtype.kind not in CASTS.get(kind, array.dtype.kind):
        raise TypeError
    with np.errstate(over="ignore"):
        return array.astype(numpy)[()]
