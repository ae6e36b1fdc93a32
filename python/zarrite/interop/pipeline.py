"""zarrite's engine below zarr-python: `zarr.config.set({"codec_pipeline.path": PATH})`.

zarr-python cuts a selection into chunks and hands all of them to its codec pipeline. This one puts the selection
together again and has it read or written in one native call. What the engine cannot see, such as a codec or a store of
the user's own, is left to zarr-python's own pipeline.

Example:
    >>> import zarr, zarrite.interop.pipeline
    >>> with zarr.config.set({"codec_pipeline.path": zarrite.interop.pipeline.PATH}):
    ...     array = zarr.create_array({}, shape=(4,), chunks=(2,), dtype="int32")
    ...     array[1:3] = 7
    ...     array[:].tolist()
    [0, 7, 7, 0]
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from zarr.abc.codec import CodecPipeline
from zarr.codecs import BytesCodec, ShardingCodec
from zarr.core import codec_pipeline as own_pipelines
from zarr.core.buffer import default_buffer_prototype
from zarr.core.common import ZARR_JSON
from zarr.registry import register_pipeline
from zarr.storage import MemoryStore

from zarrite.cells import Reading, Writing, bind
from zarrite.config import ArrayConfig, array_config
from zarrite.interop.batches import Chunks, Entry, chosen, keys_of
from zarrite.selection import Box, Points
from zarrite.stored import array_model
from zarrite.stores import join, resolve

__all__ = ["PATH", "ZarriteCodecPipeline"]

PATH = "zarrite.interop.pipeline.ZarriteCodecPipeline"
"""What zarr-python's setting `codec_pipeline.path` is set to."""

# The fastest that this zarr-python has.
IS_FUSED = hasattr(own_pipelines, "FusedCodecPipeline")
Own: type[CodecPipeline] = getattr(own_pipelines, "FusedCodecPipeline", own_pipelines.BatchedCodecPipeline)

# Codecs of zarr-python and of numcodecs are known by their documents; a user's class of the same name may do anything.
KNOWN_CODECS = ("zarr", "numcodecs")

# What takes less time than to hand it to another thread and back: it is done at once, in zarr-python's own.
SHORT_BYTES = 256 << 10

# In memory as well: cells that are only copied, of so many objects at most.
SHORT_COPY_BYTES = 1 << 20
SHORT_OBJECTS = 32

# Of a dictionary's objects the engine is the faster reader where they are many and small.
MANY_OBJECTS = 8
SMALL_BYTES = 64 << 10

PRESENT = {"status": "present"}


