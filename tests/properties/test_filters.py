"""Filters and checksums make what numcodecs makes, and read what it made: every type, byte order and layout."""

from __future__ import annotations

from typing import Any

import numcodecs
import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import zarrite
from properties.profile import share
from zarrite import codecs
from zarrite.errors import ChunkDecodeError

WHOLE = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
REAL = ("f2", "f4", "f8")
ORDERS = st.sampled_from("<>")


@st.composite
def named(draw: st.DrawFn, *names: str) -> str:
    """A type string of format 2, of either byte order."""
    return np.dtype(draw(ORDERS) + draw(st.sampled_from(names))).str


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """The configuration of a filter, as numcodecs has it."""
    kind = draw(st.sampled_from(("delta", "fixedscaleoffset", "quantize", "astype", "bitround", "packbits", "shuffle")))
    if kind == "delta":
        dtype = draw(named(*WHOLE, *REAL, "c8", "c16"))
        astype = draw(st.just(dtype) | named(*WHOLE, *REAL) if dtype[1] != "c" else st.just(dtype))
        return {"id": kind, "dtype": dtype, "astype": astype}
    if kind == "fixedscaleoffset":
        offset = draw(st.integers(-3, 100) | st.floats(-100, 100, width=16))
        scale = draw(st.integers(1, 20) | st.floats(0.125, 20, width=16))
        return {
            "id": kind,
            "offset": offset,
            "scale": scale,
            "dtype": draw(named("b1", *WHOLE, *REAL)),
            "astype": draw(named(*WHOLE, *REAL)),
        }
    if kind == "quantize":
        return {
            "id": kind,
            "digits": draw(st.integers(-2, 4)),
            "dtype": draw(named(*REAL)),
            "astype": draw(named(*REAL)),
        }
    if kind == "astype":
        types = (*WHOLE, *REAL, "b1")
        return {"id": kind, "encode_dtype": draw(named(*types)), "decode_dtype": draw(named(*types))}
    if kind == "bitround":
        return {"id": kind, "keepbits": draw(st.integers(0, 10))}
    if kind == "shuffle":
        return {"id": kind, "elementsize": draw(st.integers(0, 9))}
    return {"id": kind}


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """A filter, and cells that it makes no nonsense of: no cast of theirs is left to the processor."""
    filter_ = draw(filters())
    kind = filter_["id"]
    if kind == "bitround":
        dtype = "=" + draw(st.sampled_from(REAL))  # numcodecs has no other byte order
    elif kind == "packbits":
        dtype = "b1"
    elif kind == "shuffle":
        dtype = draw(named(*WHOLE, *REAL, "b1", "c8"))
    else:
        dtype = filter_.get("dtype", filter_.get("decode_dtype"))
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    numbers = np.random.default_rng(draw(st.integers(0, 2**20)))
    numpy = np.dtype(dtype)
    low, high = draw(st.sampled_from(((0, 2), (0, 40), (-20, 20), (0, 127), (-(2**62), 2**62))))
    if (
        numpy.kind in "fc"
        or np.dtype(filter_.get("astype", "i8")).kind == "f"
        or kind in ("fixedscaleoffset", "astype")
    ):
        low, high = max(low, -20), min(high, 127)
    cells = numbers.integers(low, high, shape)
    if numpy.kind in "fc":
        return filter_, (cells / draw(st.sampled_from((1, 4, 3)))).astype(numpy)
    with np.errstate(over="ignore"):
        return filter_, cells.astype(numpy) if numpy.kind != "b" else cells % 2 == 0


def wraps_floats(filter_: dict[str, Any], cells: np.ndarray[Any, Any]) -> bool:
    """Whether floats are cut into integers that cannot hold them, which every processor does its own way."""
    before, after = filter_.get("dtype"), filter_.get("astype")
    if filter_["id"] == "delta" and {"u8"} < {before[1:], after[1:]} and "i" in before[1] + after[1]:
        return True  # NumPy adds the two kinds up in floats
    if filter_["id"] == "astype":
        before, after = filter_["decode_dtype"], filter_["encode_dtype"]
    if before is None or after is None:
        return False
    with np.errstate(all="ignore"):
        found = cells.astype("f8") if cells.dtype.kind != "c" else cells.view(cells.real.dtype).astype("f8")
        spread = float(np.abs(found).max() + abs(filter_.get("offset", 0))) * abs(filter_.get("scale", 1)) * 2 + 1
    limits = [float(np.iinfo(name).max) for name in (before, after) if np.dtype(name).kind in "iu"]
    unsigned = any(np.dtype(name).kind == "u" for name in (before, after))
    is_real = any(np.dtype(name).kind in "fc" for name in (before, after)) or isinstance(filter_.get("scale"), float)
    is_real |= isinstance(filter_.get("offset"), float) or filter_["id"] == "fixedscaleoffset"
    return is_real and bool(limits) and (spread > min(limits) or unsigned)


