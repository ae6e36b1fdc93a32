"""What codecs of zarr-python do with one chunk, and zarrite's need no methods for: its engine runs whole chains.

Libraries that drive codecs themselves call these. `install_as_zarr` gives them to zarrite's codecs.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrite import _engine
from zarrite.as_zarr.buffers import CPUBuffer, CPUNDBuffer
from zarrite.dtype import parse_dtype
from zarrite.errors import UnsupportedError
from zarrite.model.casting import CastValue
from zarrite.model.codecs import ARRAY, BYTES, SERIALIZER, BytesCodec, Cells, Codec, TransposeCodec, cells_of
from zarrite.model.dtypes import DType
from zarrite.stored import chunk_key

if TYPE_CHECKING:
    from zarrite.array import Array
    from zarrite.as_zarr.coding import ArraySpec

__all__ = ["dress"]

_UNSIZED = ("gzip", "zstd")
"""Codecs whose streams the engine reads without being told how long they become."""


def _cells(spec: ArraySpec) -> Cells:
    return cells_of(parse_dtype(spec.dtype), tuple(spec.shape))


def evolve_from_array_spec(self: Codec, array_spec: ArraySpec) -> Codec:
    """The codec with everything filled in that follows from the chunks it is given."""
    return self.settle(_cells(array_spec))


def resolve_metadata(self: Codec, chunk_spec: ArraySpec) -> ArraySpec:
    """What the next codec is given, where this one is given that."""
    cells = _cells(chunk_spec)
    after = self.after(cells)
    found = chunk_spec._replace(shape=after.shape)
    if after.data_type is None or after.data_type == cells.data_type:
        return found
    fill = chunk_spec.fill_value
    return found._replace(dtype=after.data_type, fill_value=None if fill is None else after.numpy.type(fill))


def compute_encoded_size(self: Codec, input_byte_length: int, _chunk_spec: ArraySpec) -> int:
    """How many bytes so many become.

    Raises:
        MetadataValidationError: the codec takes no such cells.
        UnsupportedError: that depends on what the bytes are.
    """
    if self.kind == BYTES and self.is_fixed:
        return input_byte_length + len(_packed(self, bytes(8))) - 8
    if not self.is_fixed:
        raise UnsupportedError(
            f"how many bytes codec {self.name!r} makes depends on what it is given; encode, and take their number"
        )
    if not isinstance(self, CastValue):
        return input_byte_length
    self.settle(_cells(_chunk_spec))
    return input_byte_length // parse_dtype(_chunk_spec.dtype).numpy.itemsize * self.data_type.numpy.itemsize


def encode_sync(self: Codec, chunk_data: Any, chunk_spec: ArraySpec) -> Any:
    """One chunk encoded by this codec alone."""
    if self.kind == BYTES:
        return CPUBuffer.from_bytes(_packed(evolve_from_array_spec(self, chunk_spec), chunk_data.to_bytes()))
    cells, values = _cells(chunk_spec), chunk_data.as_numpy_array()
    objects = _written(cells.data_type, cells.shape, self, values)
    if self.kind == SERIALIZER:
        return CPUBuffer.from_bytes(objects)
    after = self.after(cells)
    return CPUNDBuffer.from_numpy_array(np.frombuffer(objects, dtype=after.numpy).reshape(after.shape).copy())


def decode_sync(self: Codec, chunk_data: Any, chunk_spec: ArraySpec) -> Any:
    """One chunk decoded by this codec alone."""
    if self.kind == BYTES:
        return CPUBuffer.from_bytes(_unpacked(self, chunk_data.to_bytes(), chunk_spec))
    cells = _cells(chunk_spec)
    if self.kind == SERIALIZER:
        return CPUNDBuffer.from_numpy_array(_read(cells.data_type, cells.shape, self, chunk_data.to_bytes()))
    values = chunk_data.as_numpy_array()
    shape = cells.shape
    if isinstance(self, TransposeCodec):
        shape = tuple(values.shape[self.order.index(axis)] for axis in range(values.ndim))
    raw = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")).tobytes()
    return CPUNDBuffer.from_numpy_array(_read(cells.data_type, shape, self, raw))


def _array(objects: dict[str, Any], data_type: Any, shape: tuple[int, ...], codec: Codec) -> Array:
    """An array of one chunk, whose objects are those of the dictionary."""
    from zarrite.create import create_array

    chain: dict[str, Any] = {"filters": None, "serializer": BytesCodec(sys.byteorder), "compressors": None}
    if isinstance(data_type, DType) and data_type.vlen:
        chain["serializer"] = "auto"
    if codec.kind == ARRAY:
        chain["filters"] = [codec]
    elif codec.kind == BYTES:
        chain["compressors"] = [codec]
    else:
        chain["serializer"] = codec
    return create_array(
        objects,
        shape=shape,
        dtype=data_type,
        chunks=tuple(max(1, length) for length in shape),
        config={"write_empty_chunks": True},
        **chain,
    )


def _written(data_type: Any, shape: tuple[int, ...], codec: Codec, values: Any) -> bytes:
    objects: dict[str, Any] = {}
    array = _array(objects, data_type, shape, codec)
    array[...] = values
    return bytes(objects[chunk_key("", array.metadata, (0,) * len(shape))])


def _read(data_type: Any, shape: tuple[int, ...], codec: Codec, raw: bytes) -> Any:
    objects: dict[str, Any] = {}
    array = _array(objects, data_type, shape, codec)
    objects[chunk_key("", array.metadata, (0,) * len(shape))] = raw
    return np.asarray(array[...])


def _packed(codec: Codec, raw: bytes) -> bytes:
    return _written("uint8", (len(raw),), codec, np.frombuffer(raw, dtype="u1"))


def _unpacked(codec: Codec, raw: bytes, spec: ArraySpec) -> bytes:
    if codec.name in _UNSIZED:
        return bytes(_engine.unpacked(raw, codec.name, sys.maxsize).result())
    # What is behind a chunk's cells has their length; only a checksum may be behind a codec of any length.
    length = math.prod(spec.shape) * parse_dtype(spec.dtype).numpy.itemsize
    if codec.is_fixed:
        length = len(raw) - (len(_packed(codec, bytes(8))) - 8)
    return bytes(_read("uint8", (length,), codec, raw).tobytes())


def dress() -> None:
    """Gives these methods to zarrite's codecs."""
    for name, method in {
        "evolve_from_array_spec": evolve_from_array_spec,
        "resolve_metadata": resolve_metadata,
        "compute_encoded_size": compute_encoded_size,
        "_encode_sync": encode_sync,
        "_decode_sync": decode_sync,
    }.items():
        setattr(Codec, name, method)
    # What does the work, in zarr-python another object.
    Codec._codec = property(lambda self: self)  # type: ignore[attr-defined]
    CastValue.dtype = property(lambda self: self.data_type)  # type: ignore[attr-defined]
