"""Cells and fill values of every data type, written, read back and compared bit by bit, in both formats."""

from __future__ import annotations

import numpy as np
import pytest

import zarrite

NAN = np.array([0x7FC00123, 0xFF800001], "uint32").view("float32")
BOTH = {
    "bool": np.array([True, False, True]),
    **{
        name: np.array([0, 1, 100], name)
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
    },
    "int64 at its ends": np.array([-(2**63), 2**63 - 1, 2**53 + 1]),
    "uint64 at its end": np.array([2**64 - 1, 0], "uint64"),
    **{name: np.array([0.0, -0.0, 1.5, np.inf, -np.inf, np.nan], name) for name in ("float16", "float32", "float64")},
    **{name: np.array([0, 1 + 2j, complex(np.inf, -0.0)], name) for name in ("complex64", "complex128")},
    "text of one length": np.array(["", "abc", "\u00fc\U0001f600"]),
    "bytes of one length": np.array([b"", b"abc", b"\x80\xff"]),
    "raw": np.array([b"\0\1\2", b"\xff\0\xff"], "V3"),
    "dates": np.array(["1970-01-01", "NaT", "2026-11-20T12:00"], "M8[s]"),
    "days": np.array(["1970-01-01", "NaT"], "M8[D]"),
    "durations": np.array([0, -1, 10**12], "m8[ns]"),
    "struct": np.array([(1, 2.5, b"x"), (-1, np.nan, b"")], [("a", "i4"), ("b", "f8"), ("c", "S3")]),
    "struct in a struct": np.array([((1, 2), 3), ((4, 5), 6)], [("in", [("x", "u1"), ("y", "i8")]), ("z", "f4")]),
    "text": np.array(["", "abc", "\u00fc" * 100], np.dtypes.StringDType()),
}
BIG_ENDIAN = {
    "numbers": np.array([1, -2, 3], ">i4"),
    "floats": np.array([1.5, -0.0], ">f8"),
    "text": np.array(["abc", ""], ">U3"),
    "dates": np.array(["2026-11-20", "NaT"], ">M8[s]"),
}


CASES = [
    *((name, cells, zarr_format) for name, cells in BOTH.items() for zarr_format in (2, 3)),
    *((f"big-endian {name}", cells, 2) for name, cells in BIG_ENDIAN.items()),
    # Documents of format 2 say "NaN" and nothing of its bits.
    ("NaNs with a payload", NAN, 3),
]
every = pytest.mark.parametrize(
    ("cells", "zarr_format"),
    [case[1:] for case in CASES],
    ids=[f"{name} in format {where}" for name, _, where in CASES],
)


def same(found, cells):
    """Compares cells bit by bit; those of variable length by value."""
    found, cells = np.asarray(found), np.asarray(cells)
    assert found.dtype == cells.dtype
    assert found.shape == cells.shape
    if cells.dtype.kind == "T":
        assert found.tolist() == cells.tolist()
    else:
        assert found.tobytes() == cells.tobytes()


def made(cells, zarr_format, **more):
    """An empty array of the type, and its store."""
    store = {}
    array = zarrite.create_array(
        store, shape=cells.shape, dtype=cells.dtype, chunks=(2,), zarr_format=zarr_format, **more
    )
    return array, store


@every
def test_cells_come_back(cells, zarr_format):
    array, store = made(cells, zarr_format)
    array[:] = cells
    same(zarrite.open_array(store, mode="r")[:], cells)
    same(array[::-1], cells[::-1])


@every
def test_every_cell_can_be_the_fill_value(cells, zarr_format):
    for fill in cells:
        _, store = made(cells, zarr_format, fill_value=fill)
        want = np.empty(cells.shape, cells.dtype)
        want[:] = fill
        same(zarrite.open_array(store, mode="r")[:], want)


@every
def test_the_document_says_the_same_when_it_is_read_back(cells, zarr_format):
    array, store = made(cells, zarr_format)
    again = zarrite.open_array(store, mode="r")
    assert again.metadata.to_dict() == array.metadata.to_dict()
    assert again.dtype == array.dtype == cells.dtype
