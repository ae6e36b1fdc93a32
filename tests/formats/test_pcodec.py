"""pcodec: every type and setting, and the bytes of numcodecs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.codecs import PCodec
from zarrite.errors import ChunkDecodeError, MetadataValidationError

TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "M8[ms]", "m8[s]"]


def one_chunk(cells: Any, **settings: Any) -> zarrite.Array:
    return zarrite.create_array(None, data=cells, chunks=cells.shape, serializer=PCodec(**settings), compressors=None)


@pytest.mark.parametrize("dtype", TYPES)
def test_any_bits_of_any_type_come_back(dtype: str) -> None:
    bits = np.random.default_rng(3).integers(0, 256, 3000 * np.dtype(dtype).itemsize).astype("u1")
    cells = bits.view(dtype).reshape(30, 100)
    array = zarrite.create_array(None, shape=(30, 100), chunks=(8, 33), dtype=dtype, serializer=PCodec())
    array[...] = cells
    assert np.asarray(zarrite.open_array(array.store)[...]).tobytes() == cells.tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"level": 0},
        {"level": 12},
        {"mode_spec": "classic"},
        {"delta_spec": "none"},
        {"delta_spec": "try_lookback"},
        {"delta_spec": "try_consecutive", "delta_encoding_order": 3},
        {"delta_encoding_order": 2},
        {"equal_pages_up_to": 100},
    ],
)
def test_every_setting_is_read_back(settings: dict[str, Any]) -> None:
    cells = np.cumsum(np.arange(3000) % 17).astype("i4")
    array = one_chunk(cells, **settings)
    assert len(array.store.get("c/0").result() or b"") < cells.nbytes / 2
    again = zarrite.open_array(array.store)
    assert again.metadata == array.metadata
    np.testing.assert_array_equal(again[...], cells)


@pytest.mark.parametrize("dtype", [one for one in TYPES if one not in {"i1", "u1"} and one[0] not in "cMm"])
def test_numcodecs_reads_ours_and_we_read_its(dtype: str) -> None:
    theirs = pytest.importorskip("numcodecs.pcodec", exc_type=ImportError).PCodec(level=4)
    cells = (np.arange(2000) % 321).astype(dtype)
    array = one_chunk(cells)
    np.testing.assert_array_equal(theirs.decode(array.store.get("c/0").result()), cells)
    array.store.put("c/0", theirs.encode(cells)).result()
    np.testing.assert_array_equal(array[...], cells)


# What numcodecs 0.16.6 with pcodec 1.1.0 makes of numpy.arange(20, dtype="i4") ** 2, at its default settings.
STORED = bytes.fromhex("70636f2103000405040103130000100201000100004000000000800100000000")


def test_bytes_of_numcodecs_are_read() -> None:
    cells = np.arange(20, dtype="i4") ** 2
    array = one_chunk(cells)
    array.store.put("c/0", STORED).result()
    np.testing.assert_array_equal(array[...], cells)


def test_a_file_of_other_numbers_or_too_many_is_refused() -> None:
    array = one_chunk(np.arange(19, dtype="i4"))
    array.store.put("c/0", STORED).result()
    with pytest.raises(ChunkDecodeError, match="pcodec"):
        array[...]
    array = one_chunk(np.arange(20, dtype="f4"))
    array.store.put("c/0", STORED).result()
    with pytest.raises(ChunkDecodeError, match="pcodec"):
        array[...]


def test_what_it_does_not_take_is_refused() -> None:
    for dtype in ("bool", "S4", "string"):
        with pytest.raises(MetadataValidationError, match="pcodec"):
            zarrite.create_array(None, shape=4, chunks=4, dtype=dtype, serializer=PCodec())
    for settings in (
        {"level": 13},
        {"mode_spec": "fast"},
        {"delta_spec": "none", "delta_encoding_order": 1},
        {"delta_encoding_order": 8},
        {"equal_pages_up_to": 0},
        {"paging_spec": "exact"},
    ):
        with pytest.raises(MetadataValidationError, match="pcodec"):
            PCodec(**settings)
