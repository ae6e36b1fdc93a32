"""Damaged objects: arrays of every chain of codecs, and the ways in which files go bad."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

import zarrite
from zarrite import codecs
from zarrite.storage import MemoryStore

SHAPE, CHUNKS, SHARDS = (55, 37), (10, 10), (60, 40)
PATH = "some/array"


def _sharded(*chain: Any, index: tuple[Any, ...] = (), inner: tuple[int, int] = CHUNKS, **more: Any) -> dict[str, Any]:
    sharding = codecs.ShardingCodec(inner, chain, index or (codecs.BytesCodec(),))
    return {"chunks": SHARDS, "serializer": sharding, "filters": [], "compressors": [], **more}


CHAINS: dict[str, dict[str, Any]] = {
    "none": {"compressors": None},
    "gzip": {"compressors": codecs.GzipCodec(5)},
    "zlib": {"compressors": codecs.Zlib(1)},
    "zstd": {"compressors": codecs.ZstdCodec(3)},
    "zstd with checksum": {"compressors": codecs.ZstdCodec(3, True)},
    "bz2": {"compressors": codecs.BZ2(1)},
    "lz4": {"compressors": codecs.LZ4(1)},
    "xz": {"compressors": codecs.LZMA(preset=0)},
    "lzma": {"compressors": codecs.LZMA(format=2, preset=0)},
    "raw lzma": {"compressors": codecs.LZMA(format=3, filters=[{"id": 33, "preset": 0}])},
    **{
        f"blosc {name} {shuffle}": {"compressors": codecs.BloscCodec(cname=name, shuffle=shuffle)}
        for name in ("lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib")
        for shuffle in ("noshuffle", "shuffle", "bitshuffle")
    },
    "crc32c": {"compressors": codecs.Crc32cCodec()},
    "crc32c at the start": {"compressors": codecs.Crc32cCodec("start")},
    "gzip, zstd": {"compressors": [codecs.GzipCodec(1), codecs.ZstdCodec(1)]},
    "gzip, blosc, crc32c": {"compressors": [codecs.GzipCodec(1), codecs.BloscCodec(), codecs.Crc32cCodec()]},
    "shards": {"shards": SHARDS},
    "plain shards": {"shards": SHARDS, "compressors": None},
    "shards with the index at the start": {"shards": {"shape": SHARDS, "index_location": "start"}},
    "shards without checksum": _sharded(codecs.BytesCodec(), codecs.BloscCodec()),
    "shards in shards": _sharded(
        codecs.ShardingCodec(CHUNKS, [codecs.BytesCodec(), codecs.ZstdCodec()], [codecs.BytesCodec()]), inner=(30, 20)
    ),
    "compressed shards": _sharded(codecs.BytesCodec(), codecs.ZstdCodec(), compressors=[codecs.GzipCodec(1)]),
    "text": {"dtype": "string", "compressors": None},
    "bytes of any length": {"dtype": "bytes", "compressors": None},
    "compressed text": {"dtype": "string"},
    "shards of text": _sharded(codecs.VLenUTF8Codec(), dtype="string"),
    "compressed shards of text": _sharded(codecs.VLenUTF8Codec(), dtype="string", compressors=[codecs.ZstdCodec()]),
    "packbits": {"dtype": "bool", "filters": [codecs.PackBits()]},
    "delta": {"filters": [codecs.Delta("<i4", "<i8")]},
    "fixedscaleoffset": {
        "dtype": "f4",
        "filters": [codecs.FixedScaleOffset(0, 1, "<f4", "<i2")],
        "compressors": None,
    },
    "struct": {"dtype": [("a", "i2"), ("b", "f4")], "compressors": None},
    "format 2": {"zarr_format": 2, "order": "F", "dtype": ">i4", "filters": [codecs.Delta(">i4")]},
}
CHECKED = frozenset(
    ("zstd with checksum", "crc32c", "crc32c at the start", "gzip, blosc, crc32c", "gzip", "zlib", "bz2")
)
"""Chains in which damage cannot go unseen. (xz keeps a checksum too, but a flipped bit may say that there is none.)"""


@dataclass
class Victim:
    """An array with one stored object that is going to be damaged."""

    array: zarrite.Array
    cells: Any
    key: str
    stored: bytes

    def keep(self, raw: bytes) -> None:
        """Puts bytes in place of the object."""
        self.array.store.put(self.key, raw).result()

    def kept(self) -> bytes:
        """The object as it is."""
        return self.array.store.get(self.key).result()


def victim(name: str) -> Victim:
    """A fresh array of a chain."""
    settings = {"shape": SHAPE, "chunks": CHUNKS, "dtype": "i4", **CHAINS[name]}
    array = zarrite.create_array(MemoryStore(), name=PATH, **settings)
    numbers = np.random.default_rng(0).integers(0, 60, SHAPE)
    cells = cells_of(array.dtype, numbers)
    array[...] = cells
    key = min(
        key
        for key in array.store.list(PATH).result()
        if not key.endswith((".json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"))
    )
    return Victim(array, cells, key, array.store.get(key).result())


def cells_of(dtype: np.dtype[Any], numbers: Any) -> Any:
    """Cells of any type that say a number each."""
    if dtype.kind == "T":
        return np.array([f"té{number}" * (number % 4) for number in numbers.flat], dtype).reshape(numbers.shape)
    if dtype.kind == "O":
        cells = np.empty(numbers.size, dtype)
        cells[:] = [b"ab" * (number % 5) for number in numbers.flat]
        return cells.reshape(numbers.shape)
    if dtype.names:
        cells = np.zeros(numbers.shape, dtype)
        for field in dtype.names:
            cells[field] = numbers
        return cells
    return (numbers % 2 if dtype.kind == "b" else numbers).astype(dtype)


WORDS = (b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f\0\0\0\0", (2**63).to_bytes(8, "little"), b"\0\0\0\x7f\0\0\0\x7f")


def damaged(stored: bytes, numbers: random.Random, others: list[bytes]) -> bytes:
    """The object as it might be found: bits flipped, cut, too long, overwritten, with other lengths, another one."""
    raw = bytearray(stored)
    for _ in range(numbers.choice((1, 1, 1, 2, 5))):
        length = len(raw)
        if not length:
            return bytes(raw)
        at, how = numbers.randrange(length), numbers.randrange(9)
        if how <= 1:
            raw[at] ^= 1 << numbers.randrange(8)
        elif how == 2:
            del raw[at:]
        elif how == 3:
            raw += numbers.randbytes(numbers.randrange(1, 40))
        elif how == 4:
            span = min(numbers.randrange(1, 40), length - at)
            raw[at : at + span] = numbers.randbytes(span)
        elif how == 5 and length > 24:
            place = numbers.choice(
                (0, 4, 8, 12, 16, length - 8, length - 12, length - 16, length - 20, at % (length - 8))
            )
            raw[place : place + 8] = numbers.choice((*WORDS, length.to_bytes(8, "little")))
        elif how == 6:
            del raw[at : at + numbers.randrange(1, 20)]
        elif how == 7:
            raw[at:at] = raw[at : at + numbers.randrange(1, 30)]
        elif numbers.random() < 0.2:
            raw = bytearray(numbers.choice(others))
    return bytes(raw)
