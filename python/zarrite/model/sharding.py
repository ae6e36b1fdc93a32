"""Shards: many chunks in one object. Source: Zarr v3, "sharding_indexed"; format reference 1.9."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, choice, integer, integers
from .checksums import Crc32cCodec
from .codecs import SERIALIZER, BytesCodec, Cells, Codec, Lowering, lower_chain, settle_chain

WRITE_ORDERS = ("lexicographic", "morton", "unordered", "colexicographic")

INDEX = np.dtype(np.uint64)
"""What the index is made of: an offset and a length for each chunk."""


READ: dict[str, Callable[[dict[str, Any]], ShardingCodec]] = {}
"""What makes the codec of a configuration. The module that knows all codecs, which the chains in it need, adds it."""


class ShardingCodec(Codec):
    """Many chunks in one object, with an index that says where each one lies.

    Args:
        chunk_shape: cells of an inner chunk along each axis; a number where there is one axis. Where it does not divide
            the shard, the last chunks are clipped to it, as drafted for version 1.1.
        codecs: chain of an inner chunk.
        index_codecs: chain of the index; every codec of it must give a length that is known beforehand.
        index_location: "end" or "start" of the object; or "configuration", as drafted: all shards have the same index,
            which is here, and are only read.
        predefined_index: that index: offset and length for each chunk, in C order, or the stored index in base64.
        subchunk_write_order: taken for zarr-python's sake: chunks always stand in a shard in C order.
    """

    __slots__ = ("chunk_shape", "codecs", "index_codecs", "index_location", "predefined_index")
    name = "sharding_indexed"
    kind = SERIALIZER
    chunk_shape: tuple[int, ...]
    codecs: tuple[Codec, ...]
    index_codecs: tuple[Codec, ...]
    index_location: str
    predefined_index: tuple[int, ...] | str | None

    def __init__(
        self,
        chunk_shape: Sequence[int] | int,
        codecs: Sequence[Any] | None = None,
        index_codecs: Sequence[Any] | None = None,
        index_location: str = "end",
        predefined_index: Any = None,
        subchunk_write_order: str = "lexicographic",
    ) -> None:
        choice(subchunk_write_order, "subchunk_write_order of codec 'sharding_indexed'", WRITE_ORDERS)
        lengths = list(chunk_shape) if isinstance(chunk_shape, Iterable) else [chunk_shape]
        self.chunk_shape = integers(lengths, "chunk_shape of codec 'sharding_indexed'", low=1)
        self.codecs = (BytesCodec(),) if codecs is None else tuple(codecs)
        self.index_codecs = (BytesCodec(), Crc32cCodec()) if index_codecs is None else tuple(index_codecs)
        self.predefined_index = _index(predefined_index)
        for codec in (*self.codecs, *self.index_codecs):
            if not isinstance(codec, Codec):
                raise MetadataValidationError(
                    f"codecs of 'sharding_indexed' must be codec objects, not {brief(codec)}; zarrite.codecs has them"
                )
        for codec in self.index_codecs:
            if not codec.is_fixed:
                raise MetadataValidationError(
                    f"index_codecs of 'sharding_indexed' must produce a fixed-size encoding, and {codec.name!r} does "
                    "not; leave it out"
                )
        self.index_location = choice(
            index_location, "index_location of codec 'sharding_indexed'", ("end", "start", "configuration")
        )
        if (self.predefined_index is None) is (self.index_location == "configuration"):
            raise MetadataValidationError(
                "codec 'sharding_indexed' has a predefined_index exactly where index_location is 'configuration'"
            )

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> ShardingCodec:
        return READ["sharding"](configuration)

    @property
    def subchunk_write_order(self) -> str:
        """The order that chunks stand in, in a shard."""
        return WRITE_ORDERS[0]

    def configuration(self) -> dict[str, Any]:
        found = {
            "chunk_shape": list(self.chunk_shape),
            "codecs": [codec.to_json() for codec in self.codecs],
            "index_codecs": [codec.to_json() for codec in self.index_codecs],
            "index_location": self.index_location,
        }
        given = self.predefined_index
        if given is not None:
            pairs = (
                given if isinstance(given, str) else [list(pair) for pair in zip(given[::2], given[1::2], strict=True)]
            )
            found["predefined_index"] = pairs
        return found

    def clips(self, shape: Sequence[int]) -> bool:
        """Whether chunks are clipped at the end of a shard of that shape."""
        return any(outside % inside for outside, inside in zip(shape, self.chunk_shape, strict=True))

    def settle(self, cells: Cells) -> Codec:
        inner, shape = self.chunk_shape, cells.shape
        if len(inner) != len(shape):
            raise MetadataValidationError(
                f"chunk_shape of codec 'sharding_indexed' has {len(inner)} entries for {len(shape)} axes; give one "
                "for each"
            )
        counts = (*(-(-outside // inside) for outside, inside in zip(shape, inner, strict=True)), 2)
        codecs = settle_chain(self.codecs, cells._replace(shape=inner), "codecs of 'sharding_indexed'")
        if self.clips(shape):
            # The last chunks are stored as long as they lie inside the shard.
            last = tuple(outside % inside or inside for outside, inside in zip(shape, inner, strict=True))
            codecs = settle_chain(codecs, cells._replace(shape=last), "codecs of 'sharding_indexed'")
        index: tuple[Codec, ...] = ()
        if isinstance(self.predefined_index, tuple):
            if self.index_codecs or len(self.predefined_index) != math.prod(counts):
                raise MetadataValidationError(
                    f"predefined_index of codec 'sharding_indexed' must have {math.prod(counts) // 2} pairs of "
                    "numbers, and no index_codecs"
                )
        else:
            index = settle_chain(self.index_codecs, Cells(INDEX, None, counts), "index_codecs of 'sharding_indexed'")
        if codecs == self.codecs and index == self.index_codecs:
            return self
        return ShardingCodec(inner, codecs, index, self.index_location, self.configuration().get("predefined_index"))

    def lower(self, chain: Lowering) -> None:
        inner = Lowering(chain.numpy, chain.vlen, chain.handles, chain.data_type)
        index = Lowering(INDEX, None, chain.handles)
        lower_chain(self.codecs, inner)
        lower_chain(self.index_codecs, index)
        step = {
            "name": self.name,
            "chunk_shape": list(self.chunk_shape),
            "codecs": inner.steps,
            "index_codecs": index.steps,
            "index_location": self.index_location,
        }
        if self.predefined_index is not None:
            given = self.predefined_index
            step["index"] = base64.b64decode(given).hex() if isinstance(given, str) else given
        chain.steps.append(step)


def _index(value: Any) -> tuple[int, ...] | str | None:
    """A predefined index as its numbers in a row, or as the text it is."""
    what = "predefined_index of codec 'sharding_indexed'"
    if value is None:
        return None
    if isinstance(value, str):
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            raise MetadataValidationError(f"{what} must be a list of pairs or base64, not {brief(value)}") from None
        return value
    if not isinstance(value, (list, tuple)):
        raise MetadataValidationError(f"{what} must be a list of pairs or base64, not {brief(value)}")
    numbers: list[int] = []
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise MetadataValidationError(f"each entry of {what} must be an offset and a length, not {brief(pair)}")
        numbers.extend(integer(number, f"each number of {what}", high=2**64 - 1) for number in pair)
    return tuple(numbers)
