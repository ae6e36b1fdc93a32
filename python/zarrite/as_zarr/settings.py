"""`zarr.core.config`: the settings, in a module of their own."""

from __future__ import annotations

from typing import Any

from zarrite.config import Config, config

__all__ = ["BadConfigError", "Config", "config", "parse_indexing_order"]


class BadConfigError(ValueError):
    """A setting has a value that it cannot have."""


def parse_indexing_order(data: Any) -> str:
    """The order of an array in memory.

    Raises:
        ValueError: it is neither "C" nor "F".
    """
    if data not in ("C", "F"):
        raise ValueError(f"Expected one of ('C', 'F'), got {data} instead.")
    return str(data)
