"""What a user asks of a new array, settled step by step; what each format adds stands in `formats`."""

from __future__ import annotations

import math
from typing import Any

from ..errors import MetadataValidationError
from .chain import codec_from_user, codecs_from_user
from .checks import integer, integers, refuse
from .codecs import ARRAY, BYTES, SERIALIZER, BytesCodec, Codec, VLenBytesCodec, VLenUTF8Codec
from .compressors import ZstdCodec
from .dtypes import DType
from .grids import Grid, RegularGrid, auto_chunks, auto_shards, check_chunk, settle_chunks
from .irregular import grid_from_user, is_listed
from .nullable import OptionalCodec, ZarrsOptionalCodec, base_of
from .sharding import ShardingCodec

AUTO = "auto"


def is_auto(value: object) -> bool:
    """Whether the choice is left to us."""
    return isinstance(value, str) and value == AUTO


def settle_shape(shape: object) -> tuple[int, ...]:
    """The shape as a tuple; one integer is one axis."""
    if hasattr(shape, "__index__") and not hasattr(shape, "__len__"):
        return (integer(shape, "shape"),)
    if hasattr(shape, "tolist"):
        shape = shape.tolist()
    return integers(shape, "shape")


def settle_grid(
    chunks: Any, shards: Any, shape: tuple[int, ...], data_type: DType
) -> tuple[Grid, tuple[int, ...] | None, str]:
    """Grid of the stored objects, shape of the chunks inside them or None, and where a shard keeps its index.

    Raises:
        MetadataValidationError: shapes that do not fit the array or each other.
    """
    location = "end"
    if isinstance(shards, dict):
        location = shards.get("index_location", "end")
        shards = shards.get("shape", AUTO)
    ndim = len(shape)
    width = data_type.cell_bytes
    if isinstance(chunks, RegularGrid):
        chunks = chunks.chunk_shape
    if is_listed(chunks):
        if shards is not None and shards is not False:
            raise MetadataValidationError(
                "chunks inside shards have one shape; list the lengths of shards, and give chunks as integers"
            )
        listed = grid_from_user(chunks, shape, "chunks")
        check_chunk(listed.largest, ndim, width, "the largest chunk")
        return listed, None, location
    if is_listed(shards):
        listed = grid_from_user(shards, shape, "shards")
        check_chunk(listed.largest, ndim, width, "the largest shard")
        common = tuple(math.gcd(*edges.stored_lengths()) for edges in listed.axes)
        inner = dividing_chunks(common, width) if is_auto(chunks) else settle_chunks(chunks, shape)
        check_chunk(inner, ndim, width, "chunks")
        return listed, inner, location
    if is_auto(chunks):
        fixed = settle_chunks(shards, shape, "shards") if shards is not None and not is_auto(shards) else None
        chunk = auto_chunks(shape, width) if fixed is None else dividing_chunks(fixed, width)
    else:
        chunk = settle_chunks(chunks, shape)
    check_chunk(chunk, ndim, width, "chunks")
    if shards is None or shards is False:
        return RegularGrid(chunk), None, location
    shard = auto_shards(shape, chunk, width) if is_auto(shards) else settle_chunks(shards, shape, "shards")
    check_chunk(shard, ndim, width, "shards")
    return RegularGrid(shard), chunk, location


def dividing_chunks(shard: tuple[int, ...], cell_bytes: int) -> tuple[int, ...]:
    """Automatic chunks that fill a given shard."""
    wanted = auto_chunks(shard, cell_bytes)
    return tuple(_divisor(edge, near) for edge, near in zip(shard, wanted, strict=True))


def _divisor(edge: int, near: int) -> int:
    """The largest divisor of an edge that is not above what is wanted; the whole edge where only slivers divide it."""
    for count in range(-(-edge // near), min(edge, 8 * -(-edge // near)) + 1):
        if edge % count == 0:
            return edge // count
    return edge


def default_serializer(data_type: DType) -> Codec:
    """How cells of a type become bytes when nobody says."""
    if data_type.optional_depth:
        codec = ZarrsOptionalCodec if data_type.name == ZarrsOptionalCodec.name else OptionalCodec
        return codec((BytesCodec(),), (default_serializer(base_of(data_type)),))
    if data_type.vlen == "string":
        return VLenUTF8Codec()
    return VLenBytesCodec() if data_type.vlen == "bytes" else BytesCodec()


def settle_filters(filters: Any) -> tuple[Codec, ...]:
    """The codecs from cells to cells."""
    found = () if is_auto(filters) else codecs_from_user(filters)
    return expect(found, ARRAY, "filters", "cells to cells")


def settle_serializer(serializer: Any, data_type: DType) -> Codec:
    """The codec from cells to bytes."""
    if is_auto(serializer) or serializer is None:
        return default_serializer(data_type)
    return expect((codec_from_user(serializer),), SERIALIZER, "serializer", "cells to bytes")[0]


def settle_compressors(compressors: Any, serializer: Codec | None = None) -> tuple[Codec, ...]:
    """The codecs from bytes to bytes; none by default around a shard, which would have to be read whole."""
    if is_auto(compressors) and isinstance(serializer, ShardingCodec):
        return ()
    found = (ZstdCodec(),) if is_auto(compressors) else codecs_from_user(compressors)
    return expect(found, BYTES, "compressors", "bytes to bytes")


def expect(codecs: tuple[Codec, ...], kind: str, what: str, words: str) -> tuple[Codec, ...]:
    """The codecs, all of which must be of one kind."""
    for codec in codecs:
        if codec.kind != kind:
            raise MetadataValidationError(f"{what} must hold codecs from {words}, and {codec.name!r} is none")
    return codecs


def sharded(inner: tuple[int, ...] | None, location: str, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """The chain of the stored object."""
    return codecs if inner is None else (ShardingCodec(inner, codecs, index_location=location),)


def settle_names(names: Any, ndim: int) -> tuple[str | None, ...] | None:
    """A name or None for each axis."""
    if names is None:
        return None
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        refuse("dimension_names", "a list with a string or null for each axis", names)
    found = tuple(names)
    for name in found:
        if name is not None and not isinstance(name, str):
            refuse("each entry of dimension_names", "a string or null", name)
    if len(found) != ndim:
        raise MetadataValidationError(f"dimension_names has {len(found)} entries for {ndim} axes; give one for each")
    return found


def settle_attributes(attributes: Any) -> dict[str, Any]:
    """A copy of the user's attributes."""
    if attributes is None:
        return {}
    try:
        found = dict(attributes)
    except (TypeError, ValueError):
        refuse("attributes", "a mapping", attributes)
    return found
