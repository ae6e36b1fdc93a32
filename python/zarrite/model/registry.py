"""Names and what they stand for: built-in classes, aliases, and classes that other packages declare.

Other packages declare codecs in the entry point group `zarrite.codecs`; the group is read when a name is not known
here, never at import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from ..errors import UnknownNameError, meant

N = TypeVar("N")


class Registry(Generic[N]):
    """A table of names, filled by listing.

    Args:
        kind: what the names stand for, in the singular; the entry point group is `zarrite.<kind>s`.
        known: the built-in entries, by name.
        aliases: other spellings, each with the name it means.
        error: what an unknown name raises.
    """

    def __init__(
        self,
        kind: str,
        known: Mapping[str, N],
        aliases: Mapping[str, str] | None = None,
        error: type[Exception] = UnknownNameError,
    ) -> None:
        self.kind = kind
        self.error = error
        self._known = dict(known)
        self._aliases = dict(aliases or {})
        self._plugins: dict[str, Any] | None = None

    def get(self, name: str) -> N | None:
        """What the name stands for, or None when nothing does."""
        found = self._known.get(name)
        if found is None:
            found = self._known.get(self._aliases.get(name, ""))
        if found is None:
            found = self._load(name)
        return found

    def __getitem__(self, name: str) -> N:
        found = self.get(name)
        if found is None:
            raise self.error(
                f"no {self.kind} is called {name!r}"
                + (
                    meant(name, self)
                    or f"; known: {', '.join(sorted(self))}. "
                    f"A package can add one with the entry point group 'zarrite.{self.kind}s'"
                )
            )
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def add(self, name: str, entry: N, aliases: Iterable[str] = ()) -> None:
        """Lists one more entry; a name that is already listed now stands for this one."""
        self._known[name] = entry
        for alias in aliases:
            self._aliases[alias] = name

    def _load(self, name: str) -> N | None:
        if self._plugins is None:
            # Costs tens of milliseconds, so it waits for a name that nothing else explains.
            from importlib import metadata

            self._plugins = {point.name: point for point in metadata.entry_points(group=f"zarrite.{self.kind}s")}
        point = self._plugins.get(name)
        if point is None:
            return None
        try:
            entry: N = point.load()
        except Exception as error:
            raise self.error(
                f"{self.kind} {name!r} is declared by the entry point {point.value!r}, which cannot be loaded: {error}"
            ) from error
        self._known[name] = entry
        return entry
