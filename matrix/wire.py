"""Cells as bytes that every language can read: in C order and little-endian; texts behind their lengths."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

__all__ = ["described", "from_wire", "to_wire", "type_of"]

VARYING = ("text", "bytes")
NARROW = {"int2": "i1", "int4": "i1", "uint2": "u1", "uint4": "u1"}
"""Numbers of less than a byte, of whose bytes the upper bits mean nothing: they travel as numbers of one."""
ADDED = 2
"""What NumPy says of types that another package (ml_dtypes) added to it."""


def described(dtype: Any) -> Any:
    """A NumPy type as JSON says it."""
    dtype = np.dtype(dtype)
    if dtype.kind == "T":
        return "text"
    if dtype.kind == "O":
        return "bytes"
    if dtype.subdtype is not None:
        return {"of": described(dtype.base), "shape": list(dtype.shape)}
    if dtype.names is not None:
        return [[name, described(dtype[name])] for name in dtype.names]
    return dtype.name if dtype.isbuiltin == ADDED else dtype.newbyteorder("<").str


def type_of(told: Any) -> np.dtype[Any]:
    """The NumPy type that is meant; object for cells of varying length."""
    if told in VARYING:
        return np.dtype(object)
    if isinstance(told, dict):
        listed: np.dtype[Any] = np.dtype((type_of(told["of"]), tuple(told["shape"])))
        return listed
    if isinstance(told, list):
        return np.dtype([(name, type_of(inner)) for name, inner in told])
    found: np.dtype[Any]
    try:
        found = np.dtype(told)
    except TypeError:
        import ml_dtypes

        found = np.dtype(getattr(ml_dtypes, told))
    return found


def to_wire(cells: Any, told: Any) -> bytes:
    """Cells as bytes.

    Args:
        cells: what a library gave.
        told: the type they should have, as JSON says it. Another one of the same length is left as it is: bits are what
            is compared.
    """
    if told in VARYING:
        values = np.asarray(cells, dtype=object).ravel().tolist()
        raw = [value.encode() if isinstance(value, str) else bytes(value) for value in values]
        return b"".join(struct.pack("<I", len(one)) + one for one in raw)
    found = np.asarray(cells)
    if isinstance(told, str) and told in NARROW:
        found = found.astype(NARROW[told])
    if found.dtype.names is not None:
        packed = np.empty(found.shape, type_of(told))
        for name in packed.dtype.names or ():
            packed[name] = found[name]
        found = packed
    elif found.dtype.kind != "V" and found.dtype.isbuiltin != ADDED:
        wanted = type_of(told).base
        # NumPy shortens texts to the longest one that it sees.
        found = found.astype(wanted if found.dtype.kind == wanted.kind in "SU" else found.dtype.newbyteorder("<"))
    return np.ascontiguousarray(found).tobytes()


def from_wire(raw: bytes, told: Any, shape: tuple[int, ...]) -> Any:
    """The cells that bytes mean."""
    if told not in VARYING:
        dtype = type_of(told)
        if isinstance(told, str) and told in NARROW:
            return np.frombuffer(raw, NARROW[told]).astype(dtype).reshape(shape)
        # NumPy gives lists of fixed length axes of their own, behind those of the array.
        return np.frombuffer(raw, dtype.base).reshape((*shape, *dtype.shape))
    values: list[Any] = []
    at = 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        one = raw[at + 4 : at + 4 + length]
        values.append(one.decode() if told == "text" else one)
        at += 4 + length
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells.reshape(shape)
