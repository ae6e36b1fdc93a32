"""What the engine counts: caches, memory and requests of this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarrite import _engine

__all__ = ["Section", "Stats", "stats"]

_TITLES = {
    "decoded_chunks": "decoded chunks",
    "shard_indexes": "shard indexes",
    "stored_bytes": "stored bytes",
    "requests": "requests",
    "memory": "memory",
}
_CACHES = ("decoded_chunks", "shard_indexes", "stored_bytes")


class Section:
    """The counts of one part of the engine, as attributes.

    A cache has `count`, `bytes` and `budget_bytes` (what it keeps, and the most it keeps), `hits`, `misses` and
    `evictions`.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = dict(counts)

    def __getattr__(self, name: str) -> int:
        try:
            return self._counts[name]
        except KeyError:
            raise AttributeError(f"nothing is counted as {name!r}; known: {', '.join(self._counts)}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._counts]

    @property
    def hit_rate(self) -> float:
        """Hits over all that was looked for; 0.0 where nothing was."""
        hits = self._counts.get("hits", 0)
        asked = hits + self._counts.get("misses", 0)
        return hits / asked if asked else 0.0

    def to_dict(self) -> dict[str, int]:
        """The counts as a dictionary."""
        return dict(self._counts)

    def __repr__(self) -> str:
        return f"<{', '.join(f'{name}={value}' for name, value in self._counts.items())}>"


class Stats:
    """What was counted up to one moment.

    Attributes:
        decoded_chunks: the cache of decoded chunks.
        shard_indexes: shards held open, with their indexes.
        stored_bytes: what caching stores keep, all of them together.
        requests: what was sent to stores on a network: `get`, `put`, `delete`, `list` and `head`, and the bytes of
            objects in and out.
        memory: memory for results that is kept (`recycled_bytes`), and the budget of bytes in flight.
    """

    decoded_chunks: Section
    shard_indexes: Section
    stored_bytes: Section
    requests: Section
    memory: Section

    def __init__(self, sections: Mapping[str, Mapping[str, int]]) -> None:
        for name in _TITLES:
            setattr(self, name, Section(sections.get(name, {})))

    def to_dict(self) -> dict[str, dict[str, int]]:
        """The counts as dictionaries, by section."""
        return {name: getattr(self, name).to_dict() for name in _TITLES}

    def __repr__(self) -> str:
        head = ("", "hits", "misses", "rate", "evictions", "kept", "bytes", "of")
        rows: list[tuple[Any, ...]] = [head]
        for name in _CACHES:
            part = getattr(self, name)
            kept = (_size(part.bytes), _size(part.budget_bytes))
            rows.append(
                (_TITLES[name], part.hits, part.misses, f"{part.hit_rate:.0%}", part.evictions, part.count, *kept)
            )
        widths = [max(len(str(row[column])) for row in rows) for column in range(len(head))]
        lines = [
            "  ".join(
                str(cell).rjust(width) if column else str(cell).ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        for name in ("requests", "memory"):
            counts = getattr(self, name).to_dict()
            told = (f"{key.removesuffix('_bytes')} {_size(n) if key.endswith('bytes') else n}" for key, n in counts.items())
            lines.append(f"{_TITLES[name]}: {', '.join(told)}")
        return "\n".join(lines)


def _size(count: int) -> str:
    """Bytes as people read them."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def stats(*, reset: bool = False) -> Stats:
    """What the caches of this process kept and found, and what was asked of stores on a network.

    Args:
        reset: begin to count hits, misses, evictions and requests anew, once they were read. Nothing that is kept is
            given up.

    Example:
        >>> import zarrite
        >>> before = zarrite.stats(reset=True)
        >>> array = zarrite.create_array(None, shape=(1000, 1000), chunks=(500, 500), dtype="int32")
        >>> array[:] = 7
        >>> for row in range(10):
        ...     cells = array[row]
        >>> zarrite.stats().decoded_chunks.misses
        2
        >>> zarrite.stats().decoded_chunks.hits
        18
    """
    return Stats(_engine.stats(reset))
