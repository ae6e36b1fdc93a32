"""Arrays of every kind that more than one library knows, and which library knows which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import strategies
import zarrite
from zarrite import codecs

SHAPE, CHUNKS = (7, 5), (3, 2)
TRICKY = (np.uint32(0x7FC12345).view("f4"), np.float32(-0.0), np.float32(np.inf), np.float32(1e-45))


@dataclass(frozen=True)
class Case:
    """An array to be made, and who does not know what it is made of."""

    name: str
    settings: dict[str, Any]
    unknown: frozenset[str] = frozenset()
    tame: bool = False

    def knows(self, library: str, do: str) -> bool:
        """Whether a library can read or write this."""
        if library in self.unknown:
            return False
        # It takes what DLPack can carry.
        return library != "zarrista" or do == "read" or self.plain_numbers()

    def plain_numbers(self) -> bool:
        """Whether cells are booleans, integers or floats."""
        dtype = self.settings.get("dtype", "i4")
        return not isinstance(dtype, list) and dtype not in strategies.VARYING and np.dtype(dtype).kind in "biuf"

    def make(self, path: Path) -> tuple[zarrite.Array, Any]:
        """Writes it with cells of any bits; gives both."""
        settings = {"shape": SHAPE, "chunks": CHUNKS, "dtype": "i4", **self.settings}
        array = zarrite.create_array(path, **settings)
        cells = self.cells(array, 1)
        array[...] = cells
        return array, cells

    def cells(self, array: zarrite.Array, seed: int) -> Any:
        """Cells for it, of any bits."""
        return strategies.random_cells(array.dtype, array.shape, seed, tame=self.tame)

    def tame_cells(self, array: zarrite.Array, seed: int) -> Any:
        """Cells for it without negative zeros and odd NaNs, which other writers take for fill values."""
        return strategies.random_cells(array.dtype, array.shape, seed, tame=self.tame or array.dtype.kind in "fc")


NO_TENSORSTORE = frozenset(("tensorstore",))
PYTHON = frozenset(("zarr", "zarr-new"))
RUST = frozenset(("zarrs", "zarrista"))
ALONE = RUST | NO_TENSORSTORE
IRREGULAR = NO_TENSORSTORE | {"zarr"}
""""zarr" is zarr-python 3.1, the last for Python 3.11; "zarr-new" what the peers' interpreter has."""


def _types() -> list[Case]:
    plain = ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
    floats = ("float16", "float32", "float64", "complex64", "complex128")
    found = [Case(f"{name}", {"dtype": name}) for name in (*plain, *floats)]
    found += [
        Case("r24", {"dtype": "r24"}, PYTHON | ALONE),
        Case("raw_bytes", {"dtype": "V5"}, ALONE),
        Case("null_terminated_bytes", {"dtype": "S5"}, ALONE),
        Case("fixed_length_utf32", {"dtype": "U4"}, ALONE),
        Case("datetime64", {"dtype": "M8[ns]"}, NO_TENSORSTORE),
        Case("timedelta64", {"dtype": "m8[25s]"}, NO_TENSORSTORE),
        Case("string", {"dtype": "string"}, NO_TENSORSTORE),
        Case("bytes", {"dtype": "bytes"}, NO_TENSORSTORE),
        Case("struct", {"dtype": [("a", "i2"), ("b", "f4")]}, RUST | {"zarr"}),
        Case("nested struct", {"dtype": [("a", "u1"), ("b", [("c", "f8"), ("d", "S2")])]}, ALONE | {"zarr"}),
    ]
    return found


