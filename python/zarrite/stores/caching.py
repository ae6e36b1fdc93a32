"""Stores that keep what they read: from what a user says to the engine's settings."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError

__all__ = ["cached", "cached_as_asked"]


def cached(
    store: Store,
    *,
    max_bytes: int = 256 << 20,
    folder: str | os.PathLike[str] | None = None,
    check: str | float = "always",
) -> Store:
    """A store that keeps what it reads of another; see `zarrite.storage.CacheStore`.

    Raises:
        ValueError: a `check` or `max_bytes` that means nothing.
    """
    if type(max_bytes) is not int or not 0 <= max_bytes < 2**62:
        raise ValueError(f"max_bytes must be a number of bytes, not {max_bytes!r}")
    place = None if folder is None else os.path.abspath(os.path.expanduser(os.fspath(folder)))
    return _engine.cached_store(store, max_bytes, folder=place, check_s=_seconds(check))


def cached_as_asked(store: Store, asked: Any) -> Store:
    """A store with the shelf that `storage_options={"cache": ...}` asks for.

    Args:
        store: the store.
        asked: `True`, or a dictionary of `max_bytes`, `folder` and `check`.

    Raises:
        UrlError: anything else.
        ValueError: a value that means nothing.
    """
    if asked is True:
        return cached(store)
    if not isinstance(asked, Mapping) or set(asked) - {"max_bytes", "folder", "check"}:
        raise UrlError(f"the option cache is True, or a dictionary of max_bytes, folder and check; not {asked!r}")
    return cached(store, **asked)


def _seconds(check: str | float) -> float | None:
    if check == "never":
        return None
    if check == "always":
        return 0.0
    if isinstance(check, bool) or not isinstance(check, (int, float)) or not 0 <= check < math.inf:
        raise ValueError(f'check must be "always", "never" or a number of seconds, not {check!r}')
    return min(float(check), 1e9)
