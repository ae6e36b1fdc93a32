"""HTTP/1.1 as bytes: heads, the two ways a body is framed, and what clients of S3 wrap around a body."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl

MOST_HEAD = 64 * 1024
MOST_BODY = 5 * 1024**3
"""The longest body S3 takes in one request."""

Body = bytes | bytearray | memoryview


class MalformedError(ValueError):
    """What arrived is not HTTP/1.1; the connection cannot go on."""


@dataclass(slots=True)
class Request:
    """One request; `path` is as it was sent, escapes and all."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    keeps: bool
    bucket: str = ""
    key: str = ""
    operation: str = ""
    body: bytes = b""


@dataclass(slots=True)
class Reply:
    """One answer. `headers` are whole lines; `length` is what Content-Length says where that is not the body's."""

    status: int
    body: Body = b""
    headers: str = ""
    length: int | None = None


def parse_head(head: bytes) -> Request:
    """A request out of the lines before its body."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedError(f"the first line is no request: {lines[0][:80]!r}")
    method, target, version = words
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedError(f"a header without a colon: {line[:80]!r}")
        headers[name.lower()] = value.strip()
    path, mark, query = target.partition("?")
    if not path.startswith("/") and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    wish = headers.get("connection", "").lower()
    keeps = "close" not in wish if version == "HTTP/1.1" else "keep-alive" in wish
    return Request(method, target, path, dict(parse_qsl(query, True)) if mark else {}, headers, keeps)


@dataclass(slots=True)
class Sized:
    """A body whose length its head tells."""

    length: int

    def take(self, inbox: bytearray) -> bytes | None:
        """The whole body, taken off the front of what arrived; None until it is whole."""
        if len(inbox) < self.length:
            return None
        body = bytes(memoryview(inbox)[: self.length])
        del inbox[: self.length]
        return body


@dataclass(slots=True)
class Chunked:
    """A body in the chunked transfer encoding."""

    parts: list[bytes] = field(default_factory=list)
    length: int = 0
    left: int = -1

    def take(self, inbox: bytearray) -> bytes | None:
        """The whole body, taken off the front of what arrived; None until it is whole."""
        while True:
            if self.left < 0:
                end = inbox.find(b"\r\n")
                if end < 0:
                    return None
                self.left = _hexadecimal(bytes(inbox[:end]))
                self.length += self.left
                if self.length > MOST_BODY:
                    raise MalformedError("a chunked body longer than any object")
                if self.left:
                    del inbox[: end + 2]
                else:  # the last: trailers may follow, an empty line ends them
                    self.left = -1
                    stop = inbox.find(b"\r\n\r\n", end)
                    if stop < 0:
                        return None
                    del inbox[: stop + 4]
                    return b"".join(self.parts)
            if len(inbox) < self.left + 2:
                return None
            self.parts.append(bytes(memoryview(inbox)[: self.left]))
            del inbox[: self.left + 2]
            self.left = -1


def framing(request: Request) -> Sized | Chunked:
    """How the body of a request is told from what follows it."""
    coding = request.headers.get("transfer-encoding", "identity").lower()
    if coding == "chunked":
        return Chunked()
    length = request.headers.get("content-length", "0")
    if coding != "identity" or not length.isdecimal() or len(length) > 15 or int(length) > MOST_BODY:
        raise MalformedError(f"a body framed by {coding!r}, {length!r}")
    return Sized(int(length))


def unwrap(body: bytes) -> tuple[bytes, dict[str, str]]:
    """What an aws-chunked body holds, and the trailers behind it."""
    parts = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise MalformedError("an aws-chunked body without its last chunk")
        length = _hexadecimal(body[at:end])
        at = end + 2
        if not length:
            break
        if at + length + 2 > len(body):
            raise MalformedError("an aws-chunked body that ends inside a chunk")
        parts.append(body[at : at + length])
        at += length + 2
    lines = body[at:].decode("latin-1").split("\r\n")
    trailers = {name.lower(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    return b"".join(parts), trailers


def _hexadecimal(line: bytes) -> int:
    """The length at the start of a chunk's first line."""
    digits = line.split(b";", 1)[0].strip()
    if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
        raise MalformedError(f"a chunk of length {digits[:20]!r}")
    return int(digits, 16)


def status_line(status: int) -> str:
    """The first line of a reply."""
    try:
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    except ValueError:
        return f"HTTP/1.1 {status} Unknown\r\n"


_LINES = {int(status): status_line(status) for status in HTTPStatus}
_DATE = [0, ""]


def render_head(reply: Reply, length: int, keeps: bool) -> bytes:
    """The lines of a reply before its body."""
    now = int(time.time())
    if now != _DATE[0]:
        _DATE[:] = now, f"Date: {formatdate(now, usegmt=True)}\r\n"
    told = "" if reply.status in {204, 304} else f"Content-Length: {length}\r\n"
    first = _LINES.get(reply.status) or status_line(reply.status)
    end = "\r\n" if keeps else "Connection: close\r\n\r\n"
    return f"{first}{_DATE[1]}{reply.headers}{told}{end}".encode("latin-1")
