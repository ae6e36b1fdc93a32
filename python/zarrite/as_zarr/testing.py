"""`zarr.testing`: what tests of other packages take from there."""

from __future__ import annotations

from typing import Any

from zarrite.as_zarr.buffers import Buffer
from zarrite.as_zarr.layers import LatencyStore

__all__ = ["LatencyStore", "assert_bytes_equal"]


def assert_bytes_equal(b1: Any, b2: Any) -> None:
    """Fails where two runs of bytes differ."""
    one, other = (value.to_bytes() if isinstance(value, Buffer) else value for value in (b1, b2))
    assert one == other