def _codecs() -> list[Case]:
    found = [
        Case("no compressor", {"compressors": None}),
        Case("gzip", {"compressors": codecs.GzipCodec(5)}),
        Case("zstd", {"compressors": codecs.ZstdCodec(3)}),
        Case("zstd with checksum", {"compressors": codecs.ZstdCodec(3, True)}),
        Case("crc32c", {"compressors": codecs.Crc32cCodec()}),
        Case("gzip, crc32c", {"compressors": [codecs.GzipCodec(1), codecs.Crc32cCodec()]}),
        Case("bitround", {"dtype": "f4", "filters": [codecs.BitRound(8)]}, PYTHON | NO_TENSORSTORE | {"zarrs"}, True),
    ]
    for name in ("lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib"):
        for shuffle in ("noshuffle", "shuffle", "bitshuffle"):
            codec = codecs.BloscCodec(cname=name, shuffle=shuffle)
            unknown = PYTHON if name == "snappy" else frozenset()  # numcodecs is built without it
            larger = {"shape": (70, 50), "chunks": (30, 20), "dtype": "f8"}
            found.append(Case(f"blosc {name} {shuffle}", {"compressors": codec, **larger}, unknown))
    packed = {"dtype": "bool", "serializer": codecs.PackBitsCodec("first_byte"), "compressors": None}
    scaled = {"dtype": "f4", "filters": [codecs.ScaleOffset(0, 2)]}
    found += [
        Case("packbits", packed, PYTHON | NO_TENSORSTORE | {"zarrs"}),
        Case("scale_offset", scaled, ALONE | {"zarr"}, True),
    ]
    numcodecs: dict[str, dict[str, Any]] = {
        "adler32": {"compressors": [codecs.Adler32()]},
        "crc32": {"compressors": [codecs.Zlib(1), codecs.CRC32("end")]},
        "crc32c": {"compressors": [codecs.Crc32cCodec("start")]},
        "fletcher32": {"compressors": [codecs.Shuffle(4), codecs.Zlib(1), codecs.Fletcher32()]},
        "jenkins_lookup3": {"compressors": [codecs.JenkinsLookup3(7)]},
        "zlib": {"compressors": codecs.Zlib(1)},
        "bz2": {"compressors": codecs.BZ2(1)},
        "lz4": {"compressors": codecs.LZ4()},
        "lzma": {"compressors": codecs.LZMA(preset=0)},
        "shuffle": {"compressors": [codecs.Shuffle(4), codecs.Zlib(1)]},
        "delta": {"filters": [codecs.Delta("<i4")]},
        "astype": {"filters": [codecs.AsType("<i8", "<i4")]},
        "fixedscaleoffset": {"dtype": "f8", "filters": [codecs.FixedScaleOffset(10, 2, "<f8", "<i2")]},
        "quantize": {"dtype": "f8", "filters": [codecs.Quantize(1, "<f8")]},
        "packbits": {"dtype": "bool", "filters": [codecs.PackBits()]},
    }
    found += [Case(f"numcodecs.{name}", settings, ALONE, True) for name, settings in numcodecs.items()]
    return found