class ZarriteCodecPipeline(CodecPipeline):
    """What zarr-python reads and writes the chunks of one array with.

    Arrays opened while the setting is in place have it for good. They can be pickled.

    Args:
        metadata: zarr-python's metadata of the array.
        store: zarr-python's store of the array.
    """

    def __init__(self, metadata: Any, store: Any) -> None:
        self._metadata = metadata
        self._store = store
        self._own: CodecPipeline | None = None
        self._native: _Native | None = None
        self._is_seen: bool | None = None
        self._is_at_once: bool | None = None
        self._is_sharded = any(isinstance(codec, ShardingCodec) for codec in getattr(metadata, "codecs", ()))
        self._is_plain = _is_plain(metadata)
        self._cell_bytes = metadata.dtype.to_native_dtype().itemsize

    # ---------------------------------------------------------------- as zarr-python makes and describes it

    @classmethod
    def from_array_metadata_and_store(cls, array_metadata: Any, store: Any) -> ZarriteCodecPipeline:
        """The pipeline of an array."""
        return cls(array_metadata, store)

    @classmethod
    def from_codecs(cls, codecs: Iterable[Any]) -> Any:
        """zarr-python's own pipeline: codecs alone, such as those inside a shard, are no array that we could see."""
        return Own.from_codecs(codecs)

    def evolve_from_array_spec(self, array_spec: Any) -> ZarriteCodecPipeline:  # noqa: ARG002 -- the codecs are settled
        return self

    def _own_pipeline(self, spec: Any = None) -> CodecPipeline:
        """zarr-python's own pipeline of the same codecs; for chunks of a description, where there is one."""
        if self._own is not None:
            return self._own
        own: Any = Own.from_codecs(_codecs(self._metadata))
        if spec is not None:
            # Before there was a fused one, pipelines were made ready to use.
            own = self._own = own.evolve_from_array_spec(spec) if IS_FUSED else own
        return own  # type: ignore[no-any-return]

    @property
    def supports_partial_decode(self) -> bool:
        return self._own_pipeline().supports_partial_decode

    @property
    def supports_partial_encode(self) -> bool:
        return self._own_pipeline().supports_partial_encode

    def __iter__(self) -> Iterator[Any]:
        return iter(_codecs(self._metadata))

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        self._own_pipeline().validate(shape=shape, dtype=dtype, chunk_grid=chunk_grid)

    def compute_encoded_size(self, byte_length: int, array_spec: Any) -> int:
        return self._own_pipeline().compute_encoded_size(byte_length, array_spec)

    async def decode(self, chunk_bytes_and_specs: Iterable[Any]) -> Any:
        asked = list(chunk_bytes_and_specs)
        return await self._own_pipeline(asked[0][1] if asked else None).decode(asked)

    async def encode(self, chunk_arrays_and_specs: Iterable[Any]) -> Any:
        asked = list(chunk_arrays_and_specs)
        return await self._own_pipeline(asked[0][1] if asked else None).encode(asked)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZarriteCodecPipeline):
            return NotImplemented
        # The shape may have changed since; it is the array's, and compared there.
        return bool(_codecs(self._metadata) == _codecs(other._metadata) and self._store == other._store)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._metadata, self._store)

    def __repr__(self) -> str:
        return f"<ZarriteCodecPipeline of {self._store!r}>"

    # ---------------------------------------------------------------- reading and writing

    async def read(self, batch_info: Iterable[Entry], out: Any, drop_axes: tuple[int, ...] = ()) -> Any:
        batch = list(batch_info)
        if not batch:
            return ()
        spec = batch[0][1]
        target = out.as_ndarray_like()
        asked = None
        # Who refuses missing chunks wants to hear which, and only zarr-python's own pipeline says so.
        if type(target) is np.ndarray and getattr(spec.config, "read_missing_chunks", True):
            asked = self._asked(batch, target.shape, drop_axes)
        if asked is None or asked.array.dtype != target.dtype:
            own: Any = self._own_pipeline(spec)
            if self._is_brief(own, batch, target.nbytes):
                return own.read_sync(batch, out, drop_axes)
            return await own.read(batch, out, drop_axes)
        reading = Reading(asked.cells, asked.array.model.data_type, asked.chosen, target)
        pending = reading.pending
        reading.done(pending.result() if asked.is_short else await pending)
        return (PRESENT,) * len(batch)

    async def write(self, batch_info: Iterable[Entry], value: Any, drop_axes: tuple[int, ...] = ()) -> None:
        batch = list(batch_info)
        if not batch:
            return
        values = value.as_ndarray_like()
        asked = None
        # A store that is open for reading is refused in zarr-python's own words.
        if type(values) is np.ndarray and not self._store.read_only:
            asked = self._asked(batch, values.shape or None, drop_axes)
        if asked is None:
            own: Any = self._own_pipeline(batch[0][1])
            if self._is_brief(own, batch):
                own.write_sync(batch, value, drop_axes)
            else:
                await own.write(batch, value, drop_axes)
            return
        pending = Writing(asked.cells, asked.array.model.data_type, asked.chosen, values).pending
        if asked.is_short:
            pending.result()
        else:
            await pending

    def _is_brief(self, own: Any, batch: Sequence[Entry], wanted: int | None = None) -> bool:
        """Whether zarr-python's own pipeline is done with a dictionary's objects before another thread has begun.

        Args:
            own: that pipeline.
            batch: the entries.
            wanted: bytes that are read, of which objects may hold more; `None` when all of each is handled.
        """
        if self._is_at_once is None:
            # What codecs of a user's own take, nobody knows.
            known = type(self._store) is MemoryStore and all(map(_is_known, _codecs(self._metadata)))
            self._is_at_once = known and getattr(own, "sync_transform", None) is not None
        if not self._is_at_once or len(batch) > SHORT_OBJECTS:
            return False
        whole: int = len(batch) * math.prod(batch[0][1].shape) * self._cell_bytes
        if self._is_plain:
            return (whole if wanted is None else wanted) <= SHORT_COPY_BYTES
        return whole <= SHORT_BYTES

    def _gains(self, count: int, spec: Any) -> bool:
        """Whether the engine is the faster one for so many objects: what Python's memory holds costs it a call each."""
        if type(self._store) is not MemoryStore or self._is_sharded:
            return True
        # What is only copied is done in Python before the engine has made its calls.
        many = SHORT_OBJECTS + 1 if self._is_plain and IS_FUSED else MANY_OBJECTS
        return count >= many and math.prod(spec.shape) * self._cell_bytes <= SMALL_BYTES

    def _asked(self, batch: Sequence[Entry], shape: tuple[int, ...] | None, drop: tuple[int, ...]) -> _Asked | None:
        """What the entries ask for, in the engine's words; `None` where zarr-python has to do it."""
        at, spec = batch[0][0], batch[0][1]
        if getattr(at, "store", None) is not self._store or not self._gains(len(batch), spec):
            return None
        native = self._native
        if native is None:
            if self._is_seen is False:
                return None
            native = self._native = _native(self._metadata, self._store)
            self._is_seen = native is not None
            if native is None:
                return None
        prefix = native.chunks.keys.prefix_of(at.path, len(native.chunks.edges))
        found = chosen(batch, prefix, native.chunks, shape, drop)
        if found is None:
            return None
        ends = _ends(found)
        if any(end > length for end, length in zip(ends, native.model.shape, strict=True)):
            # The array has grown since; its chunks are where they were.
            native = self._native = _grown(self._metadata, native, ends)
            if native is None:
                self._is_seen = False
                return None
        cells = native.cells(prefix.rstrip("/"), spec.config.write_empty_chunks)
        is_short = native.is_near and len(batch) * native.object_bytes <= SHORT_BYTES
        return _Asked(native, cells, found, is_short)


