"""zfp as libzfp 1.0.1 writes it: the digests of its bytes, for every type, mode and number of axes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.codecs import ZFPY, ZfpCodec
from zarrite.errors import ChunkEncodeError, MetadataValidationError

# Of each: reversible, rate 9.5, precision 17 and, for floats, tolerance 0.05; each without the header, then with it.
BYTES_OF_LIBZFP = {
    ((103,), "i4"): "5b4dcf4ae2b8 6c1b1ea9b538 9bcb86d6d244 77078d375f06 d4817aa54976 de827319538c",
    ((103,), "i8"): "0c06f78c5ca6 5bc8fbc6b921 38723a2e5e8a 5b781ec7d72f d4817aa54976 1c3278871436",
    (
        (103,),
        "f4",
    ): "00cec4cc90e8 2b360069fff8 7b771e921b6b e19c49ff8460 a04c28a90c5f cb2baf4fd1e1 95c902ce45e3 5c975ff00aee",
    (
        (103,),
        "f8",
    ): "9f32de27bc18 a2e926ac884c f56af5902ec6 662fbf77bf83 ed7b81d8126c 64920ba3d20c 57b705dda0f9 b89c3fd321f1",
    ((13, 18), "i4"): "5f48f4d4f7ac a5ad43dc63f4 2f327c53ae18 955151d7a35a 17b0761f87b0 415c470bcd81",
    ((13, 18), "i8"): "04b870550fac fd11f163653c a2d27c170210 3cc2eccb34d1 17b0761f87b0 05d3c9390901",
    (
        (13, 18),
        "f4",
    ): "808283b3116a ad662e182ddb b2c7c8a3be45 f2da5e939494 45df455413c0 afdc1c9948ce 20e4d667b651 e5e6a6378d59",
    (
        (13, 18),
        "f8",
    ): "22b9c03c42c4 4260d805a9da 858da2e9534f c5e1776d5e2d 881f5754705b 65a2d00f0570 64edef5324e1 4ed2fe7c224a",
    ((5, 6, 9), "i4"): "073317f400e2 c7cdf94a5c42 2c228384df96 d1382048c633 66687aadf862 79d31a485467",
    ((5, 6, 9), "i8"): "d0722f4a58c9 52bb3be3defe 2fc58646aa1b 181cd0fb1f86 66687aadf862 a9ffb1e4cdd6",
    (
        (5, 6, 9),
        "f4",
    ): "97693c2f7bee 173dfa80b3d1 f552c625472b da8450ff8ad7 87d330083df0 1e8d51dcf609 31792e63365e 7eadbfd9d63a",
    (
        (5, 6, 9),
        "f8",
    ): "401d42f2c6bc ed6828181e54 6845364d7571 1d2f5f8db6d5 b1310d772da4 ad8802c48780 34e986223b8f 267db5b522d5",
    ((3, 5, 4, 6), "i4"): "733d2a147a99 7cbb1e719e67 89c2c2041fc9 431a40cca1c3 374708fff771 c84ca7b6bd30",
    ((3, 5, 4, 6), "i8"): "ad379b209157 11a9dcacb28c 5265e12cc9bb 41532f3133f2 374708fff771 fdaf11e5511e",
    (
        (3, 5, 4, 6),
        "f4",
    ): "9b1601c9c9dd fe93cfc02054 d83299c2ccfb 2b0dfdc16eea 9ec4f3c07322 95f2dbaafbc3 a9c2d95f5b7b c08d740a1379",
    (
        (3, 5, 4, 6),
        "f8",
    ): "902d1ace3be6 d95b254a7f0f f47e5a0186d6 baa78130afcc 3694da6e98ec 97eeeaf178de 6be015d14a52 c485dcc050ec",
}
MODES = {
    "reversible": (ZfpCodec("reversible"), ZFPY(mode=5)),
    "rate": (ZfpCodec("fixed_rate", rate=9.5), ZFPY(mode=2, rate=9.5)),
    "precision": (ZfpCodec("fixed_precision", precision=17), ZFPY(mode=3, precision=17)),
    "tolerance": (ZfpCodec("fixed_accuracy", tolerance=0.05), ZFPY(mode=4, tolerance=0.05)),
}


def cells_of(shape: tuple[int, ...], dtype: str) -> Any:
    """Numbers that any machine computes alike."""
    at = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    whole = (at * at * 7919 + at * 31) % 4001 - 2000
    return (whole / 64).astype(dtype) if dtype[0] == "f" else whole.astype(dtype)


def one_chunk(cells: Any, codec: Any, **settings: Any) -> zarrite.Array:
    array = zarrite.create_array(
        None, shape=cells.shape, chunks=cells.shape, dtype=cells.dtype, serializer=codec, compressors=None, **settings
    )
    array[...] = cells
    return array


def stored(array: zarrite.Array) -> bytes:
    return array.store.get("/".join(["c", *"0" * array.ndim])).result() or b""


@pytest.mark.parametrize(("shape", "dtype"), BYTES_OF_LIBZFP)
def test_the_bytes_are_those_of_libzfp(shape: tuple[int, ...], dtype: str) -> None:
    cells = cells_of(shape, dtype)
    digests = iter(BYTES_OF_LIBZFP[shape, dtype].split())
    for name, pair in MODES.items():
        if name == "tolerance" and dtype[0] == "i":
            continue
        for codec in pair:
            array = one_chunk(cells, codec)
            assert hashlib.sha256(stored(array)).hexdigest()[:12] == next(digests), (name, codec)
            off = np.abs(array[...].astype("f8") - cells)
            assert off.max() <= {"reversible": 0, "tolerance": 0.05}.get(name, np.inf)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "M8[s]", "m8[D]"])
@pytest.mark.parametrize("shape", [(), (7,), (5, 6), (3, 4, 5), (2, 3, 4, 5)])
def test_every_type_it_takes_comes_back_in_mode_reversible(dtype: str, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(7)
    numpy = np.dtype(dtype)
    if numpy.kind == "f":
        cells = random.normal(size=shape).astype(dtype)
    else:
        least, most = (0, 2**31 - 1) if numpy.kind == "u" else (-(2**31), 2**31)
        width = 2 ** (8 * min(4, numpy.itemsize))
        cells = np.asarray(random.integers(least, most, shape) % width).astype(f"u{numpy.itemsize}").view(dtype)
        if dtype == "u4":
            cells = cells & np.uint32(2**31 - 1)
    array = one_chunk(cells, ZfpCodec("reversible"))
    assert np.asarray(array[...]).tobytes() == cells.tobytes()


def test_narrow_integers_keep_their_high_bits_at_a_low_rate() -> None:
    cells = (np.arange(64).reshape(8, 8) * 3).astype("u1")
    found = one_chunk(cells, ZfpCodec("fixed_rate", rate=6))[...]
    assert np.abs(found.astype(int) - cells).max() <= 4


@pytest.mark.parametrize(
    ("dtype", "cell", "mode"),
    [
        ("u4", 2**31, "reversible"),
        ("u8", 2**64 - 1, "reversible"),
        ("u4", 2**31, "lossy"),
        ("i4", -(2**31), "lossy"),
        ("i8", 2**62, "lossy"),
        ("f4", np.nan, "lossy"),
        ("f8", np.inf, "lossy"),
    ],
)
def test_what_zfp_cannot_keep_is_refused_and_what_was_stored_stays(dtype: str, cell: float, mode: str) -> None:
    codec = ZfpCodec("reversible") if mode == "reversible" else ZfpCodec("fixed_precision", precision=30)
    array = one_chunk(np.arange(4).astype(dtype), codec)
    before = stored(array)
    with pytest.raises(ChunkEncodeError, match="zfp"):
        array[1] = np.array(cell, dtype)
    assert stored(array) == before


def test_chunks_of_five_axes_are_refused_with_the_way_out() -> None:
    with pytest.raises(MetadataValidationError, match=r"squeeze"):
        zarrite.create_array(None, shape=(1,) * 5, chunks=(1,) * 5, dtype="f4", serializer=ZfpCodec("reversible"))


@pytest.mark.parametrize("dtype", ["c8", "bool", "S4", "string"])
def test_what_are_no_real_numbers_is_refused(dtype: str) -> None:
    with pytest.raises(MetadataValidationError, match="zfp"):
        zarrite.create_array(None, shape=4, chunks=4, dtype=dtype, serializer=ZfpCodec("reversible"))


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"mode": "fast"},
        {"mode": 5},
        {"mode": "fixed_rate"},
        {"mode": "fixed_rate", "rate": 0},
        {"mode": "fixed_rate", "rate": float("nan")},
        {"mode": "fixed_accuracy", "tolerance": -1},
        {"mode": "fixed_precision", "precision": 65},
        {"mode": "reversible", "rate": 8},
        {"mode": "expert", "minbits": 9, "maxbits": 8, "maxprec": 1, "minexp": 0},
    ],
)
def test_configurations_that_make_no_sense_are_refused(configuration: dict[str, Any]) -> None:
    with pytest.raises(MetadataValidationError, match="zfp"):
        ZfpCodec.from_configuration(configuration)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", ">i4"])
def test_format_2_keeps_zfpy_and_pcodec_where_compressors_stand(order: str, dtype: str) -> None:
    cells = np.arange(35).reshape(5, 7).astype(dtype)
    for codec in (ZFPY(mode=5), zarrite.codecs.PCodec()):
        array = zarrite.create_array(None, data=cells, chunks=(3, 4), zarr_format=2, compressors=codec, order=order)
        assert array.metadata.to_dict()["compressor"]["id"] == codec.id
        again = zarrite.open_array(array.store)
        assert again.metadata == array.metadata
        np.testing.assert_array_equal(again[...], cells)
