"""Paths inside a store: joined, and made plain."""

from __future__ import annotations

import os

from zarrite._engine import Store
from zarrite.errors import KeyRefusedError

__all__ = ["join", "join_url", "normalize_path", "place_of"]


def join(path: str, name: str) -> str:
    """A path below another; either may be empty."""
    return f"{path}/{name}" if path and name else path or name


def place_of(store: Store, path: str) -> str:
    """Names one place in this process, whichever store leads to it: `data.zarr` with path `a`, or `data.zarr/a`."""
    return f"{store.identity}/{path}" if path else store.identity


def join_url(url: str, path: str) -> str:
    """A store's URL with a path behind it."""
    return f"{url.rstrip('/')}/{path}" if path else url


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
