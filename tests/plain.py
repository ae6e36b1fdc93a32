"""The slow reference reader: decodes every stored object with Python's own libraries and numcodecs, chunk by chunk.

It knows nothing of zarrite. What the engine writes must mean the same to it.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numcodecs
import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]
ABSENT = 2**64 - 1


def read(objects: Mapping[str, bytes], dtype: np.dtype[Any], fill: Any) -> Cells:
    """All cells of the array whose document lies at the root.

    Args:
        objects: every stored object by its key.
        dtype: type of the cells, `StringDType` or object where they vary in length.
        fill: what cells are that were never written.
    """
    if ".zarray" in objects:
        return _read_v2(objects, json.loads(objects[".zarray"]), dtype, fill)
    document = json.loads(objects["zarr.json"])
    edges = tuple(document["chunk_grid"]["configuration"]["chunk_shape"])
    encoding = document["chunk_key_encoding"]
    separator = encoding.get("configuration", {}).get("separator", "/" if encoding["name"] == "default" else ".")

    def key(index: tuple[int, ...]) -> str:
        numbers = [str(number) for number in index]
        if encoding["name"] == "default":
            return separator.join(["c", *numbers])
        return separator.join(numbers) or "0"

    def decode(raw: bytes) -> Cells:
        return decode_chain(document["codecs"], raw, edges, dtype, fill)

    return _assemble(objects, tuple(document["shape"]), edges, key, decode, dtype, fill)


def _read_v2(objects: Mapping[str, bytes], document: dict[str, Any], dtype: np.dtype[Any], fill: Any) -> Cells:
    edges = tuple(document["chunks"])
    separator = document.get("dimension_separator", ".")
    steps = [*(document["filters"] or []), *([document["compressor"]] if document["compressor"] else [])]

    def key(index: tuple[int, ...]) -> str:
        return separator.join(str(number) for number in index) or "0"

    def decode(raw: bytes) -> Cells:
        data: Any = raw
        for step in reversed(steps):
            if step["id"] in ("vlen-utf8", "vlen-bytes"):
                data = _varying(bytes(data), step["id"], dtype)
            elif step["id"] == "crc32c":
                data = _checked(bytes(data), step.get("location", "end"))
            elif step["id"] == "shuffle":
                data = _unshuffled(bytes(data), step["elementsize"])
            else:
                data = numcodecs.get_codec(step).decode(data)
        if dtype.kind not in "TO":
            data = np.frombuffer(np.ascontiguousarray(data).tobytes() if isinstance(data, np.ndarray) else data, dtype)
        return data.reshape(edges, order=document["order"])

    return _assemble(objects, tuple(document["shape"]), edges, key, decode, dtype, fill)


def _assemble(
    objects: Mapping[str, bytes],
    shape: tuple[int, ...],
    edges: tuple[int, ...],
    key: Any,
    decode: Any,
    dtype: np.dtype[Any],
    fill: Any,
) -> Cells:
    cells = filled(shape, dtype, fill)
    for index in itertools.product(*(range(-(-length // edge)) for length, edge in zip(shape, edges, strict=True))):
        raw = objects.get(key(index))
        if raw is None:
            continue
        box = tuple(
            slice(number * edge, min((number + 1) * edge, length))
            for number, edge, length in zip(index, edges, shape, strict=True)
        )
        chunk = decode(raw)
        assert chunk.shape == edges, f"the chunk {key(index)!r} has shape {chunk.shape}, not {edges}"
        cells[box] = chunk[tuple(slice(0, one.stop - one.start) for one in box)]
    return cells


def filled(shape: tuple[int, ...], dtype: np.dtype[Any], fill: Any) -> Cells:
    """Cells that all have the fill value, bit by bit."""
    if dtype.kind in "TO":
        return np.full(shape, fill, dtype=dtype)
    cells = np.empty(shape, dtype=dtype)
    if cells.size:
        cells.reshape(-1)[...] = np.frombuffer(np.asarray(fill, dtype=dtype).tobytes(), dtype)[0]
    return cells


def decode_chain(
    entries: list[dict[str, Any]], raw: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], fill: Any
) -> Cells:
    """A chunk of format 3 by its codecs, the last one first."""
    forms = [(shape, dtype)]
    serializer = 0
    for at, entry in enumerate(entries):
        found = _after(entry["name"], entry.get("configuration", {}), *forms[-1])
        if found is None:
            serializer = at
            break
        forms.append(found)
    data: Any = raw
    for entry in reversed(entries[serializer + 1 :]):
        data = _decompressed(entry["name"], entry.get("configuration", {}), bytes(data))
    last = entries[serializer]
    cells = _deserialized(last["name"], last.get("configuration", {}), bytes(data), *forms[-1], fill)
    for entry, (its_shape, its_dtype) in zip(reversed(entries[:serializer]), reversed(forms[:-1]), strict=True):
        name, configuration = entry["name"], entry.get("configuration", {})
        if name == "transpose":
            cells = cells.transpose(np.argsort(configuration["order"]))
        else:
            codec = numcodecs.get_codec({"id": name.removeprefix("numcodecs."), **configuration})
            cells = np.asarray(codec.decode(np.ascontiguousarray(cells))).view(its_dtype).reshape(its_shape)
    return cells


def _after(
    name: str, configuration: dict[str, Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """Shape and type after a filter; None for what makes bytes."""
    if name == "transpose":
        return tuple(shape[axis] for axis in configuration["order"]), dtype
    if name == "numcodecs.packbits":
        return (1 + -(-math.prod(shape) // 8),), np.dtype("u1")
    if name == "bitround":
        return shape, dtype
    changed = configuration.get("encode_dtype", configuration.get("astype"))
    return None if changed is None else (shape, np.dtype(changed))


def _decompressed(name: str, configuration: dict[str, Any], raw: bytes) -> bytes:
    if name.endswith("crc32c"):
        return _checked(raw, configuration.get("location", "end"))
    if name == "numcodecs.shuffle":
        return _unshuffled(raw, configuration["elementsize"])
    if name == "zstd":
        configuration = {key: value for key, value in configuration.items() if key in ("level", "checksum")}
    if name == "blosc":
        configuration = {}
    return bytes(numcodecs.get_codec({"id": name.removeprefix("numcodecs."), **configuration}).decode(raw))


def _unshuffled(raw: bytes, size: int) -> bytes:
    """First bytes of all elements, then the second ones; what makes no whole element stands behind as it is."""
    whole = len(raw) // max(1, size) * max(1, size)
    elements = np.frombuffer(raw[:whole], np.uint8).reshape(max(1, size), -1)
    return elements.T.tobytes() + raw[whole:]


def knows(document: object) -> bool:
    """Whether the libraries this reader is made of can decompress an array: numcodecs is built without snappy."""
    return "snappy" not in json.dumps(document)


def _deserialized(
    name: str, configuration: dict[str, Any], raw: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], fill: Any
) -> Cells:
    if name == "bytes":
        order = ">" if configuration.get("endian") == "big" else "<"
        return np.frombuffer(raw, dtype.newbyteorder(order)).reshape(shape).astype(dtype)
    if name == "sharding_indexed":
        return _shard(configuration, raw, shape, dtype, fill)
    return _varying(raw, name, dtype).reshape(shape)


def _varying(raw: bytes, name: str, dtype: np.dtype[Any]) -> Cells:
    (count,) = struct.unpack_from("<I", raw)
    at, found = 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<I", raw, at)
        found.append(raw[at + 4 : at + 4 + length])
        assert len(found[-1]) == length
        at += 4 + length
    assert at == len(raw), "nothing stands behind the last cell"
    cells = np.empty(count, dtype=dtype)
    for place, value in enumerate(found):
        cells[place] = value.decode() if name == "vlen-utf8" else value
    return cells


def _shard(configuration: dict[str, Any], raw: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], fill: Any) -> Cells:
    edges = tuple(configuration["chunk_shape"])
    counts = tuple(outside // inside for outside, inside in zip(shape, edges, strict=True))
    sums = sum(4 for entry in configuration["index_codecs"] if entry["name"] == "crc32c")
    size = 16 * math.prod(counts) + sums
    stored = raw[:size] if configuration.get("index_location") == "start" else raw[len(raw) - size :]
    index = decode_chain(configuration["index_codecs"], stored, (*counts, 2), np.dtype("u8"), 0)
    cells = filled(shape, dtype, fill)
    for place in np.ndindex(counts):
        first, length = (int(number) for number in index[place])
        if (first, length) == (ABSENT, ABSENT):
            continue
        assert first + length <= len(raw)
        box = tuple(slice(at * edge, (at + 1) * edge) for at, edge in zip(place, edges, strict=True))
        cells[box] = decode_chain(configuration["codecs"], raw[first : first + length], edges, dtype, fill)
    return cells


TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)
    TABLE.append(_byte)


def crc32c(data: bytes) -> int:
    """CRC-32C, a byte at a time."""
    state = 0xFFFFFFFF
    for byte in data:
        state = (state >> 8) ^ TABLE[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF


def _checked(raw: bytes, location: str) -> bytes:
    data, stored = (raw[:-4], raw[-4:]) if location == "end" else (raw[4:], raw[:4])
    assert crc32c(data) == struct.unpack("<I", stored)[0], "the checksum fails"
    return data
