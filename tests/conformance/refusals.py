"""What other libraries read and write, and what they do not, each with its reason: the one table of it.

A library is held to the data types and codecs that it claims. "zarr" is zarr-python 3.1, the last for Python 3.11;
"zarr-new" what the peers' interpreter has; "zarrs" is that with the codecs of zarrs; "zarrista" is zarrs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from conformance.matrix import Combination

NEW, OLD = 3, 2
INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
FLOATS = frozenset(("float16", "float32", "float64"))
NUMBERS = INTEGERS | FLOATS | {"bool", "complex64", "complex128"}
TIMES = frozenset(("numpy.datetime64", "numpy.timedelta64"))
FIXED = frozenset(("raw_bytes", "null_terminated_bytes", "fixed_length_utf32"))
STRUCTS = frozenset(("struct", "structured"))
VARYING = frozenset(("string", "bytes", "variable_length_bytes", "binary"))
OTHER_NAMES = frozenset(("complex_float32", "complex_float64"))

PYTHON = ("zarr", "zarr-new", "zarrs")
"""Those that are zarr-python, whose filters are numcodecs'."""

FILTERS = frozenset(("Delta", "FixedScaleOffset", "Quantize", "AsType", "PackBits", "BitRound", "NumcodecsBitRound"))
ROUNDING = frozenset(("BitRound", "NumcodecsBitRound"))
OF_NUMCODECS = FILTERS | {"Zlib", "BZ2", "LZ4", "LZMA", "Shuffle"}
CORE = frozenset(("none", "BytesCodec", "TransposeCodec", "BloscCodec", "GzipCodec", "ZstdCodec", "Crc32cCodec"))
TEXTS = frozenset(("VLenUTF8Codec", "VLenBytesCodec"))

Claims = dict[tuple[str, int], frozenset[str]]

TYPES: Claims = {
    ("zarr", NEW): NUMBERS | TIMES | FIXED | VARYING - {"binary"},
    ("zarr", OLD): NUMBERS | TIMES | FIXED | VARYING | STRUCTS | OTHER_NAMES | {"r<bits>"},
    ("zarr-new", NEW): NUMBERS | TIMES | FIXED | STRUCTS | VARYING - {"binary"},
    ("zarr-new", OLD): NUMBERS | TIMES | FIXED | VARYING | STRUCTS | OTHER_NAMES | {"r<bits>"},
    ("zarrs", NEW): NUMBERS | TIMES | FIXED | STRUCTS | VARYING - {"binary"},
    ("zarrs", OLD): NUMBERS | TIMES | FIXED | VARYING | STRUCTS | OTHER_NAMES | {"r<bits>"},
    ("zarrista", NEW): NUMBERS | TIMES | VARYING | OTHER_NAMES,
    ("zarrista", OLD): NUMBERS | OTHER_NAMES | {"string"},
    ("tensorstore", NEW): NUMBERS | STRUCTS,
    ("tensorstore", OLD): NUMBERS | STRUCTS | OTHER_NAMES,
}
"""The data types that a library claims in each format."""

CODECS: Claims = {
    ("zarr", NEW): CORE | TEXTS | OF_NUMCODECS - ROUNDING,
    ("zarr", OLD): CORE | TEXTS | OF_NUMCODECS,
    ("zarr-new", NEW): CORE | TEXTS | OF_NUMCODECS - ROUNDING,
    ("zarr-new", OLD): CORE | TEXTS | OF_NUMCODECS,
    ("zarrs", NEW): CORE | TEXTS | OF_NUMCODECS - ROUNDING,
    ("zarrs", OLD): CORE | TEXTS | OF_NUMCODECS,
    ("zarrista", NEW): CORE | TEXTS | ROUNDING | {"Shuffle"},
    ("zarrista", OLD): frozenset(("none", "BloscCodec", "GzipCodec", "ZstdCodec", "Shuffle", "VLenUTF8Codec")),
    ("tensorstore", NEW): CORE,
    ("tensorstore", OLD): frozenset(("none", "BloscCodec", "GzipCodec", "ZstdCodec", "Zlib", "BZ2")),
}
"""The codecs that a library claims in each format, by their classes here."""