register_pipeline(ZarriteCodecPipeline)


class _Asked(NamedTuple):
    """A selection of an array that the engine sees."""

    array: _Native
    cells: Any
    chosen: Box | Points
    is_short: bool


class _Native:
    """An array as the engine sees it."""

    def __init__(self, model: Any, store: Any, base: str, chunks: Chunks) -> None:
        self.model = model
        self.store = store
        self.base = base
        self.chunks = chunks
        self.dtype = model.dtype
        self.object_bytes = math.prod(axis.longest for axis in chunks.edges) * model.dtype.itemsize
        self.is_near = store.is_local
        self._bound: dict[tuple[str, bool], Any] = {}

    def cells(self, path: str, write_empty_chunks: bool) -> Any:
        """The cells of the array at a path of zarr-python's store."""
        key = (path, write_empty_chunks)
        found = self._bound.get(key)
        if found is None:
            config: ArrayConfig = array_config({"write_empty_chunks": write_empty_chunks})
            found = self._bound[key] = bind(self.model, self.store, join(self.base, path), config)
        return found


def _codecs(metadata: Any) -> list[Any]:
    """zarr-python's codecs of an array, those of format 2 in the one that stands for them."""
    codecs = getattr(metadata, "codecs", None)
    if codecs is not None:
        return list(codecs)
    from zarr.codecs._v2 import V2Codec

    return [V2Codec(filters=metadata.filters, compressor=metadata.compressor)]


def _is_plain(metadata: Any) -> bool:
    """Whether stored objects are the cells themselves, of which a part can be had without the rest."""
    codecs = getattr(metadata, "codecs", None)
    if codecs is not None:
        return len(codecs) == 1 and type(codecs[0]) is BytesCodec
    return not metadata.filters and metadata.compressor is None


def _is_known(codec: Any) -> bool:
    """Whether a codec, and each inside it, is one of those packages whose documents say what they do."""
    inside = [*(getattr(codec, "codecs", None) or ()), *(getattr(codec, "index_codecs", None) or ())]
    parts = [*inside, *(getattr(codec, "filters", None) or ()), getattr(codec, "compressor", None)]
    own = type(codec).__module__.partition(".")[0] in KNOWN_CODECS
    return own and all(_is_known(part) for part in parts if part is not None)


def _native(metadata: Any, store: Any) -> _Native | None:
    """The array in the engine's words; `None` where it has none for its codecs, its data type or its store."""
    try:
        if not all(map(_is_known, _codecs(metadata))):
            return None
        place, base = resolve(store)
        # Through Python's calls zarr-python asks just as well, and in its own event loop.
        if place.url.startswith("python+"):
            return None
        return _described(metadata, place, base)
    except Exception:
        # Whatever we cannot have understood, zarr-python may; if not, the sentence is its own.
        return None


def _described(metadata: Any, place: Any, base: str) -> _Native | None:
    if hasattr(metadata, "codecs"):
        # What `to_buffer_dict` writes is laid out for people, which takes longer.
        found = {ZARR_JSON: json.dumps(metadata.to_dict()).encode()}
    else:
        documents = metadata.to_buffer_dict(prototype=default_buffer_prototype())
        found = {key: buffer.to_bytes() for key, buffer in documents.items()}
    model = array_model("", found)
    keys = keys_of(model.keys, model.ndim)
    return None if keys is None else _Native(model, place, base, Chunks(keys, tuple(model.grid.axes)))


def _grown(metadata: Any, native: _Native, ends: tuple[int, ...]) -> _Native | None:
    """The array with room for more cells."""
    if type(metadata.chunk_grid).__name__.startswith("Rectilinear"):
        # Where its new chunks begin is said by metadata that we were not given.
        return None
    shape = tuple(map(max, ends, native.model.shape))
    try:
        return _described(metadata.update_shape(shape), native.store, native.base)
    except Exception:
        return None


def _ends(found: Box | Points) -> tuple[int, ...]:
    """How many cells an axis must have."""
    if isinstance(found, Points):
        return tuple(int(numbers.max(initial=-1)) + 1 for numbers in found.points)
    return tuple(
        axis[0] + (axis[2] - 1) * axis[1] + 1 if isinstance(axis, tuple) else int(axis.max(initial=-1)) + 1
        for axis in found.axes
    )
