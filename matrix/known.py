"""Why cells are wrong: the faults of implementations that were looked into, each with what it concerns.

A wrong cell that none of these explains is shown on the page as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cases import Case

__all__ = ["KNOWN", "Fault", "reason"]


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
TIMES = ("numpy.datetime64", "numpy.timedelta64")
ZARRS = ("zarr-python 3 with zarrs", "zarrista")


def chain(case: Case) -> str:
    """The codecs of a case as text."""
    found = case.document
    return str(found.get("codecs") or [*(found.get("filters") or ()), found.get("compressor")])


def is_big(case: Case) -> bool:
    """Whether cells are stored in big-endian order."""
    return "'endian': 'big'" in chain(case) or ">" in str(case.document.get("dtype", ""))


KNOWN: tuple[Fault, ...] = (
    Fault(
        (*PYTHON, "zarr-python 2", "z5py", "zarr-java"),
        "write",
        lambda case: case.layout == "odd bits",
        "leaves out chunks that compare equal to the fill value, so that negative zeros become zeros (of "
        "complex cells in zarr-python 3: zarr-developers/zarr-python#3216 mended the others)",
    ),
    Fault(
        ("GDAL",),
        "read",
        lambda case: case.data_type in {"null_terminated_bytes", "fixed_length_utf32"},
        "ends texts at the first NUL, which may stand inside",
    ),
    Fault(
        (*PYTHON, "zarr-python 2"),
        "write",
        lambda case: "bitround" in chain(case) and case.document.get("order") == "F",
        "numcodecs rounds the bits of cells in F order as if they were in C order, and mixes them up",
    ),
    Fault(
        (*PYTHON, "zarr-python 2"),
        "both",
        lambda case: "delta" in chain(case) and case.data_type in {"bool", *TIMES},
        "numcodecs adds differences of booleans and times up as NumPy does: true and true is true, NaT stays NaT",
    ),
    Fault(
        PYTHON,
        "read",
        lambda case: "NumcodecsBitRound" in case.codec and "shards in shards" in case.layout,
        "gives fill values, and no error, for shards in shards whose codec it refuses elsewhere (bits of integers)",
    ),
    Fault(
        ("zarr-python 3 with zarrs",),
        "both",
        lambda case: is_big(case) and "complex" in case.data_type,
        "turns the bytes of a big-endian complex cell as a whole, its two parts with them",
    ),
    Fault(
        ("zarr-python 3 with zarrs",),
        "both",
        lambda case: case.format == "v2" and (is_big(case) or case.document.get("order") == "F"),
        "takes the cells of format 2 for little-endian ones in C order, whatever its document says",
    ),
    Fault(
        ZARRS,
        "both",
        lambda case: "fixedscaleoffset" in chain(case),
        "computes FixedScaleOffset with floats that do not hold every integer",
    ),
    Fault(
        ("zarrita.js",),
        "both",
        lambda case: (
            "shuffle" in chain(case).replace("'shuffle':", "").replace("bitshuffle", "").replace("noshuffle", "")
        ),
        "shuffles by the size of the data type, and not by the `elementsize` that the document says",
    ),
    Fault(
        ("zarrita.js",),
        "both",
        lambda case: "delta" in chain(case),
        "computes differences in the data type of the array, and not in the types that the document says",
    ),
    Fault(
        ("zarrita.js",),
        "both",
        lambda case: chain(case).count("'transpose'") > 1,
        "takes two transposes for one",
    ),
    Fault(
        ("netCDF-C",),
        "both",
        lambda case: "'id': 'shuffle'" in chain(case),
        "shuffles by the size of the data type, and not by the `elementsize` that the document says",
    ),
    Fault(
        ("GDAL",),
        "both",
        lambda case: "transpose" in chain(case) and len(case.shape) > 2,
        "turns axes the other way round where their order is not its own inverse",
    ),
    Fault(
        ("zarr-java",),
        "both",
        lambda case: case.document.get("order") == "F",
        'takes cells of `order: "F"` for cells in C order (zarr-developers/zarr-java#95)',
    ),
    Fault(
        ("zarr-java",),
        "read",
        lambda case: not case.shape,
        "gives the fill value for an array without axes",
    ),
    Fault(
        ("netCDF-C",),
        "read",
        lambda case: case.document.get("order") == "F",
        'takes cells of `order: "F"` for cells in C order',
    ),
    Fault(
        ("z5py",),
        "read",
        is_big,
        "takes big-endian cells of format 3 for little-endian ones (of format 2: constantinpape/z5#196)",
    ),
)
"""Every fault that is known."""


def reason(who: str, do: str, case: Case) -> str:
    """Why an implementation reads or writes a case otherwise; "" where it is not known to."""
    for fault in KNOWN:
        if who in fault.who and fault.do in {do, "both"} and fault.concerns(case):
            return fault.reason
    return ""
