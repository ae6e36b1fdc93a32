"""Paths inside a store: joined, and made plain."""

from __future__ import annotations

import os
import re
import sys
from typing import NamedTuple

from zarrite._engine import Store
from zarrite.errors import KeyRefusedError, UrlError

__all__ = [
    "StorePath",
    "escaped",
    "file_path",
    "join",
    "join_url",
    "normalize_path",
    "place_of",
    "scheme_of",
    "unescaped",
]


class StorePath(NamedTuple):
    """A place inside a store.

    Attributes:
        store: the store.
        path: the path in it, without slashes at its ends; empty for the root.
    """

    store: Store
    path: str = ""

    def __str__(self) -> str:
        return join_url(self.store.url, self.path)

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self.store, join(self.path, normalize_path(name)))


def join(path: str, name: str) -> str:
    """A path below another; either may be empty."""
    return f"{path}/{name}" if path and name else path or name


def place_of(store: Store, path: str) -> str:
    """Names one place in this process, whichever store leads to it: `data.zarr` with path `a`, or `data.zarr/a`."""
    return f"{store.identity}/{path}" if path else store.identity


def join_url(url: str, path: str) -> str:
    """A store's URL with a path behind it: what `zarrite.open` opens.

    Example:
        >>> join_url("s3://bucket/a.zip|zip:", "b/50%")
        's3://bucket/a.zip|zip:b/50%25'
    """
    if not path:
        return url
    path = escaped(path)
    if url[-1:] == ":" and "|" in url:
        return url + path
    stages, bar, last = url.rpartition("|")
    place, mark, query = last.partition("?")
    return f"{stages}{bar}{place.removesuffix('/')}/{path}{mark}{query}"


# What a URL gives a meaning of its own. Everything else is left to be read.
_RESERVED = re.compile(r"[%|?#\x00-\x1f\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def escaped(path: str) -> str:
    """A path as it stands in a URL. The engine's stores print theirs in the same way."""
    text = _RESERVED.sub(lambda found: f"%{ord(found.group()):02X}", path)
    return text.replace("::", ":%3A") if "::" in text else text


def unescaped(text: str) -> str:
    """A path out of a URL.

    Raises:
        UrlError: it is not UTF-8.
    """
    if "%" not in text:
        return text
    try:
        return _ESCAPE.sub(lambda found: bytes([int(found.group(1), 16)]), text.encode()).decode()
    except UnicodeDecodeError:
        raise UrlError(f"{text!r} is not UTF-8 when its %-escapes are undone") from None


def scheme_of(text: str) -> tuple[str, str]:
    """A URL's scheme and what follows its colon; an empty scheme where the text is a path."""
    name, colon, rest = text.partition(":/")
    if not colon:
        return "", text
    plain = name.replace("+", "").replace("-", "").replace(".", "")
    # One letter is a drive.
    is_scheme = len(name) > 1 and name[0].isalpha() and plain.isalnum() and plain.isascii()
    return (name.lower(), "/" + rest) if is_scheme else ("", text)


def file_path(url: str, rest: str) -> str:
    """The path of a `file:` URL: `file:///a`, `file://localhost/a` and `file:/a`.

    Raises:
        UrlError: it names another machine.
    """
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in ("", "localhost"):
            raise UrlError(f"{url!r} names the host {host!r}; only files of this machine can be opened")
        rest = slash + path
    path = unescaped(rest)
    return path.lstrip("/") if sys.platform == "win32" else path


def normalize_path(path: str | os.PathLike[str] | None) -> str:
    """A path without slashes at its ends or twice in a row.

    Raises:
        KeyRefusedError: a part of it is `.` or `..`, or holds a NUL.

    Example:
        >>> normalize_path("/a//b/")
        'a/b'
    """
    if not path:
        return ""
    if type(path) is not str:
        path = os.fspath(path)
        if not isinstance(path, str):
            raise TypeError(f"a path is text, not {type(path).__name__}")
    if "\\" in path:
        path = path.replace("\\", "/")
    if "/" in path:
        path = "/".join(part for part in path.split("/") if part)
    if "." in path and any(part in (".", "..") for part in path.split("/")):
        raise KeyRefusedError(path, "a path has no '.' or '..' parts; write out where it leads")
    if "\0" in path:
        raise KeyRefusedError(path, "a path holds no NUL character")
    return path