def _layouts() -> list[Case]:
    chain = [codecs.TransposeCodec([1, 0]), codecs.BytesCodec("big"), codecs.GzipCodec(1)]
    plain = [codecs.BytesCodec()]
    index = [codecs.BytesCodec(), codecs.Crc32cCodec()]
    return [
        Case("big endian", {"serializer": codecs.BytesCodec("big"), "dtype": "f8"}),
        Case("big-endian complex", {"serializer": codecs.BytesCodec("big"), "dtype": "c8"}, frozenset(("zarrs",))),
        Case("transpose", {"filters": [codecs.TransposeCodec([1, 0])]}),
        Case(
            "transpose of three axes",
            {"shape": (4, 5, 6), "chunks": (2, 3, 4), "filters": [codecs.TransposeCodec([2, 0, 1])]},
        ),
        Case("shards", {"shards": (6, 4)}),
        Case("shards of plain chunks", {"shards": (6, 4), "compressors": None}),
        Case("shards with the index at the start", {"shards": {"shape": (6, 4), "index_location": "start"}}),
        Case(
            "shards without a checksum",
            {"chunks": (6, 4), "serializer": codecs.ShardingCodec(CHUNKS, plain, plain), "compressors": None},
        ),
        Case(
            "shards of turned chunks",
            {"chunks": (6, 4), "serializer": codecs.ShardingCodec(CHUNKS, chain, index), "compressors": None},
        ),
        Case(
            "turned shards",
            {
                "chunks": (6, 4),
                "filters": [codecs.TransposeCodec([1, 0])],
                "serializer": codecs.ShardingCodec((2, 3), plain, index),
                "compressors": None,
            },
            PYTHON | {"zarrs"},  # they compare the shapes before the turn
        ),
        Case(
            "shards in shards",
            {
                "shape": (13, 9),
                "chunks": (12, 8),
                "serializer": codecs.ShardingCodec((6, 4), [codecs.ShardingCodec(CHUNKS, chain, index)], index),
                "compressors": None,
            },
        ),
        Case(
            "compressed shards",
            {
                "chunks": (6, 4),
                "serializer": codecs.ShardingCodec(CHUNKS, plain, index),
                "compressors": codecs.GzipCodec(1),
            },
            NO_TENSORSTORE,
        ),
        Case("shards of text", {"dtype": "string", "shards": (6, 4)}, NO_TENSORSTORE),
        Case("keys with dots", {"chunk_key_encoding": {"name": "default", "separator": "."}}),
        Case("keys of format 2", {"chunk_key_encoding": {"name": "v2", "separator": "."}}),
        Case("keys of format 2 with slashes", {"chunk_key_encoding": {"name": "v2", "separator": "/"}}),
        Case("chunks of listed lengths", {"chunks": [[3, 1, 3], [2, 3]]}, IRREGULAR),
        Case("chunks of runs", {"shape": (70, 50), "chunks": [[[3, 20], 4, [2, 4]], 20]}, IRREGULAR),
        Case("chunks beyond the end", {"chunks": [[3, 3, 3, 3], [[4, 2]]]}, IRREGULAR),
        Case("turned chunks of listed lengths", {"chunks": [[3, 4], 2], "filters": chain[:1]}, IRREGULAR),
        Case("text in chunks of listed lengths", {"dtype": "string", "chunks": [[3, 4], 2]}, IRREGULAR),
        Case("shards of listed lengths", {"chunks": (1, 2), "shards": [[3, 4], [4, 2]]}, IRREGULAR),
        Case("no axes", {"shape": (), "chunks": ()}),
        Case("no cells", {"shape": (0, 4), "chunks": (2, 2)}),
        Case("one chunk larger than the array", {"chunks": (20, 20)}),
        Case("five axes", {"shape": (2, 3, 2, 3, 2), "chunks": (1, 2, 2, 2, 1)}),
        Case("names of axes", {"dimension_names": ["y", None], "attributes": {"units": "m", "list": [1, 2.5, None]}}),
        *(Case(f"fill value {number}", {"dtype": "f4", "fill_value": value}) for number, value in enumerate(TRICKY)),
        Case("fill value of complex", {"dtype": "c16", "fill_value": complex(-0.0, float("inf"))}),
        Case("fill value of 64 bits", {"dtype": "u8", "fill_value": 2**64 - 1}),
    ]


