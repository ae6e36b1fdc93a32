"""How many cases each property gets: 2,000 together, or as many as ZARRITE_CASES says."""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import settings

CASES = int(os.environ.get("ZARRITE_CASES", "2000"))


def share(part: float) -> Callable[..., object]:
    """A property's part of all cases."""
    return settings(max_examples=max(1, round(CASES * part)))
