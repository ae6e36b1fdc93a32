"""Indexes of shards: where they say that chunks lie, and whether that can be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zarrite import Array
from zarrite.check.findings import ERROR, NOTE, WARNING, Finding
from zarrite.check.walk import Hierarchy, Node
from zarrite.config import ArrayConfig
from zarrite.errors import ZarriteError
from zarrite.model.codecs import Cells, Codec
from zarrite.model.dtype_names import PLAIN
from zarrite.model.grids import RegularGrid
from zarrite.model.keys import ChunkKeys
from zarrite.model.node import ArrayModel
from zarrite.model.sharding import ShardingCodec
from zarrite.storage import MemoryStore

__all__ = ["IndexCodec", "check_shards", "index_codec"]

ABSENT = np.uint64(2**64 - 1)
"""What both words of a chunk say that is not there."""
MOST_CHUNKS = 1 << 22
"""With more chunks in a shard than this, its index is left to the reading of chunks."""
CHECKSUM_BYTES = 4


class IndexCodec(NamedTuple):
    """How the index of an array's shards is written.

    Attributes:
        counts: chunks along each axis of a shard.
        codecs: the chain of the index.
        length: what the index takes, in bytes.
        at_start: whether it lies in front of the chunks.
    """

    counts: tuple[int, ...]
    codecs: tuple[Codec, ...]
    length: int
    at_start: bool

    def decode(self, raw: bytes) -> NDArray[np.uint64]:
        """The words of an index, one row a chunk.

        Raises:
            ChunkDecodeError: the bytes are no index, or their checksum is wrong.
        """
        array, store = _index_array(self.counts, self.codecs)
        store.put("c/0" + "/0" * len(self.counts), raw).result()
        return np.asarray(array[...]).reshape(-1, 2)

    def encode(self, words: NDArray[np.uint64]) -> bytes:
        """The bytes of an index."""
        return _encoded(self.counts, self.codecs, words.reshape(*self.counts, 2))


def _index_array(counts: tuple[int, ...], codecs: tuple[Codec, ...]) -> tuple[Array, Any]:
    """An array of one chunk whose cells are an index, so that the engine decodes it as it does any chunk."""
    shape = (*counts, 2)
    store = MemoryStore()
    model = ArrayModel(3, shape, PLAIN["uint64"], RegularGrid(shape), ChunkKeys(), codecs, np.uint64(0), {})
    return Array(store, "", model, ArrayConfig(write_empty_chunks=True)), store


def _encoded(counts: tuple[int, ...], codecs: tuple[Codec, ...], words: NDArray[np.uint64]) -> bytes:
    array, store = _index_array(counts, codecs)
    array[...] = words
    return bytes(store.get("c/0" + "/0" * len(counts)).result() or b"")


def index_codec(model: ArrayModel) -> IndexCodec | None:
    """How the shards of an array are indexed, or `None` where it has none whose index lies open.

    Compression behind the shards hides their indexes, and shards inside shards have theirs inside chunks.
    """
    edges = getattr(model.grid, "chunk_shape", None)
    if not isinstance(edges, tuple) or not isinstance(model.codecs[-1], ShardingCodec):
        return None
    cells = Cells(model.dtype, model.data_type.vlen, edges)
    for codec in model.codecs[:-1]:
        cells = codec.after(cells)
    sharding = model.codecs[-1]
    counts = tuple(-(-outer // inner) for outer, inner in zip(cells.shape, sharding.chunk_shape, strict=True))
    if math.prod(counts) > MOST_CHUNKS:
        return None
    codecs = tuple(sharding.index_codecs)
    length = len(_encoded(counts, codecs, np.zeros((*counts, 2), np.uint64)))
    return IndexCodec(counts, codecs, length, sharding.index_location == "start")


def check_shards(hierarchy: Hierarchy) -> Iterator[Finding]:
    """Every index of every shard that lies open."""
    for node, model in hierarchy.arrays():
        codec = index_codec(model) if node.chunks else None
        if codec is not None:
            for key in node.chunks:
                yield from _shard(hierarchy.store, node, key, codec)


def read_index(store: Any, key: str, codec: IndexCodec) -> tuple[bytes, int]:
    """The bytes of a shard's index (fewer than it takes when the shard is cut) and the length of the shard."""
    size = int(store.size(key).result() or 0)
    start = 0 if codec.at_start else max(0, size - codec.length)
    return bytes(store.get(key, start, min(size, start + codec.length)).result() or b""), size


