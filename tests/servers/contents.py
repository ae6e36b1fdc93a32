"""What a request's body holds: the bytes of an object, out of their wrapping and checked."""

from __future__ import annotations

import base64
import hashlib
import zlib

from servers.http1 import MalformedError, Request, unwrap
from servers.refusals import RefusalError
from servers.state import State

KEPT = ("content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires")
CHECKSUMS = {
    "content-md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
}
"""Those that the standard library computes; others are taken unchecked."""


def content(request: Request) -> bytes:
    """The bytes of the object, or part, that is put."""
    headers, data = request.headers, request.body
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    ):
        try:
            data, trailers = unwrap(data)
        except MalformedError:
            raise RefusalError("IncompleteBody") from None
        if headers.get("x-amz-decoded-content-length", str(len(data))) != str(len(data)):
            raise RefusalError("IncompleteBody")
        headers = headers | trailers
    for name in CHECKSUMS.keys() & headers.keys():
        if base64.b64encode(CHECKSUMS[name](data)).decode() != headers[name]:
            raise RefusalError("BadDigest")
    return data


def kept_headers(request: Request) -> dict[str, str]:
    """The headers that come back with the object."""
    kept = {name: value for name, value in request.headers.items() if name in KEPT or name.startswith("x-amz-meta-")}
    if "content-encoding" in kept:
        codings = [each.strip() for each in kept.pop("content-encoding").split(",")]
        if left := [each for each in codings if each and each != "aws-chunked"]:
            kept["content-encoding"] = ",".join(left)
    return kept


def etag_of(state: State, data: bytes) -> str:
    """The entity tag of new content, with its quotes."""
    if state.knobs.etags == "counter":
        return f'"{next(state.numbers):032x}"'
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
