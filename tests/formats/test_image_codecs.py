"""Codecs of the package imagecodecs: what is known without it, and what it does where it is installed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.codecs import ImageCodec
from zarrite.errors import ChunkDecodeError, MetadataValidationError, UnknownCodecError, ZarriteError
from zarrite.model.chain import codec_from_json, codec_from_numcodecs

LOSSLESS: list[tuple[str, dict[str, Any], tuple[int, ...], str]] = [
    ("png", {}, (40, 50, 3), "u1"),
    ("png", {"level": 9}, (1, 40, 50), "u2"),
    ("jpeg2k", {"reversible": True}, (40, 50), "u2"),
    ("jpegxl", {"lossless": True}, (40, 50, 3), "u1"),
    ("jpegls", {}, (40, 50), "u1"),
    ("webp", {"lossless": True}, (40, 50, 3), "u1"),
    ("lerc", {}, (40, 50), "f4"),
    ("lzw", {}, (40, 50), "i4"),
    ("deflate", {"level": 3}, (40, 50), "i4"),
    ("lzf", {}, (40, 50), "f8"),
    ("brotli", {}, (40, 50), "f8"),
]


def cells_of(shape: tuple[int, ...], dtype: str) -> Any:
    return (np.arange(np.prod(shape)).reshape(shape) % 200).astype(dtype)


def settings_of(codec: ImageCodec, zarr_format: int) -> dict[str, Any]:
    if zarr_format == 2 or codec.kind == "bytes":
        return {"compressors": codec, "zarr_format": zarr_format}
    return {"serializer": codec, "compressors": None}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(("name", "parameters", "shape", "dtype"), LOSSLESS)
def test_cells_come_back(name: str, parameters: dict[str, Any], shape: Any, dtype: str, zarr_format: int) -> None:
    pytest.importorskip("imagecodecs.numcodecs")
    cells = cells_of(shape, dtype)
    codec = ImageCodec(f"imagecodecs_{name}", parameters)
    array = zarrite.create_array(None, shape=shape, chunks=shape, dtype=dtype, **settings_of(codec, zarr_format))
    array[...] = cells
    again = zarrite.open_array(array.store)
    assert again.metadata == array.metadata
    np.testing.assert_array_equal(again[...], cells)


def test_a_photograph_comes_back_nearly_and_the_peer_reads_the_same() -> None:
    theirs = pytest.importorskip("imagecodecs.numcodecs").Jpeg(level=95)
    ramp = np.add.outer(np.arange(64), np.arange(48)).astype("u1")
    cells = np.stack([ramp, ramp // 2, 255 - ramp], axis=-1)
    codec = ImageCodec("imagecodecs_jpeg", {"level": 95})
    array = zarrite.create_array(None, data=cells, chunks=cells.shape, serializer=codec, compressors=None)
    found = array[...]
    assert np.abs(found.astype(int) - cells).max() < 16
    raw = array.store.get("c/0/0/0").result()
    np.testing.assert_array_equal(theirs.decode(raw), found)


def test_a_predictor_before_a_compressor_works_on_the_cells() -> None:
    pytest.importorskip("imagecodecs.numcodecs")
    cells = (np.arange(600).reshape(20, 30) ** 2).astype("<u2")
    predictor = ImageCodec("imagecodecs_delta", {"shape": [20, 30], "dtype": "<u2", "axis": -1})
    lzw = ImageCodec("imagecodecs_lzw")
    array = zarrite.create_array(None, data=cells, chunks=(20, 30), zarr_format=2, filters=[predictor], compressors=lzw)
    np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells)


def test_big_endian_cells_are_the_numbers_of_the_image() -> None:
    pytest.importorskip("imagecodecs.numcodecs")
    cells = cells_of((9, 7), ">u2") * 300
    codec = ImageCodec("imagecodecs_png")
    array = zarrite.create_array(None, data=cells, chunks=(9, 7), zarr_format=2, compressors=codec)
    np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells)


def test_an_image_of_another_shape_is_refused_before_room_is_taken() -> None:
    theirs = pytest.importorskip("imagecodecs.numcodecs").Png()
    codec = ImageCodec("imagecodecs_png")
    array = zarrite.create_array(None, data=cells_of((9, 7), "u1"), chunks=(9, 7), serializer=codec, compressors=None)
    for bomb in (theirs.encode(np.zeros((4000, 4000), "u1")), theirs.encode(np.zeros((9, 7), "u2")), b"", b"\x89PNG"):
        array.store.put("c/0/0", bomb).result()
        with pytest.raises(ChunkDecodeError, match="imagecodecs_png"):
            array[...]


def test_without_the_package_nodes_open_and_reading_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    monkeypatch.setitem(sys.modules, "imagecodecs.numcodecs", None)
    codec = ImageCodec("imagecodecs_jpegxl", {"level": 3})
    array = zarrite.create_array(None, shape=(4, 4), chunks=(4, 4), dtype="u1", serializer=codec, compressors=None)
    assert zarrite.open_array(array.store).metadata == array.metadata
    assert (array[...] == 0).all()
    with pytest.raises(ZarriteError, match=r"zarrite\[images\]"):
        array[...] = 1
    array.store.put("c/0/0", b"\xff\x0a").result()
    with pytest.raises(ZarriteError, match=r"zarrite\[images\]"):
        array[...]


def test_documents_of_both_formats_come_back_as_they_were() -> None:
    third = {"name": "imagecodecs_png", "configuration": {"level": 3}}
    assert codec_from_json(third).to_json() == third
    second = {"id": "imagecodecs_lerc", "level": 0.5, "squeeze": None}
    assert codec_from_numcodecs(second).get_config() == second


def test_names_that_are_none_of_the_package_are_unknown() -> None:
    with pytest.raises(UnknownCodecError):
        codec_from_json({"name": "imagecodecs_sketch"})
    for name in ("png", "imagecodecs_", 3):
        with pytest.raises(MetadataValidationError, match="image codec"):
            ImageCodec(name)  # type: ignore[arg-type]
