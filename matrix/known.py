"""Why cells are wrong: the faults of implementations that were looked into, each with what it concerns.

A wrong cell that none of these explains is shown on the page as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cases import Case

__all__ = ["KNOWN", "Fault"]


class Fault(NamedTuple):
    """One thing that implementations do otherwise than the specification says.

    Attributes:
        who: which implementations.
        do: "read", "write" or "both".
        concerns: whether a case has it.
        reason: what they do, in words; with the thread where it is known upstream.
    """

    who: tuple[str, ...]
    do: str
    concerns: Callable[[Case], bool]
    reason: str


PYTHON = ("zarr-python 3", "zarr-python 3 with zarrs")

KNOWN: tuple[Fault, ...] = (
    Fault(
        (*PYTHON, "zarr-python 2"),
        "write",
        lambda case: case.layout == "odd bits",
        "leaves out chunks that compare equal to the fill value, so that negative zeros become zeros",
    ),
)
"""Every fault that is known."""
