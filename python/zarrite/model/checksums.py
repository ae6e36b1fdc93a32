"""Checksums: four bytes beside the data, checked when they are read. One class for all, and what differs in each."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from ..errors import MetadataValidationError
from . import fills
from .checks import choice, integer, only, refuse
from .codecs import BYTES, Codec, Lowering

LOCATIONS = ("end", "start")


class Checksum(Codec):
    """Four bytes of checksum, checked when read.

    Args:
        location: "start" or "end" of the data; left out, where this checksum usually stands.
    """

    __slots__ = ("location",)
    kind = BYTES
    is_fixed = True
    place: ClassVar[str] = "start"
    location: str

    def __init__(self, location: str | None = None) -> None:
        what = f"location of codec {self.id!r}"
        self.location = self.place if location is None else choice(location, what, LOCATIONS)

    def lower(self, chain: Lowering) -> None:
        chain.steps.append({"name": self.id, "location": self.location})


class Adler32(Checksum):
    """Adler-32, RFC 1950.

    Args:
        location: "start" or "end" of the data.
    """

    __slots__ = ()
    name = "numcodecs.adler32"
    id = "adler32"


class CRC32(Checksum):
    """CRC-32 as gzip has it.

    Args:
        location: "start" or "end" of the data.
    """

    __slots__ = ()
    name = "numcodecs.crc32"
    id = "crc32"


class Crc32cCodec(Checksum):
    """Four bytes of CRC-32C, checked when read.

    Args:
        location: "end" of the data, or "start", which only numcodecs writes.
    """

    __slots__ = ()
    name = "crc32c"
    id = "crc32c"
    place = "end"

    def __init__(self, location: str = "end") -> None:
        super().__init__(location)

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, (), "codec 'crc32c'")
        return cls()

    @classmethod
    def from_numcodecs(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("location",), "codec 'crc32c'")
        return cls(**configuration)

    def to_json(self) -> dict[str, Any]:
        if self.location == "end":
            return {"name": self.name}
        return {"name": "numcodecs.crc32c", "configuration": {"location": self.location}}


class _Trailing(Checksum):
    """A checksum that always follows the data."""

    __slots__ = ()
    place = "end"

    def configuration(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, (), f"codec {cls.name!r}")
        return cls()


class Fletcher32(_Trailing):
    """Fletcher's checksum as HDF5 has it, at the end of the data."""

    __slots__ = ()
    name = "numcodecs.fletcher32"
    id = "fletcher32"

    def __init__(self) -> None:
        super().__init__()

    def to_json(self) -> dict[str, Any]:
        # Its other readers want the member, empty or not.
        return {"name": self.name, "configuration": {}}


class JenkinsLookup3(_Trailing):
    """Bob Jenkins's lookup3 hash, as HDF5 has it, at the end of the data.

    Args:
        initval: the seed.
        prefix: bytes that the hash covers before the data; None for none. In documents they are base64 text.
    """

    __slots__ = ("initval", "prefix")
    name = "numcodecs.jenkins_lookup3"
    id = "jenkins_lookup3"
    initval: int
    prefix: bytes | None

    def __init__(self, initval: int = 0, prefix: Any = None) -> None:
        super().__init__()
        self.initval = integer(initval, "initval of codec 'jenkins_lookup3'", 0, 2**32 - 1)
        self.prefix = _prefix(prefix)

    def configuration(self) -> dict[str, Any]:
        return {"initval": self.initval, "prefix": None if self.prefix is None else fills.base64(self.prefix)}

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> Self:
        only(configuration, ("initval", "prefix"), f"codec {cls.name!r}")
        return cls(**configuration)

    def lower(self, chain: Lowering) -> None:
        prefix = (self.prefix or b"").hex()
        chain.steps.append({"name": self.id, "location": self.location, "initval": self.initval, "prefix": prefix})


def _prefix(value: Any) -> bytes | None:
    if value is None:
        return None
    found = value.tobytes() if hasattr(value, "tobytes") else value
    if isinstance(found, (str, list)):
        try:
            found = fills.bytes_from_json(found, "a prefix")
        except MetadataValidationError:
            refuse("prefix of codec 'jenkins_lookup3'", "base64 text or a list of integers from 0 to 255", value)
    if not isinstance(found, (bytes, bytearray)) or len(found) > MAX_PREFIX:
        refuse("prefix of codec 'jenkins_lookup3'", f"at most {MAX_PREFIX} bytes", value)
    return bytes(found)


MAX_PREFIX = 1 << 16
"""Bytes of a prefix, at most: it is hashed with every chunk."""