def _shard(store: Any, node: Node, key: str, codec: IndexCodec) -> Iterator[Finding]:
    raw, size = read_index(store, key, codec)
    if len(raw) < codec.length:
        yield node.found(
            ERROR,
            key,
            "shard-cut",
            f"the shard has {size} bytes, and its index alone takes {codec.length}",
            "restore the object, or delete it: its chunks then read as the fill value",
        )
        return
    try:
        words = codec.decode(raw)
    except ZarriteError as error:
        yield node.found(ERROR, key, *_unreadable(raw, size, codec, error))
        return
    yield from _entries(node, key, words, size, codec)


WRONG_CHECKSUM = (
    "the checksum of the shard's index is wrong, though every entry lies inside the object: zarrs before 0.11.5 wrote "
    "wrong checksums, and writers at work on one shard at once leave such ones, too"
)


def _unreadable(raw: bytes, size: int, codec: IndexCodec, error: ZarriteError) -> tuple[str, str, str]:
    """What to say of an index that cannot be decoded: whether only its checksum is wrong."""
    if codec.codecs[-1].name == "crc32c" and len(codec.codecs) > 1:
        bare = codec._replace(codecs=codec.codecs[:-1])
        try:
            words = bare.decode(raw[:-CHECKSUM_BYTES])
        except ZarriteError:
            words = None
        if words is not None and not _outside(words, size).any():
            return (
                "index-checksum",
                WRONG_CHECKSUM,
                "compare the cells with their source before they are trusted; write the shard anew",
            )
    return "index-damaged", f"the index of the shard cannot be read: {error}", "restore the object from a copy"


def _outside(words: NDArray[np.uint64], size: int) -> NDArray[np.bool_]:
    offsets, lengths = words[:, 0], words[:, 1]
    present = lengths != ABSENT
    # Compared without a sum, which could wrap.
    outside: NDArray[np.bool_] = present & (
        (offsets > size) | (lengths > np.uint64(size) - np.minimum(offsets, np.uint64(size)))
    )
    return outside


def _entries(node: Node, key: str, words: NDArray[np.uint64], size: int, codec: IndexCodec) -> Iterator[Finding]:
    offsets, lengths = words[:, 0], words[:, 1]
    present = lengths != ABSENT
    outside = _outside(words, size)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        yield node.found(
            ERROR,
            key,
            "index-outside",
            f"{int(outside.sum())} of {len(words)} chunks lie outside the shard of {size} bytes by its index; the "
            f"first is chunk {first} at {int(offsets[first])} with {int(lengths[first])} bytes",
            "restore the object, or write these chunks anew",
        )
    odd = ~present & (offsets != ABSENT)
    if odd.any():
        yield node.found(
            WARNING,
            key,
            "index-marker",
            f"{int(odd.sum())} absent chunks are marked by their length alone: zarrita and zarr-python before 3.0 "
            "wrote offsets beside it, and some readers take them for chunks",
            "write the marker of the specification",
            repairable=True,
        )
    inside = present & ~outside & (lengths > 0)
    begin = 0 if codec.at_start else size - codec.length
    over = inside & (offsets < np.uint64(begin + codec.length)) & (offsets + lengths > np.uint64(begin))
    if over.any():
        yield node.found(
            ERROR,
            key,
            "index-overlap",
            f"{int(over.sum())} chunks lie over the index of the shard",
            "restore the object, or write these chunks anew",
        )
    yield from _overlaps(node, key, words[inside & ~over])
    used = int(np.unique(words[inside], axis=0)[:, 1].sum()) + codec.length
    if used < size and not over.any():
        yield node.found(
            NOTE,
            key,
            "shard-gaps",
            f"{size - used} of {size} bytes of the shard belong to no chunk",
            "write the shard anew to save them",
        )


def _overlaps(node: Node, key: str, words: NDArray[np.uint64]) -> Iterator[Finding]:
    if len(words) < 2:
        return
    distinct, counts = np.unique(words, axis=0, return_counts=True)
    shared = int((counts > 1).sum())
    if shared:
        yield node.found(
            NOTE,
            key,
            "chunks-shared",
            f"{shared} ranges of the shard are each of several chunks, which readers may take for damage",
            "nothing needs to be done: the specification does not forbid it",
        )
    ends = distinct[:, 0] + distinct[:, 1]
    crossing = int((distinct[1:, 0] < np.maximum.accumulate(ends)[:-1]).sum())
    if crossing:
        yield node.found(
            ERROR,
            key,
            "chunks-overlap",
            f"{crossing} chunks of the shard lie over others in part: a writer at work beside another one leaves such",
            "write the shard anew from its source",
        )
