"""A wire of so many bytes a second."""

from __future__ import annotations

import time


class Pace:
    """Says when bytes put on a wire one after the other have passed it.

    Args:
        rate: bytes a second; 0 for a wire without a limit.
    """

    def __init__(self, rate: float = 0.0) -> None:
        self.rate = rate
        self._free = 0.0

    def wait(self, count: int, rate: float | None = None) -> float:
        """Seconds until `count` more bytes have passed, behind those that went before."""
        rate = self.rate if rate is None else rate
        if not rate:
            return 0.0
        now = time.monotonic()
        self._free = max(self._free, now) + count / rate
        return self._free - now