class Refusal(NamedTuple):
    """One thing that libraries do not do though they claim its parts.

    Attributes:
        libraries: which.
        do: "read", "write" or both.
        concerns: whether a combination has it.
        reason: why, in words.
    """

    libraries: tuple[str, ...]
    do: tuple[str, ...]
    concerns: Callable[[Combination], bool]
    reason: str


BOTH = ("read", "write")


def _turned(one: Combination) -> bool:
    return one.layout == "column-major chunks" or one.codec == "TransposeCodec"


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        PYTHON,
        BOTH,
        lambda one: one.codec in FILTERS and one.data_type not in INTEGERS | FLOATS and one.codec != "PackBits",
        "numcodecs' filters compute with integers and floats alone",
    ),
    Refusal(
        PYTHON,
        BOTH,
        lambda one: one.codec in ROUNDING and one.data_type not in FLOATS,
        "numcodecs rounds the bits of floats alone",
    ),
    Refusal(
        PYTHON,
        BOTH,
        lambda one: one.codec in ROUNDING and one.layout in ("big-endian chunks", "column-major chunks"),
        "numcodecs rounds native floats in the order of memory",
    ),
    Refusal(
        (*PYTHON, "zarrista"),
        BOTH,
        lambda one: one.codec == "Shuffle" and one.data_type in VARYING,
        "their shuffle takes whole elements alone, and texts end anywhere",
    ),
    Refusal(
        ("zarr",),
        BOTH,
        lambda one: one.zarr_format == NEW and one.data_type == "raw_bytes" and "shards" in one.layout,
        "its shards look up the fill value as a key, and that of raw bytes is none",
    ),
    Refusal(
        ("zarr",),
        BOTH,
        lambda one: one.zarr_format == NEW and one.codec in FILTERS and one.layout == "big-endian chunks",
        "its filters take the cells of big-endian chunks for native ones",
    ),
    Refusal(
        ("zarr",),
        BOTH,
        lambda one: one.zarr_format == NEW and one.codec == "AsType" and one.data_type in {"int8", "uint8"},
        "its astype refuses types of one byte, which have no order",
    ),
    Refusal(
        ("zarr",),
        ("write",),
        lambda one: _turned(one) and one.zarr_format == NEW and (one.codec in FILTERS or one.data_type in VARYING),
        "it writes the cells behind a transpose in the order of memory",
    ),
    Refusal(
        ("zarrs",),
        BOTH,
        lambda one: one.zarr_format == OLD and one.layout in ("big-endian chunks", "column-major chunks"),
        "it takes native cells in C order alone",
    ),
    Refusal(
        ("zarrs",),
        BOTH,
        lambda one: one.layout == "big-endian chunks" and one.data_type.startswith("complex"),
        "it turns the bytes of a complex cell as a whole",
    ),
    Refusal(
        ("zarrs", "zarrista"),
        BOTH,
        lambda one: one.codec == "FixedScaleOffset" and one.data_type in INTEGERS | {"float16"},
        "it computes with floats that do not hold every integer, and knows no halves here",
    ),
    Refusal(
        ("zarrista",),
        ("write",),
        lambda one: one.data_type not in INTEGERS | FLOATS | {"bool"},
        "it takes cells by DLPack, which has no word for these",
    ),
)
"""What is refused or done otherwise though type and codec are claimed."""


def refusal(library: str, one: Combination, do: str) -> str | None:
    """Why a library does not do something, or `None` where it should."""
    key = library, one.zarr_format
    if one.data_type not in TYPES[key]:
        return f"{library} does not claim the data type {one.data_type} in format {one.zarr_format}"
    if one.codec not in CODECS[key]:
        return f"{library} does not claim {one.codec} in format {one.zarr_format}"
    for entry in REFUSALS:
        if library in entry.libraries and do in entry.do and entry.concerns(one):
            return entry.reason
    return None
