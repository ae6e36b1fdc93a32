"""Attributes as JSON has them, and fill values as xarray looks for them."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zarrite.convert.source import ConversionError, Skipped, Source, SourceArray

__all__ = ["encode_fill_attribute", "plain_attribute", "settle_attributes"]


def settle_attributes(source: Source) -> None:
    """Makes the attributes of a source such that JSON can hold them, and notes what that changed.

    JSON has no NaN and no infinities. They become text, as Zarr writes them in fill values, but for a `missing_value`
    of NaN among floats: it says the same as a `_FillValue` of NaN, which has a form of its own.
    """
    for path, attributes in source.groups.items():
        source.groups[path] = _finite(attributes, path, source.skipped)
    source.arrays[:] = [_settled(array, source.skipped) for array in source.arrays]


def _settled(array: SourceArray, skipped: list[Skipped]) -> SourceArray:
    attributes = dict(array.attributes)
    missing = attributes.get("missing_value")
    if (
        isinstance(missing, float)
        and math.isnan(missing)
        and isinstance(array.dtype, np.dtype)
        and array.dtype.kind == "f"
    ):
        del attributes["missing_value"]
        attributes.setdefault("_FillValue", encode_fill_attribute(missing, array.dtype))
    finite = _finite(attributes, array.path, skipped)
    if finite == array.attributes:
        return array
    other = array.as_bytes
    return replace(array, attributes=finite, as_bytes=other and replace(other, attributes=finite))


def _finite(attributes: dict[str, Any], path: str, skipped: list[Skipped]) -> dict[str, Any]:
    found = {}
    for name, value in attributes.items():
        key = _utf8(name)
        found[key] = _finite_value(value)
        if found[key] is not value:
            skipped.append(
                Skipped(f"{path}@{key}", "JSON has no NaN, no infinities and only UTF-8; text stands for them")
            )
    return found


def _utf8(text: str) -> str:
    """Text without the stand-ins that Python has for bytes that are not UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    return text


def _finite_value(value: Any) -> Any:
    """The value itself where JSON can hold it, else a copy that it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, list):
        items = [_finite_value(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        pairs = {name: _finite_value(item) for name, item in value.items()}
        return value if all(pairs[name] is item for name, item in value.items()) else pairs
    return value


def plain_attribute(value: Any) -> Any:
    """An attribute's value as JSON has it: text, numbers, booleans, lists, objects.

    Raises:
        ConversionError: JSON has no word for it.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, np.str_) else value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, np.void):
        if value.dtype.names:
            return {name: plain_attribute(value[name]) for name in value.dtype.names}
        return base64.standard_b64encode(value.tobytes()).decode()
    if isinstance(value, complex | np.complexfloating):
        return [float(value.real), float(value.imag)]
    if isinstance(value, np.datetime64 | np.timedelta64):
        return str(value)
    if isinstance(value, np.generic):
        return plain_attribute(value.item() if value.dtype.itemsize <= 8 or value.dtype.kind in "SU" else float(value))
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return plain_attribute(value[()])
        if value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return value.tolist()
        return [plain_attribute(item) for item in value]
    if isinstance(value, Sequence):
        return [plain_attribute(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain_attribute(item) for name, item in value.items()}
    raise ConversionError(f"JSON has no word for a {type(value).__name__}")


def encode_fill_attribute(value: Any, dtype: np.dtype[Any] | str) -> Any:
    """A `_FillValue` as xarray looks for it among the attributes of a v3 array.

    Floats are the base64 of their little-endian float64 bytes, so that NaN and infinities survive JSON; integers and
    booleans are themselves, bytes are base64, complex numbers a pair.

    Raises:
        ConversionError: the value is of a kind that does not fit the cells.
    """
    if isinstance(value, np.ndarray):
        if value.size != 1:
            raise ConversionError(f"a fill value must be one cell, not {value.size}")
        value = value.reshape(())[()]
    kind = "T" if isinstance(dtype, str) else dtype.kind
    try:
        if kind in "TU":
            return value.decode() if isinstance(value, bytes) else str(value)
        if kind == "S":
            raw = value if isinstance(value, bytes) else str(value).encode()
            return base64.standard_b64encode(raw).decode()
        if kind == "b":
            return bool(value)
        if kind in "iu":
            if int(value) != value:
                raise ConversionError(f"{value!r} is no whole number")
            return int(value)
        if kind == "f":
            return base64.standard_b64encode(struct.pack("<d", float(value))).decode()
        if kind == "c":
            number = complex(value)
            return [base64.standard_b64encode(struct.pack("<d", part)).decode() for part in (number.real, number.imag)]
    except (TypeError, ValueError, OverflowError) as error:
        raise ConversionError(f"{value!r} is no fill value for cells of {dtype}") from error
    raise ConversionError(f"cells of {dtype} have no fill value attribute")
