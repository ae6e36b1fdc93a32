"""`zarr.core.chunk_grids` and `zarr.core.chunk_key_encodings`: where chunks lie, and how they are called."""

from __future__ import annotations

from typing import Any

from zarrite.model.grids import Grid as ChunkGrid, RegularGrid as RegularChunkGrid
from zarrite.model.keys import ChunkKeys as ChunkKeyEncoding

__all__ = [
    "ChunkGrid",
    "ChunkKeyEncoding",
    "ChunkKeyEncodingLike",
    "DefaultChunkKeyEncoding",
    "RegularChunkGrid",
    "V2ChunkKeyEncoding",
]

ChunkKeyEncodingLike = Any


class _Kind(type):
    word: str

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, ChunkKeyEncoding) and instance.name == cls.word


class DefaultChunkKeyEncoding(metaclass=_Kind):
    """Keys such as `c/0/1`."""

    word = "default"

    def __new__(cls, separator: str = "/") -> ChunkKeyEncoding:  # type: ignore[misc]
        return ChunkKeyEncoding(cls.word, separator)


class V2ChunkKeyEncoding(metaclass=_Kind):
    """Keys such as `0.1`."""

    word = "v2"

    def __new__(cls, separator: str = ".") -> ChunkKeyEncoding:  # type: ignore[misc]
        return ChunkKeyEncoding(cls.word, separator)
