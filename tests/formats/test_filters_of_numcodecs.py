"""Filters of format 2 in every byte order: we read what numcodecs wrote, and it reads what we wrote."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import zarrite

TYPES = ["?", "i1", "<u2", ">u2", "<i4", ">i4", ">i8", "<f4", ">f4", "<f8", "<c8", ">c16", ">M8[ns]", ">U3", "S3", "V5"]
SHAPE = (11, 7)


def cells(dtype: str) -> np.ndarray[Any, Any]:
    """Small numbers of a type, which no filter below wraps."""
    kind = np.dtype(dtype)
    numbers = np.random.default_rng(7).integers(3, 60, SHAPE)
    if kind.kind in "SU":
        return np.array([chr(97 + n % 26) * (n % 4) for n in numbers.ravel()], kind).reshape(SHAPE)
    if kind.kind == "V":
        return np.frombuffer(numbers.astype("i8").tobytes()[: 77 * kind.itemsize], kind).reshape(SHAPE)
    if kind.kind == "b":
        return numbers % 2 == 0
    if kind.kind in "fc":
        return (numbers / 8 - 3).astype(kind)
    return numbers.astype(kind)


def filters(dtype: str) -> list[list[Any]]:
    numcodecs = pytest.importorskip("numcodecs")
    kind = np.dtype(dtype)
    name = kind.str
    chains: list[list[Any]] = [[], [numcodecs.Shuffle(kind.itemsize)]]
    if kind.kind in "iu":
        chains += [[numcodecs.Delta(name)] * 2, [numcodecs.Delta(name, ">i8")], [numcodecs.AsType(">f4", name)]]
        chains += [[numcodecs.FixedScaleOffset(offset=3, scale=2, dtype=name, astype=">i4")]]
    elif kind.kind == "f":
        chains += [[numcodecs.FixedScaleOffset(offset=-5, scale=100, dtype=name, astype="<u2")]]
        chains += [[numcodecs.Quantize(2, name)], [numcodecs.AsType(">f4", name)], [numcodecs.Delta(name)]]
        chains += [[numcodecs.BitRound(5)]] if kind.isnative else []
    elif kind.kind == "b":
        chains += [[numcodecs.PackBits()]]
    return chains


@pytest.mark.parametrize("dtype", TYPES)
def test_arrays_mean_the_same_to_both(dtype: str) -> None:
    zarr = pytest.importorskip("zarr")
    numcodecs = pytest.importorskip("numcodecs")
    plain = cells(dtype)
    for chain, compressor, order in itertools.product(filters(dtype), [None, numcodecs.Blosc("lz4", 5, -1)], "CF"):
        if order == "F" and any(codec.codec_id == "bitround" for codec in chain):
            continue  # numcodecs' copy of a column-major chunk is row-major, so it scrambles its own cells
        settings: dict[str, Any] = {
            "shape": SHAPE,
            "dtype": plain.dtype,
            "chunks": (4, 3),
            "filters": chain,
            "compressors": compressor,
            "order": order,
            "zarr_format": 2,
            "fill_value": None,
        }
        theirs = zarr.storage.MemoryStore()
        zarr.create_array(theirs, **settings)[:] = plain
        expected = zarr.open_array(theirs, mode="r")[:]
        label = f"{chain} {compressor} {order}"
        found = zarrite.open_array({key: raw.to_bytes() for key, raw in theirs._store_dict.items()}, mode="r")[:]
        assert found.dtype == expected.dtype, label
        assert found.tobytes() == expected.tobytes(), label
        ours: dict[str, bytes] = {}
        zarrite.create_array(ours, **settings)[:] = plain
        make = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes
        store = zarr.storage.MemoryStore({key: make(raw) for key, raw in ours.items()})
        assert zarr.open_array(store, mode="r")[:].tobytes() == expected.tobytes(), label
