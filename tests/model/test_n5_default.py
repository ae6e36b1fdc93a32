"""The codec `n5_default`: blocks of N5 in arrays of format 3, which N5's own readers understand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite.codecs import BloscCodec, BytesCodec, GzipCodec, N5Default, TransposeCodec, ZstdCodec
from zarrite.errors import MetadataValidationError
from zarrite.model.node import ArrayModel

tensorstore = pytest.importorskip("tensorstore")

CELLS = np.arange(7 * 5 * 3, dtype="float32").reshape(7, 5, 3)
PACKED = {"none": (), "gzip": (GzipCodec(),), "zstd": (ZstdCodec(),), "blosc": (BloscCodec(),)}


def codec(*inner: Any, ndim: int = 3, endian: str = "big") -> N5Default:
    return N5Default([TransposeCodec(tuple(reversed(range(ndim)))), BytesCodec(endian), *inner])


def create(store: Any, inner: tuple[Any, ...] = (), cells: np.ndarray[Any, Any] = CELLS) -> zarrite.Array:
    return zarrite.create_array(
        store,
        shape=cells.shape,
        dtype=cells.dtype,
        chunks=tuple(max(1, -(-n // 2)) for n in cells.shape),
        serializer=codec(*inner, ndim=cells.ndim),
        compressors=None,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )


@pytest.mark.parametrize("inner", PACKED)
def test_cells_come_back(inner: str) -> None:
    for cells in (CELLS, CELLS[0, 0], CELLS.astype("u1"), CELLS.astype(">i8")):
        array = create(store := {}, PACKED[inner], cells)
        array[...] = cells
        np.testing.assert_array_equal(zarrite.open_array(store, mode="r")[...], cells)
        array[1:2] = 9
        np.testing.assert_array_equal(array[2:], cells[2:])


@pytest.mark.parametrize("inner", ["none", "gzip", "zstd"])
def test_the_blocks_are_those_of_n5(tmp_path: Path, inner: str) -> None:
    array = create(tmp_path, PACKED[inner])
    array[...] = CELLS
    (tmp_path / "attributes.json").write_text(
        json.dumps(
            {
                "dimensions": CELLS.shape,
                "blockSize": array.chunks,
                "dataType": "float32",
                "compression": {"type": "raw" if inner == "none" else inner},
            }
        )
    )
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{tmp_path}/"}}
    np.testing.assert_array_equal(tensorstore.open(spec).result().read().result(), CELLS)
    (tmp_path / "zarr.json").unlink()
    np.testing.assert_array_equal(zarrite.open_array(tmp_path, mode="r", axis_order="file")[...], CELLS)


def test_blocks_that_are_cut_or_missing_are_read(tmp_path: Path) -> None:
    array = create(tmp_path)
    spec: dict[str, Any] = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{tmp_path}/"}}
    spec["metadata"] = {
        "dimensions": CELLS.shape,
        "blockSize": array.chunks,
        "dataType": "float32",
        "compression": {"type": "raw"},
    }
    tensorstore.open(spec, create=True).result().write(CELLS).result()
    block = (tmp_path / "1/1/1").read_bytes()
    cut = CELLS[4:, 3:, 2:]
    header = block[:4] + b"".join(n.to_bytes(4, "big") for n in cut.shape)
    (tmp_path / "1/1/1").write_bytes(header + cut.T.astype(">f4").tobytes())
    (tmp_path / "0/0/0").unlink()
    expected = CELLS.copy()
    expected[:4, :3, :2] = 0
    np.testing.assert_array_equal(array[...], expected)


def test_the_document_says_it_and_comes_back_equal() -> None:
    array = create(store := {}, (ZstdCodec(level=1),))
    document = json.loads(bytes(store["zarr.json"]))
    (entry,) = document["codecs"]
    assert [one["name"] for one in entry["configuration"]["codecs"]] == ["transpose", "bytes", "zstd"]
    assert zarrite.open_array(store).metadata == array.metadata


@pytest.mark.parametrize(
    ("codecs", "why"),
    [
        ([], "must begin with 'transpose' and 'bytes'"),
        ([BytesCodec("big"), TransposeCodec((1, 0))], "must begin with"),
        ([TransposeCodec((0, 1)), BytesCodec("big")], "all 2 axes round"),
        ([TransposeCodec((1, 0)), BytesCodec("little")], "endian 'big'"),
        ([TransposeCodec((1, 0)), BytesCodec("big"), GzipCodec(), GzipCodec()], "N5 has no word for more"),
    ],
)
def test_other_codecs_inside_are_refused(codecs: list[Any], why: str) -> None:
    with pytest.raises(MetadataValidationError, match=why):
        ArrayModel.create(shape=(4, 4), dtype="i4", serializer=N5Default(codecs))


@pytest.mark.parametrize("configuration", [None, {}, {"codecs": 3}, {"codecs": [], "more": 1}, {"codecs": ["n5"] * 9}])
def test_configurations_that_make_no_sense_are_refused(configuration: Any) -> None:
    document = ArrayModel.create(shape=(4,), dtype="i4").to_dict()
    nested = {"name": "n5_default", "configuration": configuration}
    document["codecs"] = [nested if configuration is not None else {"name": "n5_default"}]
    with pytest.raises(MetadataValidationError, match="n5_default"):
        zarrite.open_array({"zarr.json": json.dumps(document).encode()})


def test_the_sample_of_the_register_is_understood(data: Path) -> None:
    array = zarrite.open_array(data / "zarr/zarr-extensions/n5_default/examples/zstd_array", mode="r", zarr_format=3)
    assert (array.shape, array.dtype) == ((256, 128), np.dtype("float32"))
    assert not array[...].any()
