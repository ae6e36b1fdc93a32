"""Keywords of zarr-python 2: those that still mean something, those that do by themselves, and those that do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite.model.node import ArrayModel

__all__ = ["IGNORED", "key_encoding", "settings_of"]

IGNORED = frozenset(
    {"synchronizer", "chunk_store", "cache_metadata", "cache_attrs", "object_codec", "meta_array", "read_only"}
)
"""What programs still pass. What it asked for happens by itself, or is said in another way."""

INSTEAD = {
    "codecs": "say filters=, serializer= and compressors=, which together are the chain",
    "chunk_shape": "say chunks=",
    "mode": "say overwrite=True to replace what is there",
    "path": "say name=",
    "zarr_version": "say zarr_format=",
}
"""What is written instead of keywords that other functions have, or had."""


def key_encoding(separator: str, zarr_format: int) -> Any:
    """The chunk key encoding that a dimension separator stands for, in a format."""
    default = ArrayModel.create(shape=(1,), dtype="uint8", zarr_format=zarr_format).keys
    return {"name": default.name, "separator": separator}


def settings_of(older: Mapping[str, Any], zarr_format: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that older keywords stand for.

    Args:
        older: the keywords and their values.
        zarr_format: the format of the new array.
        known: the settings that were given by today's names.

    Raises:
        TypeError: a keyword that means nothing; the sentence says what to write instead, where there is something.
        ValueError: two keywords for one thing.
    """
    found: dict[str, Any] = {}
    for name, value in older.items():
        if name in IGNORED or (value is None and name == "dimension_separator"):
            continue
        if name == "dimension_separator":
            given = known.get("chunk_key_encoding")
            if given is not None:
                raise ValueError("dimension_separator and chunk_key_encoding say one thing; leave the first out")
            found["chunk_key_encoding"] = key_encoding(value, zarr_format)
        elif name == "compressor":
            given = known.get("compressors", "auto")
            if not (isinstance(given, str) and given == "auto"):
                raise ValueError("compressor and compressors say one thing; leave the first out")
            found["compressors"] = value
        elif name == "write_empty_chunks":
            if value is not None:
                found["config"] = {**dict(known.get("config") or {}), "write_empty_chunks": value}
        else:
            instead = INSTEAD.get(name)
            raise TypeError(
                f"create_array() got an unexpected keyword argument {name!r}"
                + (f"; {instead}" if instead else "; its keywords are shape, dtype, data, chunks, shards and so on")
            )
    return found