@share(0.5)
@given(case=cases(), order=st.sampled_from("CF"), zarr_format=st.sampled_from((2, 3)))
def test_a_filter_makes_the_bytes_of_numcodecs_and_reads_them_back(
    case: tuple[dict[str, Any], np.ndarray[Any, Any]], order: str, zarr_format: int
) -> None:
    filter_, cells = case
    assume(not wraps_floats(filter_, cells))
    assume(order == "C" or filter_["id"] != "bitround")
    theirs = numcodecs.get_codec(dict(filter_))
    laid = np.asarray(cells, order=order)
    flat = np.ascontiguousarray(laid.reshape(-1, order=order))
    try:
        with np.errstate(all="ignore"):
            encoded = np.asarray(theirs.encode(flat))
    except (OverflowError, ValueError):
        assume(False)
    stored = encoded.tobytes()
    with np.errstate(all="ignore"):
        decoded = np.frombuffer(np.asarray(theirs.decode(np.frombuffer(stored, encoded.dtype))).tobytes(), cells.dtype)
    settings: dict[str, Any] = {"shape": cells.shape, "chunks": cells.shape, "dtype": cells.dtype, "compressors": None}
    if zarr_format == 2:
        settings |= {"filters": [filter_], "order": order}
    else:
        assume(order == "C")
        # Cells of format 3 are native; what a filter makes of them keeps the byte order that it says.
        assume(cells.dtype.isnative)
        last = encoded.dtype
        endian = "big" if last.str[0] == ">" else "little"
        settings["serializer"] = codecs.BytesCodec(endian)
        is_bytes = filter_["id"] == "shuffle"
        settings["compressors" if is_bytes else "filters"] = [filter_]
    store: dict[str, Any] = {}
    array = zarrite.create_array(
        store, zarr_format=zarr_format, fill_value=None, config={"write_empty_chunks": True}, **settings
    )
    array[...] = cells
    (key,) = [key for key in store if not key.startswith(".") and key != "zarr.json"]
    assert bytes(store[key]) == stored
    found = zarrite.open_array(store, mode="r")[...]
    assert found.reshape(-1, order=order).tobytes() == decoded.tobytes()


CHECKSUMS = [
    (codecs.Adler32(), numcodecs.Adler32()),
    (codecs.Adler32("end"), numcodecs.Adler32(location="end")),
    (codecs.CRC32(), numcodecs.CRC32()),
    (codecs.CRC32("end"), numcodecs.CRC32(location="end")),
    (codecs.Crc32cCodec(), numcodecs.CRC32C()),
    (codecs.Crc32cCodec("start"), numcodecs.CRC32C(location="start")),
    (codecs.Fletcher32(), numcodecs.Fletcher32()),
    (codecs.JenkinsLookup3(), numcodecs.JenkinsLookup3()),
    (codecs.JenkinsLookup3(2**32 - 1), numcodecs.JenkinsLookup3(initval=2**32 - 1)),
    (codecs.JenkinsLookup3(3, b"0123456789abcde"), numcodecs.JenkinsLookup3(initval=3, prefix=b"0123456789abcde")),
]


@share(0.1)
@given(plain=st.binary(min_size=1, max_size=3000), pair=st.sampled_from(CHECKSUMS), zarr_format=st.sampled_from((2, 3)))
def test_a_checksum_is_that_of_numcodecs_and_one_wrong_byte_is_told(
    plain: bytes, pair: tuple[Any, Any], zarr_format: int
) -> None:
    ours, theirs = pair
    cells = np.frombuffer(plain, "u1")
    store: dict[str, Any] = {}
    chain = {"filters": [ours], "compressors": None} if zarr_format == 2 else {"compressors": [ours]}
    settings: dict[str, Any] = {"chunks": cells.shape, "fill_value": None if zarr_format == 2 else 0}
    array = zarrite.create_array(
        store, data=cells, zarr_format=zarr_format, config={"write_empty_chunks": True}, **settings, **chain
    )
    (key,) = [key for key in store if not key.startswith(".") and key != "zarr.json"]
    stored = bytes(store[key])
    assert stored == bytes(theirs.encode(cells))
    assert array[...].tobytes() == plain
    store[key] = bytes([*stored[:-1], stored[-1] ^ 4])
    with pytest.raises(ChunkDecodeError, match=rf"{ours.id}.*the checksum is"):
        zarrite.open_array(store, mode="r")[...]
