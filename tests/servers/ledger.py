"""A line for every request that a server saw."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. Times are of the monotonic clock, in seconds; bytes are those of bodies.

    `status` is 0 when no answer was sent. `in_flight` counts the requests under way when this one began, and itself.
    """

    number: int
    method: str
    bucket: str
    key: str
    operation: str
    range: str
    query: dict[str, str]
    headers: dict[str, str]
    connection: int
    begun: float
    in_flight: int
    status: int = 0
    sent: int = 0
    received: int = 0
    ended: float = 0.0
    fault: str = ""


@dataclass(slots=True)
class Ledger:
    """Every request since the last reset."""

    entries: list[Entry] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def begin(
        self,
        method: str,
        bucket: str,
        key: str,
        operation: str,
        query: dict[str, str],
        headers: dict[str, str],
        connection: int,
    ) -> Entry:
        """A line for a request whose head has arrived."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        entry = Entry(
            len(self.entries),
            method,
            bucket,
            key,
            operation,
            headers.get("range", ""),
            query,
            headers,
            connection,
            time.monotonic(),
            self.in_flight,
        )
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry, status: int, sent: int) -> None:
        """The request is over."""
        self.in_flight -= 1
        entry.status, entry.sent, entry.ended = status, sent, time.monotonic()

    def reset(self) -> None:
        """Forgets every request; those under way still count as such."""
        self.entries = []
        self.most_in_flight = self.in_flight

    def chosen(self, wanted: dict[str, str]) -> list[Entry]:
        """The lines whose fields are as wanted; of `key`, the beginning."""
        unknown = wanted.keys() - {each.name for each in fields(Entry)}
        if unknown:
            raise ValueError(f"a line of the ledger has no {sorted(unknown)}")
        return [
            entry
            for entry in self.entries
            if all(
                entry.key.startswith(value) if name == "key" else str(getattr(entry, name)) == value
                for name, value in wanted.items()
            )
        ]

    def counts(self, by: str, wanted: dict[str, str]) -> dict[str, int]:
        """How many lines each value of a field has."""
        if by not in {each.name for each in fields(Entry)}:
            raise ValueError(f"a line of the ledger has no {by!r}")
        return dict(Counter(str(getattr(entry, by)) for entry in self.chosen(wanted)))

    def summary(self) -> dict[str, Any]:
        """Sums over every line."""
        return {
            "requests": len(self.entries),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "connections": len({entry.connection for entry in self.entries}),
            "sent": sum(entry.sent for entry in self.entries),
            "received": sum(entry.received for entry in self.entries),
        }

    def rows(self, wanted: dict[str, str]) -> list[dict[str, Any]]:
        """The lines whose fields are as wanted, as JSON takes them."""
        return [asdict(entry) for entry in self.chosen(wanted)]
