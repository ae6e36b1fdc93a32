"""`zarr.core.common` and `zarr.storage._utils`: words for type annotations, and small functions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from zarrite.stores import join, normalize_path

__all__ = [
    "ANY_ACCESS_MODE",
    "JSON",
    "AccessModeLiteral",
    "BytesLike",
    "ChunkCoords",
    "DimensionNames",
    "MemoryOrder",
    "NodeType",
    "ShapeLike",
    "ZarrFormat",
    "ceildiv",
    "normalize_path",
    "parse_named_configuration",
    "parse_shapelike",
    "product",
]

JSON = Any
ZarrFormat = Literal[2, 3]
NodeType = Literal["array", "group"]
MemoryOrder = Literal["C", "F"]
AccessModeLiteral = Literal["r", "r+", "a", "w", "w-"]
ANY_ACCESS_MODE: tuple[str, ...] = ("r", "r+", "a", "w", "w-")
BytesLike = bytes | bytearray | memoryview
ShapeLike = int | Iterable[int]
ChunkCoords = tuple[int, ...]
ChunksLike = Any
DimensionNames = Iterable[str | None] | None
DimensionNamesLike = DimensionNames


def product(numbers: Iterable[int]) -> int:
    """All numbers multiplied."""
    return functools.reduce(operator.mul, numbers, 1)


def ceildiv(a: float, b: float) -> int:
    """How many times `b` is needed to reach `a`."""
    return 0 if a == 0 else int(-(-a // b))


ceildiv_int = ceildiv


def parse_shapelike(data: int | Iterable[int]) -> tuple[int, ...]:
    """Lengths as a tuple.

    Raises:
        TypeError, ValueError: they are no lengths.
    """
    if isinstance(data, int):
        data = (data,)
    try:
        found = tuple(data)
    except TypeError:
        raise TypeError(f"Expected an integer or an iterable of integers. Got {data} instead.") from None
    if not all(isinstance(length, int) for length in found):
        raise TypeError(f"Expected an iterable of integers. Got {data} instead.")
    if any(length < 0 for length in found):
        raise ValueError(f"Expected all values to be non-negative. Got {data} instead.")
    return found


def parse_named_configuration(
    data: Any, expected_name: str | None = None, *, require_configuration: bool = True
) -> tuple[str, Mapping[str, Any] | None]:
    """The name and the configuration of a metadata document's part.

    Raises:
        TypeError, ValueError: it is no such part, or has another name.
    """
    if isinstance(data, str):
        data = {"name": data}
    if not isinstance(data, Mapping):
        raise TypeError(f"Expected dict, got {type(data)}")
    if "name" not in data:
        raise ValueError(f"Named configuration does not have a 'name' key. Got {data}.")
    name, configuration = data["name"], data.get("configuration")
    if expected_name is not None and name != expected_name:
        raise ValueError(f"Expected '{expected_name}'. Got {name} instead.")
    if configuration is None and require_configuration:
        raise ValueError(f"Named configuration does not have a 'configuration' key. Got {data}.")
    return name, configuration


def _join_paths(paths: Sequence[str]) -> str:
    return functools.reduce(join, paths, "")


def _normalize_byte_range_index(data: Any, byte_range: Any) -> tuple[int, int]:
    from zarrite.as_zarr.native import ends

    start, stop = ends(byte_range)
    length = len(data)
    if start is not None and start < 0:
        start = max(0, length + start)
    return start or 0, length + 1 if stop is None else stop
