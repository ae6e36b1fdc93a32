"""Stores written in Python: what they must do, and the adapter that makes a dictionary one."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any, Protocol, runtime_checkable

from zarrite.errors import StoreError

__all__ = ["MappingStore", "PythonStore"]


@runtime_checkable
class PythonStore(Protocol):
    """A place that keeps objects, written in Python. Any object with these four methods is one.

    The methods block; the engine calls them from its own threads, several at a time. A key is a path without a leading
    slash, such as `"a/b/c/0/1"`. What such a store lacks (one level's listing, moving) the engine makes of these four.

    With `put_if_absent`, `get_versioned` and `put_if_version` too, several processes may write parts of one object.
    """

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or those from `start` up to `stop`; a negative `start` counts from the end.

        `None` when there is no such object, which is not an error.
        """

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object, replacing the one that was there as a whole."""

    def delete(self, key: str) -> None:
        """Forgets an object; a missing one is fine."""

    def list(self, prefix: str) -> Iterable[str]:
        """All keys that begin with `prefix`."""


class MappingStore:
    """A dictionary (or any mutable mapping) of keys and bytes as a store. What is written shows in the mapping at once.

    Args:
        mapping: keys and values; values are bytes or anything that gives its bytes.
    """

    def __init__(self, mapping: MutableMapping[str, Any]) -> None:
        self.mapping = mapping

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of an object, or a range of them."""
        value = self.mapping.get(key)
        if value is None:
            return None
        whole = _as_bytes(key, value)
        return whole if start is None and stop is None else whole[start:stop]

    def put(self, key: str, value: bytes) -> None:
        """Keeps an object."""
        self.mapping[key] = bytes(value)

    def delete(self, key: str) -> None:
        """Forgets an object."""
        self.mapping.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        """All keys that begin with `prefix`, in order."""
        # A copy first: other threads may put while we look.
        return sorted(key for key in list(self.mapping) if key.startswith(prefix))

    def put_if_absent(self, key: str, value: bytes) -> bool:
        """Keeps an object unless there is one; says whether it did."""
        kept = bytes(value)
        return self.mapping.setdefault(key, kept) is kept

    @property
    def url(self) -> str:
        """The mapping by its identity in this process."""
        return f"memory://{id(self.mapping)}"

    def __repr__(self) -> str:
        return f"<MappingStore of {len(self.mapping)} objects>"


def _as_bytes(key: str, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "to_bytes") and not isinstance(value, int):
        return bytes(value.to_bytes())
    try:
        return bytes(memoryview(value))
    except TypeError as error:
        raise StoreError(key, f"the mapping holds a {type(value).__name__} there, not bytes") from error
