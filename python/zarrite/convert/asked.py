"""What the user asked for, as text or as Python values: sizes, shapes, codecs, names."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zarrite import codecs as zarrite_codecs
from zarrite.convert.source import ConversionError, SourceArray

__all__ = ["ShapeAsked", "auto_codecs", "is_chosen", "parse_bytes", "parse_codecs", "parse_shape", "show_bytes"]

ShapeAsked = str | Sequence[int] | Mapping[str, Any] | None
"""How a shape may be asked for: see `convert`."""

UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "t": 10**12} | {
    f"{letter}i{end}": 1 << (10 * power) for power, letter in enumerate("kmgt", 1) for end in ("", "b")
}


def parse_bytes(text: str | int) -> int:
    """A number of bytes from "512MiB", "2 GB" or a plain number.

    Raises:
        ConversionError: no such unit, or nothing above zero.
    Example:
        >>> parse_bytes("512MiB"), parse_bytes("1.5k"), parse_bytes(77)
        (536870912, 1500, 77)
    """
    if isinstance(text, int):
        number, unit = float(text), ""
    else:
        match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z]*)\s*", text)
        if match is None or match[2].lower() not in UNITS:
            raise ConversionError(f"{text!r} is no number of bytes; write 512MiB, 2GB or a plain number")
        number, unit = float(match[1]), match[2].lower()
    count = int(number * UNITS[unit])
    if count <= 0:
        raise ConversionError(f"{text!r} is no number of bytes above zero")
    return count


def show_bytes(count: float) -> str:
    """A number of bytes for people.

    Example:
        >>> show_bytes(1536), show_bytes(7)
        ('1.5 KiB', '7 B')
    """
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if count < 1024 or unit == "PiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def parse_shape(asked: ShapeAsked) -> str | int | tuple[int, ...] | dict[str, Any] | None:
    """A shape as it was asked for, made plain.

    Returns:
        "auto", "source" or "none"; a number of bytes; lengths; or lengths by the name of a dimension.
    Raises:
        ConversionError: none of these.
    Example:
        >>> parse_shape("10,180,all"), parse_shape("time=10, lat=all"), parse_shape("4MiB")
        ((10, 180, -1), {'time': 10, 'lat': -1}, 4194304)
    """
    if asked is None:
        return "none"
    if isinstance(asked, Mapping):
        return {str(name): _length(length) for name, length in asked.items()}
    if not isinstance(asked, str):
        return tuple(_length(length) for length in asked)
    text = asked.strip()
    if text in {"auto", "source", "none"}:
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if parts and all("=" in part for part in parts):
        return {name.strip(): _length(length) for name, _, length in (part.partition("=") for part in parts)}
    if len(parts) == 1 and re.search("[a-zA-Z]", text) and text not in {"all", "full"}:
        return parse_bytes(text)
    if parts:
        return tuple(_length(part) for part in parts)
    raise ConversionError(f"{asked!r} is no shape; write auto, 4MiB, 10,180,360 or time=10,lat=all")


def _length(value: Any) -> int:
    if isinstance(value, str) and value.strip() in {"all", "full"}:
        return -1
    try:
        length = int(value)
    except (TypeError, ValueError) as error:
        raise ConversionError(f"{value!r} is no length in cells; write a number above zero, or all") from error
    if length < 1 and length != -1:
        raise ConversionError(f"{value!r} is no length in cells; write a number above zero, or all")
    return length


def parse_codecs(asked: str | Sequence[Any] | None) -> Any:
    """Compressors from "zstd:5", "blosc:zstd:5:shuffle", "gzip:5,crc32c" or "none"; Python codecs pass through.

    Raises:
        ConversionError: no such codec; the sentence lists the ones there are.
    """
    if asked is None:
        return None
    if not isinstance(asked, str):
        return list(asked)
    text = asked.strip()
    if text == "auto":
        return "auto"
    if text in {"none", ""}:
        return None
    return [_codec(part.strip()) for part in text.split(",") if part.strip()]


def _codec(text: str) -> Any:
    name, *rest = text.split(":")
    try:
        if name == "zstd":
            return zarrite_codecs.ZstdCodec(level=_number(rest, 0, 3))
        if name == "gzip":
            return zarrite_codecs.GzipCodec(level=_number(rest, 0, 5))
        if name == "crc32c":
            return zarrite_codecs.Crc32cCodec()
        if name == "blosc":
            kinds: dict[str, Any] = {"cname": rest[0] if rest else "zstd", "clevel": _number(rest, 1, 5)}
            if len(rest) > 2:
                kinds["shuffle"] = rest[2]
            return zarrite_codecs.BloscCodec(**kinds)
    except (TypeError, ValueError) as error:
        raise ConversionError(f"codec {text!r}: {error}") from error
    raise ConversionError(
        f"no codec is called {name!r} here; known: zstd:5, gzip:5, blosc:zstd:5:shuffle, crc32c, none"
    )


def auto_codecs(array: SourceArray) -> Any:
    """The compressors that are used when none were asked for.

    Numbers of several bytes are stored byte by byte before they are compressed, which halves what slowly varying ones
    take; at that, level 1 is as small as higher ones and several times faster. Text, bytes and records take the
    library's own default.
    """
    if isinstance(array.dtype, str) or array.dtype.kind not in "iufcmM" or array.dtype.itemsize == 1:
        return "auto"
    return [zarrite_codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle", typesize=array.dtype.itemsize)]


def _number(parts: Sequence[str], position: int, default: int) -> int:
    return int(parts[position]) if len(parts) > position else default


def is_chosen(path: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Whether a node is to be converted.

    A pattern is a glob over the whole path; one that matches a group takes everything in it.

    Example:
        >>> is_chosen("ocean/temp", ["ocean"], []), is_chosen("ocean/temp", [], ["*/temp"]), is_chosen("a", ["b*"], [])
        (True, False, False)
    """
    wanted = [pattern.strip("/") for pattern in include]
    unwanted = [pattern.strip("/") for pattern in exclude]
    parts = path.split("/")
    ways = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]

    def matches(patterns: list[str]) -> bool:
        return any(fnmatch.fnmatchcase(way, pattern) for way in ways for pattern in patterns)

    return (not wanted or matches(wanted)) and not matches(unwanted)