def _format_2() -> list[Case]:
    found = [
        Case(f"v2 {name}", {"dtype": name}, frozenset(("zarrs",) if name[0] == ">" else ()))
        for name in ("bool", "<i2", ">i2", "<u8", ">u8", "<f2", "<f4", ">f8", "<c8", ">c16")
    ]
    found += [
        Case("v2 S5", {"dtype": "S5"}, ALONE),
        Case("v2 U4", {"dtype": "<U4"}, ALONE),
        Case("v2 V5", {"dtype": "V5"}, ALONE),
        Case("v2 datetime", {"dtype": "<M8[ns]"}, ALONE),
        Case("v2 text", {"dtype": "string"}, NO_TENSORSTORE | RUST),
        Case("v2 struct", {"dtype": [("a", "<i2"), ("b", ">f4")]}, RUST),
        Case("v2 nested struct", {"dtype": [("a", "u1"), ("b", [("c", "<f8")])]}, ALONE | PYTHON),
        Case("v2 order F", {"order": "F"}, frozenset(("zarrs",))),
        Case("v2 slashes", {"chunk_key_encoding": {"name": "v2", "separator": "/"}}),
        Case("v2 no compressor", {"compressors": None}),
        Case("v2 no axes", {"shape": (), "chunks": ()}),
        Case("v2 without fill value", {"fill_value": None}),
        Case("v2 fill value", {"dtype": "f4", "fill_value": np.float32(np.nan)}),
    ]
    for name, codec in {
        "zstd": codecs.ZstdCodec(3),
        "gzip": codecs.GzipCodec(1),
        "zlib": codecs.Zlib(1),
        "bz2": codecs.BZ2(1),
        "lz4": codecs.LZ4(),
        "lzma": codecs.LZMA(preset=0),
        "blosc": codecs.BloscCodec(cname="lz4", shuffle="shuffle"),
        "blosc bitshuffle": codecs.BloscCodec(cname="zstd", shuffle="bitshuffle"),
    }.items():
        unknown = {"zlib": {"zarrista"}, "bz2": {"zarrista"}, "lz4": ALONE, "lzma": ALONE}.get(name, frozenset())
        found.append(Case(f"v2 {name}", {"compressors": codec}, frozenset(unknown)))
    for name, (dtype, chain) in {
        "delta": ("<i4", [codecs.Delta("<i4")]),
        "big-endian delta": (">i4", [codecs.Delta(">i4", ">i8")]),
        "shuffle": ("<i4", [codecs.Shuffle(4)]),
        "fixedscaleoffset": ("<f8", [codecs.FixedScaleOffset(10, 2, "<f8", "<i2")]),
        "astype": ("<i4", [codecs.AsType("<i8", "<i4")]),
        "packbits": ("bool", [codecs.PackBits()]),
        "bitround": ("<f4", [codecs.BitRound(8)]),
        "quantize": ("<f8", [codecs.Quantize(1, "<f8")]),
        "delta, order F": ("<i4", [codecs.Delta("<i4")]),
    }.items():
        order = "F" if name.endswith("F") else "C"
        found.append(Case(f"v2 {name}", {"dtype": dtype, "filters": chain, "order": order}, ALONE, True))
    return [Case(one.name, {"zarr_format": 2, **one.settings}, one.unknown, one.tame) for one in found]


def _reshaped_and_split() -> list[Case]:
    """Chains that one library beside this one knows."""
    only_zarrista = PYTHON | NO_TENSORSTORE | {"zarrs"}
    chunk = {"shape": (5, 7, 9), "chunks": (2, 4, 3)}
    shards = codecs.ShardingCodec((4, 3), [codecs.BytesCodec()])
    packed = [codecs.BytesCodec(), codecs.ZstdCodec()]
    data = [codecs.BytesCodec(None), codecs.GzipCodec(1)]
    split = {"dtype": "string", "compressors": None}
    found = {
        "reshape": {**chunk, "filters": [codecs.ReshapeCodec([[0, 1], -1])]},
        "reshape, transpose": {**chunk, "filters": [codecs.ReshapeCodec([-1, [2]]), codecs.TransposeCodec([1, 0])]},
        "transpose, reshape": {**chunk, "filters": [codecs.TransposeCodec([2, 0, 1]), codecs.ReshapeCodec([[0], 8])]},
        "reshape before shards": {
            **chunk,
            "filters": [codecs.ReshapeCodec([[0, 1], [2]])],
            "serializer": shards,
            "compressors": None,
        },
        "squeeze": {
            "shape": (3, 5, 4),
            "chunks": (1, 5, 2),
            "filters": [codecs.SqueezeCodec(), codecs.TransposeCodec([1, 0])],
        },
        "zarrs.vlen": {"serializer": codecs.VLenCodec(packed, data), **split},
        "zarrs.vlen with the index at the end": {
            "serializer": codecs.VLenCodec(packed, data, "uint32", "end"),
            **split,
        },
        "zarrs.vlen_v2": {"serializer": codecs.VLenV2Codec(), **split},
    }
    return [Case(name, settings, only_zarrista) for name, settings in found.items()]


CASES = {case.name: case for case in (*_types(), *_codecs(), *_layouts(), *_format_2(), *_reshaped_and_split())}
