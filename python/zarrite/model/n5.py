"""Blocks of N5: as a codec of format 3, and as N5's own datasets have them.

Source: N5 4.0.0; zarr-extensions, "n5_default".

A block says its own lengths, fastest axis first, so its cells are those of a transposed chunk, in big endian.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from ..errors import MetadataValidationError, MissingDependencyError
from .checks import brief, integer, only, refuse
from .codecs import BYTES, SERIALIZER, BytesCodec, Cells, Codec, Lowering, TransposeCodec, lower_chain, settle_chain
from .keys import ChunkKeys, Decoder, Place

BLOCK_BYTES = 65536


class N5Default(Codec):
    """A chunk as a block of N5: a header that says its lengths, then the cells.

    Args:
        codecs: a transpose that turns all axes round, `bytes` in big endian, and at most one codec from bytes to bytes.
    """

    __slots__ = ("codecs",)
    name = "n5_default"
    kind = SERIALIZER
    codecs: tuple[Codec, ...]

    def __init__(self, codecs: Sequence[Any]) -> None:
        self.codecs = tuple(codecs)
        kinds = [type(codec) for codec in self.codecs[:2]]
        if kinds != [TransposeCodec, BytesCodec]:
            raise MetadataValidationError(
                "codecs of 'n5_default' must begin with 'transpose' and 'bytes', in this order, and they begin with "
                f"{brief([getattr(codec, 'name', codec) for codec in self.codecs[:2]])}"
            )
        if len(self.codecs) > 3 or any(codec.kind != BYTES for codec in self.codecs[2:]):
            raise MetadataValidationError(
                "codecs of 'n5_default' must have one codec from bytes to bytes behind 'bytes', or none; N5 has no "
                "word for more"
            )

    def configuration(self) -> dict[str, Any]:
        return {"codecs": [codec.to_json() for codec in self.codecs]}

    def settle(self, cells: Cells) -> Codec:
        order = getattr(self.codecs[0], "order", ())
        if order != tuple(reversed(range(len(cells.shape)))):
            raise MetadataValidationError(
                f"the transpose in codec 'n5_default' must turn all {len(cells.shape)} axes round; it has the order "
                f"{brief(order)}"
            )
        settled = settle_chain(self.codecs, cells, "codecs of 'n5_default'")
        if getattr(settled[1], "endian", None) == "little":
            raise MetadataValidationError("'bytes' in codec 'n5_default' must have endian 'big': N5 has no other")
        return self if settled == self.codecs else N5Default(settled)

    def lower(self, chain: Lowering) -> None:
        _lower_block(self.codecs, chain, varlength=False)


def n5_from_json(configuration: dict[str, Any], codec_from_json: Callable[[object], Codec]) -> N5Default:
    """The codec `n5_default` with the codecs inside it."""
    only(configuration, N5Default.fields, "codec 'n5_default'")
    entries = configuration.get("codecs")
    if not isinstance(entries, list) or len(entries) > 3:
        refuse("codecs of codec 'n5_default'", "a list of two or three codecs", entries)
    if any(isinstance(entry, dict) and entry.get("name") == N5Default.name for entry in entries):
        raise MetadataValidationError("codec 'n5_default' cannot hold itself")
    return N5Default([codec_from_json(entry) for entry in entries])


def _lower_block(codecs: Sequence[Codec], chain: Lowering, *, varlength: bool) -> None:
    """A block's codecs as steps: what transposes stands in front of the block, what makes bytes is inside it."""
    inner = Lowering(chain.numpy, chain.vlen, chain.handles)
    lower_chain(codecs, inner)
    chain.steps += [step for step in inner.steps if step["name"] == "transpose"]
    blocks = [step for step in inner.steps if step["name"] != "transpose"]
    chain.steps.append({"name": N5Default.name, "codecs": blocks, "varlength": varlength})


class N5Block(Codec):
    """A block of an N5 dataset.

    Args:
        compression: the codec from bytes to bytes, or None.
        turned: how many axes are turned round inside a block: all where the array has them in the dataset's order,
            else 0.
    """

    __slots__ = ("compression", "turned")
    name = "n5_block"
    kind = SERIALIZER
    compression: Codec | None
    turned: int

    def __init__(self, compression: Codec | None = None, turned: int = 0) -> None:
        self.compression = compression
        self.turned = turned

    def configuration(self) -> dict[str, Any]:
        return {"compression": None if self.compression is None else self.compression.to_json()}

    def _chain(self) -> tuple[Codec, ...]:
        turned = (TransposeCodec(tuple(reversed(range(self.turned)))),) if self.turned > 1 else ()
        return (*turned, BytesCodec("big"), *(() if self.compression is None else (self.compression,)))

    def settle(self, cells: Cells) -> Codec:
        last = settle_chain(self._chain(), cells, "the compression of an N5 dataset")[-1]
        return N5Block(last if last.kind == BYTES else None, self.turned)

    def lower(self, chain: Lowering) -> None:
        _lower_block(self._chain(), chain, varlength=True)


class N5Lz4(Codec):
    """The stream of Java's LZ4 library, which is neither the LZ4 frame nor what numcodecs writes.

    Args:
        blocksize: bytes that are compressed together.
    """

    __slots__ = ("blocksize",)
    name = "n5_lz4"
    id = "lz4_java"
    kind = BYTES
    is_compressor = True
    blocksize: int

    def __init__(self, blocksize: int = BLOCK_BYTES) -> None:
        self.blocksize = integer(blocksize, "blockSize of compression 'lz4'", 64, 1 << 25)

    @classmethod
    def from_n5(cls, parameters: dict[str, Any]) -> Self:
        """The codec that an N5 `compression` describes."""
        return cls(parameters.get("blockSize", BLOCK_BYTES))

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "lz4_java", "block_bytes": self.blocksize})


class ReversedKeys(ChunkKeys):
    """Keys in which the last axis stands first: axes are presented the other way round than the file names them.

    Example:
        >>> ReversedKeys("v2", "/").encode((0, 1, 2))
        '2/1/0'
    """

    __slots__ = ()

    def encode(self, index: Sequence[int]) -> str:
        return super().encode(tuple(index)[::-1])

    def decoder(self, ndim: int) -> Decoder:
        decode = super().decoder(ndim)

        def turned(key: str) -> Place | None:
            place = decode(key)
            return None if place is None else place[::-1]

        return turned

    def lowered(self, ndim: int) -> dict[str, Any]:
        if not ndim:
            return super().lowered(ndim)
        parts: list[dict[str, Any]] = []
        for axis in reversed(range(ndim)):
            parts += [{"text": self.separator}] * bool(parts)
            parts.append({"axis": axis, "digits": 0})
        return {"name": "parts", "parts": parts}


class JpegBlock:
    """The cells of a block as a JPEG image; needs the package `imagecodecs`."""

    name = "n5_jpeg"

    def decode(self, data: bytes) -> bytes:
        """The pixels, row by row."""
        return np.asarray(_jpeg()(data)).tobytes()

    def encode(self, data: bytes) -> bytes:  # noqa: ARG002 - it has the shape of every codec's
        """Never: N5 is read and not written.

        Raises:
            MetadataValidationError: always.
        """
        raise MetadataValidationError("N5 is read and not written; write the cells as Zarr")


def _jpeg() -> Any:
    try:
        return importlib.import_module("imagecodecs").jpeg_decode
    except ImportError:
        raise MissingDependencyError("imagecodecs", "compression 'jpeg' of N5") from None
