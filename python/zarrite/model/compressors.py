"""Codecs from bytes to bytes that make them fewer, and the shuffle that helps them."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from ..errors import MetadataValidationError
from .checks import choice, flag, integer, only, refuse
from .codecs import BYTES, Cells, Codec, Lowering


class _Level(Codec):
    """A compressor that has a level and nothing else."""

    __slots__ = ("level",)
    kind = BYTES
    is_compressor = True
    lowest: ClassVar[int] = 0
    highest: ClassVar[int] = 9
    level: int

    def __init__(self, level: int = 1) -> None:
        self.level = integer(level, f"level of codec {self.name!r}", self.lowest, self.highest)

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.id, "level": self.level})


class GzipCodec(_Level):
    """gzip, RFC 1952.

    Args:
        level: 0 (stored) to 9 (smallest); -1 is the library's own choice, 6.
    """

    __slots__ = ()
    name = "gzip"
    id = "gzip"

    def __init__(self, level: int = 5) -> None:
        super().__init__(6 if level == -1 and level is not True else level)


class Zlib(_Level):
    """zlib, RFC 1950.

    Args:
        level: 0 (stored) to 9 (smallest); -1 is the library's own choice, 6.
    """

    __slots__ = ()
    name = "numcodecs.zlib"
    id = "zlib"

    def __init__(self, level: int = 1) -> None:
        super().__init__(6 if level == -1 and level is not True else level)


class BZ2(_Level):
    """bzip2.

    Args:
        level: 1 to 9, the block size in 100 kB.
    """

    __slots__ = ()
    name = "numcodecs.bz2"
    id = "bz2"
    lowest = 1


class ZstdCodec(Codec):
    """Zstandard, RFC 8878.

    Args:
        level: -131072 (fastest) to 22 (smallest); 0 is the library's own choice, 3.
        checksum: whether each chunk carries a checksum of its own.
    """

    __slots__ = ("checksum", "level")
    name = "zstd"
    id = "zstd"
    kind = BYTES
    is_compressor = True
    level: int
    checksum: bool

    def __init__(self, level: int = 0, checksum: bool = False) -> None:
        self.level = integer(level, "level of codec 'zstd'", -131072, 22)
        self.checksum = flag(checksum, "checksum of codec 'zstd'")

    @classmethod
    def from_numcodecs(cls, configuration: dict[str, Any]) -> Self:
        # numcodecs takes any level, and means the highest by what lies above.
        level = configuration.get("level")
        found = dict(configuration)
        if type(level) is int and level > 22:
            found["level"] = 22
        # GDAL writes its options as it has them: "NO".
        checksum = found.get("checksum")
        if checksum in ("NO", "YES"):
            found["checksum"] = checksum == "YES"
        return cls.from_configuration(found)

    def configuration(self) -> dict[str, Any]:
        # zarrs opens no array of format 3 whose document leaves the checksum out.
        return {"level": self.level, "checksum": self.checksum}

    def get_config(self) -> dict[str, Any]:
        # In format 2 strict readers refuse the member; there it is written only where it says something.
        checksum = {"checksum": True} if self.checksum else {}
        return {"id": self.id, "level": self.level, **checksum}

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "zstd", "level": self.level, "checksum": self.checksum})


SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
GDAL_SHUFFLES = ("NONE", "BYTE", "BIT")
CNAMES = ("lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib")


class BloscCodec(Codec):
    """Blosc 1: a shuffle and one of six compressors, in blocks.

    Args:
        typesize: bytes the shuffle works on; left out, those of a cell.
        cname: the compressor inside.
        clevel: 0 to 9.
        shuffle: "noshuffle", "shuffle" or "bitshuffle"; left out, "bitshuffle" for cells of one byte, else "shuffle".
        blocksize: in bytes; 0 is the library's own choice.
    """

    __slots__ = ("blocksize", "clevel", "cname", "shuffle", "typesize")
    name = "blosc"
    id = "blosc"
    kind = BYTES
    is_compressor = True
    typesize: int | None
    cname: str
    clevel: int
    shuffle: str | None
    blocksize: int

    def __init__(
        self,
        typesize: int | None = None,
        cname: str = "zstd",
        clevel: int = 5,
        shuffle: str | None = None,
        blocksize: int = 0,
    ) -> None:
        self.typesize = None if typesize is None else integer(typesize, "typesize of codec 'blosc'", low=1)
        self.cname = choice(str(getattr(cname, "value", cname)), "cname of codec 'blosc'", CNAMES)
        self.clevel = integer(clevel, "clevel of codec 'blosc'", 0, 9)
        shuffle = getattr(shuffle, "value", shuffle)
        self.shuffle = None if shuffle is None else choice(shuffle, "shuffle of codec 'blosc'", SHUFFLES)
        self.blocksize = integer(blocksize, "blocksize of codec 'blosc'", 0, 2**31 - 1)

    def configuration(self) -> dict[str, Any]:
        found = {
            "typesize": self.typesize,
            "cname": self.cname,
            "clevel": self.clevel,
            "shuffle": self.shuffle,
            "blocksize": self.blocksize,
        }
        return {name: value for name, value in found.items() if value is not None}

    def get_config(self) -> dict[str, Any]:
        shuffle = -1 if self.shuffle is None else SHUFFLES.index(self.shuffle)
        return {
            "id": self.id,
            "cname": self.cname,
            "clevel": self.clevel,
            "shuffle": shuffle,
            "blocksize": self.blocksize,
        }

    @classmethod
    def from_numcodecs(cls, configuration: dict[str, Any]) -> Self:
        # `typesize` is in documents of some versions; the frames say it, and the shuffle follows the cells.
        only(configuration, ("cname", "clevel", "shuffle", "blocksize", "typesize"), "codec 'blosc'")
        number = configuration.get("shuffle", 1)
        if number in GDAL_SHUFFLES:  # GDAL writes its option as it has it
            number = GDAL_SHUFFLES.index(number)
        shuffle = None if number == -1 else SHUFFLES[choice(number, "shuffle of codec 'blosc'", (0, 1, 2, -1))]
        return cls(
            None,
            configuration.get("cname", "lz4"),
            configuration.get("clevel", 5),
            shuffle,
            configuration.get("blocksize", 0),
        )

    def settle(self, cells: Cells) -> Codec:
        if self.typesize is not None and self.shuffle is not None:
            return self
        typesize = self.typesize or max(1, 1 if cells.vlen else cells.numpy.itemsize)
        shuffle = self.shuffle or ("bitshuffle" if typesize == 1 else "shuffle")
        return type(self)(typesize, self.cname, self.clevel, shuffle, self.blocksize)

    def lower(self, chain: Lowering) -> None:
        typesize = self.typesize or 1
        chain.steps.append(
            {
                "name": "blosc",
                "cname": self.cname,
                "clevel": self.clevel,
                "shuffle": SHUFFLES.index(self.shuffle or "noshuffle"),
                "typesize": typesize if typesize < 256 else 1,  # the frame has one byte for it
                "blocksize": self.blocksize,
            }
        )


class LZ4(Codec):
    """An LZ4 block behind its length, as numcodecs writes it.

    Args:
        acceleration: 1 or more; larger is faster and compresses less.
    """

    __slots__ = ("acceleration",)
    name = "numcodecs.lz4"
    id = "lz4"
    kind = BYTES
    is_compressor = True
    acceleration: int

    def __init__(self, acceleration: int = 1) -> None:
        # The library takes everything below 1 as 1.
        self.acceleration = max(1, integer(acceleration, "acceleration of codec 'lz4'", -(2**31), 2**31 - 1))

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "lz4", "acceleration": self.acceleration})


DELTA_FILTER, LZMA2_FILTER = 0x03, 0x21
"""Numbers of two filters of the XZ format."""


class LZMA(Codec):
    """LZMA or XZ, with the numbers of Python's `lzma` module.

    Args:
        format: 1 is XZ, 2 is the older .lzma, 3 is raw.
        check: the integrity check; -1 is the format's own.
        preset: 0 to 9, with or without 2^31 for "extreme"; None for the library's own choice.
        filters: a chain of the library's filters in place of a preset.
    """

    __slots__ = ("check", "filters", "format", "preset")
    name = "numcodecs.lzma"
    id = "lzma"
    kind = BYTES
    is_compressor = True
    format: int
    check: int
    preset: int | None
    filters: tuple[tuple[tuple[str, int], ...], ...] | None

    def __init__(
        self, format: int = 1, check: int = -1, preset: int | None = None, filters: list[dict[str, int]] | None = None
    ) -> None:
        self.format = integer(format, "format of codec 'lzma'", 1, 3)
        self.check = integer(check, "check of codec 'lzma'", -1, 15)
        self.preset = None if preset is None else integer(preset, "preset of codec 'lzma'", 0, 2**32 - 1)
        self.filters = _lzma_filters(filters)
        if self.format == 3 and self.filters is None:
            raise MetadataValidationError(
                "codec 'lzma' needs filters with format 3 (raw): nothing else says what they are"
            )

    @classmethod
    def from_numcodecs(cls, configuration: dict[str, Any]) -> Self:
        # GDAL says the first filter of its chain apart, and means XZ: its distance in bytes.
        if "delta" not in configuration:
            return cls.from_configuration(configuration)
        found = dict(configuration)
        distance = integer(found.pop("delta"), "delta of codec 'lzma'", 1, 256)
        packed = {"id": LZMA2_FILTER, "preset": found.pop("preset", None) or 6}
        return cls.from_configuration({**found, "filters": [{"id": DELTA_FILTER, "dist": distance}, packed]})

    def configuration(self) -> dict[str, Any]:
        filters = None if self.filters is None else [dict(one) for one in self.filters]
        return {"format": self.format, "check": self.check, "preset": self.preset, "filters": filters}

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "lzma", **self.configuration()})


def _lzma_filters(filters: object) -> tuple[tuple[tuple[str, int], ...], ...] | None:
    if not filters:
        return None
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        refuse("filters of codec 'lzma'", "a list of objects", filters)
    return tuple(
        tuple((key, integer(value, f"{key} in the filters of codec 'lzma'", 0, 2**64)) for key, value in one.items())
        for one in filters
    )


class Shuffle(Codec):
    """The first bytes of all elements, then the second ones, and so on.

    Args:
        elementsize: bytes of an element.
    """

    __slots__ = ("elementsize",)
    name = "numcodecs.shuffle"
    id = "shuffle"
    kind = BYTES
    is_fixed = True
    elementsize: int

    def __init__(self, elementsize: int = 4) -> None:
        self.elementsize = integer(elementsize, "elementsize of codec 'shuffle'", 0, 2**31 - 1)

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": "shuffle", "elementsize": self.elementsize})
