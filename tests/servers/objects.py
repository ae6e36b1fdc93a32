"""A bucket in memory. One event loop serves all requests, so a change is whole or not there at all."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import formatdate


@dataclass(slots=True, frozen=True)
class Stored:
    """One object as it was written: replaced and never changed. `etag` has its quotes; `head` is lines of an answer."""

    data: bytes
    etag: str
    headers: dict[str, str]
    modified: float = field(default_factory=time.time)
    head: str = ""

    def __post_init__(self) -> None:
        kind = self.headers.get("content-type", "binary/octet-stream")
        rest = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items() if name != "content-type")
        when = formatdate(self.modified, usegmt=True)
        head = f"ETag: {self.etag}\r\nLast-Modified: {when}\r\nContent-Type: {kind}\r\n{rest}"
        object.__setattr__(self, "head", head)


@dataclass(slots=True)
class Page:
    """One answer of a list. `last` is where the next begins: after a key, or after all keys of a common prefix."""

    keys: list[str]
    prefixes: list[str]
    last: str
    last_is_prefix: bool
    more: bool


@dataclass(slots=True)
class Bucket:
    """Objects by key, the keys in order, and for a while what was there before."""

    created: float = field(default_factory=time.time)
    _objects: dict[str, Stored] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    _past: dict[str, list[tuple[float, Stored | None]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: str, ago: float = 0.0) -> Stored | None:
        """The object as it is, or as it was so many seconds ago."""
        if ago:
            then = time.monotonic() - ago
            for replaced_at, old in self._past.get(key, ()):
                if replaced_at > then:
                    return old
        return self._objects.get(key)

    def put(self, key: str, stored: Stored, remembers: float = 0.0) -> None:
        """Writes an object; what it replaces is kept for a while when asked."""
        if remembers:
            self._remember(key, remembers)
        if key not in self._objects:
            insort(self._keys, key)
        self._objects[key] = stored

    def delete(self, key: str, remembers: float = 0.0) -> None:
        """Removes an object, if there is one."""
        if key not in self._objects:
            return
        if remembers:
            self._remember(key, remembers)
        del self._objects[key]
        del self._keys[bisect_left(self._keys, key)]

    def _remember(self, key: str, seconds: float) -> None:
        now = time.monotonic()
        past = [(at, old) for at, old in self._past.get(key, ()) if at > now - seconds]
        self._past[key] = [*past, (now, self._objects.get(key))]

    def names(self, ago: float = 0.0) -> Sequence[str]:
        """Every key in order of its bytes, as it is or as it was so many seconds ago."""
        if not ago:
            return self._keys
        return sorted(key for key in self._objects.keys() | self._past.keys() if self.get(key, ago) is not None)

    def page(self, prefix: str, delimiter: str, after: str, after_is_prefix: bool, most: int, ago: float = 0.0) -> Page:
        """Keys below a prefix, those that share more up to a delimiter told once."""
        keys = self.names(ago)
        page = Page([], [], after, after_is_prefix, False)
        at = max(bisect_left(keys, prefix), _past_all(keys, after) if after_is_prefix else bisect_right(keys, after))
        while at < len(keys) and keys[at].startswith(prefix) and most:
            if len(page.keys) + len(page.prefixes) == most:
                page.more = True
                break
            key = keys[at]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                page.keys.append(key)
                page.last, page.last_is_prefix = key, False
                at += 1
            else:
                shared = key[: cut + len(delimiter)]
                page.prefixes.append(shared)
                page.last, page.last_is_prefix = shared, True
                at = _past_all(keys, shared, at)
        return page


def _past_all(keys: Sequence[str], prefix: str, start: int = 0) -> int:
    """Where the first key behind all keys of a prefix stands."""
    low, high = bisect_left(keys, prefix, start), len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle].startswith(prefix):
            low = middle + 1
        else:
            high = middle
    return low
