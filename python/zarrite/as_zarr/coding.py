"""`zarr.abc.codec` and its kin: the interface that codecs of other packages are written against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from zarrite.config import ArrayConfig
from zarrite.errors import UnsupportedError
from zarrite.model.codecs import Codec as _Codec

__all__ = [
    "ArrayArrayCodec",
    "ArrayBytesCodec",
    "ArrayBytesCodecPartialDecodeMixin",
    "ArrayBytesCodecPartialEncodeMixin",
    "ArrayConfig",
    "ArrayConfigLike",
    "ArrayConfigParams",
    "ArraySpec",
    "BaseCodec",
    "BatchedCodecPipeline",
    "BytesBytesCodec",
    "Codec",
    "CodecInput",
    "CodecOutput",
    "CodecPipeline",
    "FusedCodecPipeline",
    "SupportsSyncCodec",
]

CodecInput = CodecOutput = ArrayConfigLike = ArrayConfigParams = Any


class ArraySpec(NamedTuple):
    """What a codec is told of a chunk."""

    shape: tuple[int, ...]
    dtype: Any
    fill_value: Any
    config: Any
    prototype: Any

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def order(self) -> str:
        """Memory order of results."""
        return str(self.config.order)


class _Coded(type):
    kinds: tuple[str, ...]

    def __instancecheck__(cls, instance: object) -> bool:
        own = isinstance(instance, _Codec) and (not cls.kinds or instance.kind in cls.kinds)
        return own or super().__instancecheck__(instance)


class BaseCodec(metaclass=_Coded):
    """One step of encoding, written in Python.

    A subclass has `to_dict` and `from_dict`, and `_encode_single` and `_decode_single`, which are coroutines, or
    `_encode_sync` and `_decode_sync`.
    """

    kinds: tuple[str, ...] = ()
    is_fixed_size: bool = False

    def __class_getitem__(cls, of: Any) -> type[Self]:
        return cls

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The codec that a document's entry describes."""
        return cls(**(data.get("configuration") or {}))

    def to_dict(self) -> dict[str, Any]:
        """The document's entry."""
        return dict(vars(self))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """How many bytes so many become.

        Raises:
            UnsupportedError: the class does not say (a `NotImplementedError`).
        """
        raise UnsupportedError(
            f"codec {type(self).__name__} does not say how many bytes {input_byte_length} become; give the class the "
            "method compute_encoded_size"
        )

    def resolve_metadata(self, chunk_spec: ArraySpec) -> ArraySpec:
        """What the next step is told."""
        return chunk_spec

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """The codec with everything filled in that follows from the array."""
        return self

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        """Refuses an array that it does not fit."""

    async def decode(self, chunks_and_specs: Iterable[tuple[Any, ArraySpec]]) -> Iterable[Any]:
        """Decodes chunks."""
        return [None if chunk is None else await self._decode_one(chunk, spec) for chunk, spec in chunks_and_specs]

    async def encode(self, chunks_and_specs: Iterable[tuple[Any, ArraySpec]]) -> Iterable[Any]:
        """Encodes chunks."""
        return [None if chunk is None else await self._encode_one(chunk, spec) for chunk, spec in chunks_and_specs]

    async def _decode_one(self, chunk: Any, spec: ArraySpec) -> Any:
        if hasattr(self, "_decode_single"):
            return await self._decode_single(chunk, spec)
        return self._decode_sync(chunk, spec)  # type: ignore[attr-defined]

    async def _encode_one(self, chunk: Any, spec: ArraySpec) -> Any:
        if hasattr(self, "_encode_single"):
            return await self._encode_single(chunk, spec)
        return self._encode_sync(chunk, spec)  # type: ignore[attr-defined]


class ArrayArrayCodec(BaseCodec):
    """A step from cells to cells."""

    kinds = ("array",)


class ArrayBytesCodec(BaseCodec):
    """The step from cells to bytes."""

    kinds = ("serializer",)


class BytesBytesCodec(BaseCodec):
    """A step from bytes to bytes."""

    kinds = ("bytes",)


Codec = BaseCodec


class ArrayBytesCodecPartialDecodeMixin:
    """A step that can decode a part of a chunk."""


class ArrayBytesCodecPartialEncodeMixin:
    """A step that can encode a part of a chunk."""


@runtime_checkable
class SupportsSyncCodec(Protocol):
    """A step that needs no coroutines."""

    def _decode_sync(self, chunk_data: Any, chunk_spec: Any) -> Any: ...
    def _encode_sync(self, chunk_data: Any, chunk_spec: Any) -> Any: ...


class CodecPipeline:
    """What runs the codecs of zarr-python's arrays. Here the engine does that, and no class of this kind is called."""


class BatchedCodecPipeline(CodecPipeline):
    """zarr-python's first pipeline, by name."""


class FusedCodecPipeline(CodecPipeline):
    """zarr-python's second pipeline, by name."""
