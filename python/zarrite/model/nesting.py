"""Codecs that hold others, shards aside: conditional ones, and cells of varying length as zarrs splits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import MetadataValidationError
from .checks import brief, choice, integer, only
from .codecs import BYTE, BYTES, SERIALIZER, BytesCodec, Cells, Codec, Lowering, lower_chain, settle_chain


def _codecs(owner: str, member: str, codecs: object) -> tuple[Codec, ...]:
    if not isinstance(codecs, (list, tuple)) or not all(isinstance(codec, Codec) for codec in codecs):
        raise MetadataValidationError(
            f"{member} of codec {owner!r} must be a list of codec objects, not {brief(codecs)}; zarrite.codecs has them"
        )
    return tuple(codecs)


class ConditionalCodec(Codec):
    """Codecs that each chunk may leave out, and a mask before it that says which it did not.

    Writing leaves a codec out where it would make a chunk no smaller; checksums and filters always stay.

    Args:
        codecs: from bytes to bytes, in encoding order.
        header_bits: bits of the mask, a multiple of 8; left out, as many bytes as the codecs need.

    Example:
        >>> from zarrite.codecs import ConditionalCodec, ZstdCodec
        >>> ConditionalCodec([ZstdCodec(level=3)]).to_dict()["name"]
        'conditional'

    Source: "conditional" of zarr-extensions.
    """

    __slots__ = ("codecs", "header_bits")
    name = "conditional"
    kind = BYTES
    is_compressor = True
    nested: ClassVar[tuple[str, ...]] = ("codecs",)
    codecs: tuple[Codec, ...]
    header_bits: int | None

    def __init__(self, codecs: Sequence[Codec], header_bits: int | None = None) -> None:
        self.codecs = _codecs(self.name, "codecs", codecs)
        for codec in self.codecs:
            if codec.kind != BYTES:
                raise MetadataValidationError(
                    f"codec 'conditional' holds codecs from bytes to bytes, and {codec.name!r} is none"
                )
        what = "header_bits of codec 'conditional'"
        self.header_bits = None if header_bits is None else integer(header_bits, what, 0, 4096)
        if self.bits % 8 or self.bits < len(self.codecs):
            raise MetadataValidationError(
                f"{what} must be a multiple of 8 and at least {len(self.codecs)}, one for each codec, not {header_bits}"
            )

    @property
    def bits(self) -> int:
        """Bits of the mask, also where they were left out."""
        return -(-len(self.codecs) // 8) * 8 if self.header_bits is None else self.header_bits

    def configuration(self) -> dict[str, Any]:
        bits = {} if self.header_bits is None else {"header_bits": self.header_bits}
        return {"codecs": [codec.to_json() for codec in self.codecs], **bits}

    def settle(self, cells: Cells) -> Codec:
        settled = []
        for codec in self.codecs:
            settled.append(codec.settle(cells))
            cells = cells._replace(numpy=BYTE)
        return type(self)(settled, self.header_bits)

    def lower(self, chain: Lowering) -> None:
        inner = Lowering(chain.numpy, chain.vlen, chain.handles)
        lower_chain(self.codecs, inner)
        chain.steps.append({"name": self.name, "codecs": inner.steps, "header_bits": self.bits})


OFFSETS: dict[str, np.dtype[Any]] = {"uint32": np.dtype(np.uint32), "uint64": np.dtype(np.uint64)}


class VLenCodec(Codec):
    """Cells of varying length as offsets and bytes, each with codecs of its own, as zarrs writes them.

    Args:
        index_codecs: chain of the offsets; left out, little-endian bytes.
        data_codecs: chain of the bytes; left out, the bytes as they are.
        index_data_type: "uint32" or "uint64", the type of an offset.
        index_location: "start" or "end" of the chunk.
    """

    __slots__ = ("data_codecs", "index_codecs", "index_data_type", "index_location")
    name = "zarrs.vlen"
    kind = SERIALIZER
    nested: ClassVar[tuple[str, ...]] = ("index_codecs", "data_codecs")
    index_codecs: tuple[Codec, ...]
    data_codecs: tuple[Codec, ...]
    index_data_type: str
    index_location: str

    def __init__(
        self,
        index_codecs: Sequence[Codec] | None = None,
        data_codecs: Sequence[Codec] | None = None,
        index_data_type: str = "uint64",
        index_location: str = "start",
    ) -> None:
        index = (BytesCodec(),) if index_codecs is None else index_codecs
        data = (BytesCodec(None),) if data_codecs is None else data_codecs
        self.index_codecs = _codecs(self.name, "index_codecs", index)
        self.data_codecs = _codecs(self.name, "data_codecs", data)
        self.index_data_type = choice(index_data_type, "index_data_type of codec 'zarrs.vlen'", tuple(OFFSETS))
        self.index_location = choice(index_location, "index_location of codec 'zarrs.vlen'", ("start", "end"))

    def configuration(self) -> dict[str, Any]:
        return {
            "index_codecs": [codec.to_json() for codec in self.index_codecs],
            "data_codecs": [codec.to_json() for codec in self.data_codecs],
            "index_data_type": self.index_data_type,
            "index_location": self.index_location,
        }

    def settle(self, cells: Cells) -> Codec:
        _vary(self.name, cells)
        count = 1
        for extent in cells.shape:
            count *= extent
        offsets = Cells(OFFSETS[self.index_data_type], None, (count + 1,))
        index = settle_chain(self.index_codecs, offsets, "index_codecs of 'zarrs.vlen'")
        # How many bytes there are differs from chunk to chunk, so nothing here may ask.
        data = settle_chain(self.data_codecs, Cells(BYTE, None, (1,)), "data_codecs of 'zarrs.vlen'")
        for codec in data:
            if codec.kind != BYTES and not isinstance(codec, BytesCodec):
                raise MetadataValidationError(
                    f"data_codecs of 'zarrs.vlen' hold 'bytes' and codecs from bytes to bytes, not {codec.name!r}"
                )
        return type(self)(index, data, self.index_data_type, self.index_location)

    def lower(self, chain: Lowering) -> None:
        index = Lowering(OFFSETS[self.index_data_type], None, chain.handles)
        data = Lowering(BYTE, None, chain.handles)
        lower_chain(self.index_codecs, index)
        lower_chain(self.data_codecs, data)
        chain.steps.append(
            {
                "name": self.name,
                "text": chain.vlen == "string",
                "index_codecs": index.steps,
                "data_codecs": data.steps,
                "offset_bytes": OFFSETS[self.index_data_type].itemsize,
                "index_location": self.index_location,
            }
        )


class VLenV2Codec(Codec):
    """Cells of varying length as 'vlen-utf8' and 'vlen-bytes' store them, under the name that zarrs has for both."""

    __slots__ = ()
    name = "zarrs.vlen_v2"
    kind = SERIALIZER

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, (), "codec 'zarrs.vlen_v2'")
        return cls()

    def settle(self, cells: Cells) -> Codec:
        _vary(self.name, cells)
        return self

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.name, "text": chain.vlen == "string"})


def _vary(name: str, cells: Cells) -> None:
    if cells.vlen is None:
        raise MetadataValidationError(
            f"codec {name!r} stores cells of any length (data types 'string' and 'bytes'), not {cells}"
        )
