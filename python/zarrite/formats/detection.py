"""What lies at a place where no document of a format was found: told by first bytes, last bytes and names.

Pure: which keys to ask for, and what the answers mean. Source: format reference 6.3 and 7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .older import older_keys

__all__ = ["Clue", "clues", "recognised"]

HEAD_BYTES = 4096
"""How much of a file's start is looked at: the signature of HDF5 may stand behind a block of the user's."""
TAIL_BYTES = 22 + 4096
"""How much of its end: the last record of a zip archive, with a comment."""
MOST_BYTES = 1 << 16
"""How much of a document is looked at."""

ICECHUNK = b"ICE\xf0\x9f\xa7\x8aCHUNK"
OCDBT = b"\x0c\xdb\x3a\x2a"
ZIP_END = b"PK\x05\x06"
ZIP_START = b"PK\x03\x04"
HDF5 = b"\x89HDF\r\n\x1a\n"

ASK = "`zarrite convert` makes Zarr of a file on this machine"
FILES: tuple[tuple[bytes, str, str], ...] = (
    (b"CDF\x01", "a netCDF file", ASK),
    (b"CDF\x02", "a netCDF file", ASK),
    (b"CDF\x05", "a netCDF file", ASK),
    (b"\x93NUMPY", "a NumPy file", ASK),
    (b"II*\0", "a TIFF image", "read it with tifffile and pass the array to zarrite.save"),
    (b"MM\0*", "a TIFF image", "read it with tifffile and pass the array to zarrite.save"),
    (b"II+\0", "a TIFF image", "read it with tifffile and pass the array to zarrite.save"),
    (b"MM\0+", "a TIFF image", "read it with tifffile and pass the array to zarrite.save"),
    (b"\x89PNG", "a PNG image", "read it with imageio and pass the array to zarrite.save"),
    (b"\xff\xd8\xff", "a JPEG image", "read it with imageio and pass the array to zarrite.save"),
    (b"GRIB", "a GRIB file", "read it with cfgrib and xarray, and write it with zarrite.save"),
    (b"SIMPLE  =", "a FITS file", "read it with astropy and pass the array to zarrite.save"),
    (b"PAR1", "a Parquet file", "read it with pyarrow"),
    (b"\x1f\x8b", "packed by gzip", "put '|gzip:' behind it, and what the file within is, as in '|gzip:|zip:'"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "put '|zstd:' behind it, and what the file within is, as in '|zstd:|zip:'"),
)
KERCHUNK = "write the references to an Icechunk repository with VirtualiZarr"


class Clue(NamedTuple):
    """One thing to ask for.

    Attributes:
        name: what it is called in `recognised`.
        key: the key.
        start: the first byte; negative when counted from the end.
        stop: one past the last.
        lenient: whether a failure there says nothing, as where a server lists no directories.
    """

    name: str
    key: str
    start: int | None
    stop: int | None
    lenient: bool


def clues(path: str, *, is_file: bool) -> tuple[Clue, ...]:
    """What to ask for, all at once.

    Args:
        path: a place.
        is_file: whether it may be a file; else it is a directory.
    """
    prefix = path.strip("/") + "/" if path.strip("/") else ""
    found = [
        Clue("repo", prefix + "repo", 0, len(ICECHUNK), False),
        Clue("main", prefix + "refs/branch.main/ref.json", 0, MOST_BYTES, False),
        Clue("manifest", prefix + "manifest.ocdbt", 0, len(OCDBT), False),
        Clue("info", prefix + "info", 0, MOST_BYTES, False),
        *(Clue(key, key, 0, MOST_BYTES, False) for key in older_keys(path)),
    ]
    if is_file and prefix:
        key = prefix[:-1]
        found += [Clue("head", key, 0, HEAD_BYTES, True), Clue("tail", key, -TAIL_BYTES, None, True)]
    return tuple(found)


def recognised(answers: Mapping[str, bytes | None]) -> tuple[str, str]:
    """What the answers to some clues say: what it is, and the way out.

    Returns:
        `("zip", "")` and `("icechunk", "")` for what is opened; else a name in words and what can be done with it; two
        empty texts where nothing is recognised.
    """
    head, tail = answers.get("head") or b"", answers.get("tail") or b""
    if head[:4] == ZIP_START or _ends_as_zip(tail):
        return "zip", ""
    if any(head[at : at + len(HDF5)] == HDF5 for at in (0, 512, 1024, 2048)):
        return "an HDF5 file", ASK
    for start, what, way in FILES:
        if head.startswith(start):
            return what, way
    if head.lstrip()[:1] == b"{" and (b'"refs"' in head or b'/.zarray"' in head or b'".zgroup"' in head):
        return "a file of kerchunk references", KERCHUNK
    if answers.get("repo") == ICECHUNK or isinstance(_members(answers.get("main")).get("snapshot"), str):
        return "icechunk", ""
    if answers.get("manifest") == OCDBT:
        return "an OCDBT database", "tensorstore reads it and copies what is in it to Zarr"
    info = _members(answers.get("info"))
    if "scales" in info and "data_type" in info:
        return "a volume in the precomputed format of Neuroglancer", "tensorstore reads it and writes Zarr"
    return "", ""


def _ends_as_zip(tail: bytes) -> bool:
    """Whether the last record of an archive is there: its comment goes up to the end."""
    at = tail.rfind(ZIP_END)
    while at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + 22 + comment == len(tail):
            return True
        at = tail.rfind(ZIP_END, 0, at)
    return False


def _members(raw: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(bytes(raw or b"null"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
