"""zarrite itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from speaking import lay_down, serve

import zarrite


def write(task: dict[str, Any], cells: Any) -> None:
    """The document as it is, then the cells."""
    zarrite.open_array(lay_down(task), mode="r+")[...] = cells


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    return np.asarray(zarrite.open_array(task["place"], mode="r")[...])


serve("zarrite", zarrite.__version__, write, read)
