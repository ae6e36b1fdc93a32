"""Stores that keep what they read: from what a user says to the engine's settings."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError

__all__ = ["cached", "cached_as_asked"]

_PROCESS = secrets.token_hex(8)


def cached(
    store: Store,
    *,
    max_bytes: int = 256 << 20,
    folder: str | os.PathLike[str] | None = None,
    check: str | float = "always",
    name: str = "",
) -> Store:
    """A store that keeps what it reads of another; see `zarrite.storage.CacheStore`.

    Args:
        store: the other store.
        max_bytes: the most that is kept, in bytes.
        folder: where; in memory when `None`.
        check: when the store is asked.
        name: names the place for every process, so that they share the folder; "" where only this one knows it.

    Raises:
        ValueError: a `check` or `max_bytes` that means nothing.
    """
    if type(max_bytes) is not int or not 0 <= max_bytes < 2**62:
        raise ValueError(f"max_bytes must be a number of bytes, not {max_bytes!r}")
    place = None if folder is None else os.path.abspath(os.path.expanduser(os.fspath(folder)))
    if place is not None:
        os.makedirs(place, mode=0o700, exist_ok=True)
    if not name:
        # A file is where it is for everybody; what a number of this process names is another thing in the next one.
        name = store.identity if store.url.startswith("file://") else f"{_PROCESS}{os.getpid()}/{store.identity}"
    return _engine.cached_store(store, max_bytes, name, folder=place, check_s=_seconds(check))


def cached_as_asked(store: Store, asked: Any, name: str) -> Store:
    """A store with the shelf that `storage_options={"cache": ...}` asks for.

    Args:
        store: the store.
        asked: `True`, or a dictionary of `max_bytes`, `folder` and `check`.
        name: names the place for every process.

    Raises:
        UrlError: anything else.
        ValueError: a value that means nothing.
    """
    if asked is True:
        return cached(store, name=name)
    if not isinstance(asked, Mapping) or set(asked) - {"max_bytes", "folder", "check"}:
        raise UrlError(f"the option cache is True, or a dictionary of max_bytes, folder and check; not {asked!r}")
    return cached(store, name=name, **asked)


def _seconds(check: str | float) -> float | None:
    if check == "never":
        return None
    if check == "always":
        return 0.0
    if isinstance(check, bool) or not isinstance(check, (int, float)) or not 0 <= check < math.inf:
        raise ValueError(f'check must be "always", "never" or a number of seconds, not {check!r}')
    return min(float(check), 1e9)
