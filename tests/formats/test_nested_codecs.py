"""Codecs that reshape chunks, hold other codecs, or split cells of varying length."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarrite
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, MetadataValidationError
from zarrite.model.chain import codec_from_json


def refused(name: str, configuration: Any) -> str:
    with pytest.raises(MetadataValidationError) as caught:
        codec_from_json({"name": name, "configuration": configuration})
    return str(caught.value)


def chunk(array: zarrite.Array, key: str) -> bytes:
    return array.store.get(key).result() or b""


def test_reshape_leaves_the_bytes_alone_and_what_follows_sees_the_new_shape() -> None:
    cells = np.arange(4 * 6).reshape(4, 6).astype("i4")
    plain = zarrite.create_array(None, data=cells, chunks=(4, 3), compressors=None)
    reshaped = zarrite.create_array(
        None, data=cells, chunks=(4, 3), compressors=None, filters=[codecs.ReshapeCodec([-1, 2])]
    )
    assert chunk(plain, "c/0/1") == chunk(reshaped, "c/0/1")
    turned = zarrite.create_array(
        None,
        data=cells,
        chunks=(4, 3),
        compressors=None,
        filters=[codecs.ReshapeCodec([-1, 2]), codecs.TransposeCodec([1, 0])],
    )
    wanted = cells[:, 3:].reshape(6, 2).transpose(1, 0)
    assert chunk(turned, "c/0/1") == wanted.tobytes()
    for array in (reshaped, turned):
        np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells)
        np.testing.assert_array_equal(array[1:3, 2:5], cells[1:3, 2:5])


def test_an_inner_chunk_after_a_reshape_is_in_the_new_shape() -> None:
    cells = np.arange(6 * 8 * 5).reshape(6, 8, 5).astype("u2")
    sharding = codecs.ShardingCodec([4, 5], [codecs.BytesCodec(), codecs.ZstdCodec()])
    array = zarrite.create_array(
        None,
        shape=cells.shape,
        dtype="u2",
        chunks=(3, 4, 5),
        filters=[codecs.ReshapeCodec([[0, 1], [2]])],
        serializer=sharding,
        compressors=None,
    )
    array[...] = cells
    assert array.chunks == (3, 4, 5)
    np.testing.assert_array_equal(zarrite.open_array(array.store)[2:5, 3:, ::2], cells[2:5, 3:, ::2])
    array[3, 4, 2] = 9
    cells[3, 4, 2] = 9
    np.testing.assert_array_equal(array[...], cells)
    with pytest.raises(MetadataValidationError, match="3 entries for 2 axes"):
        zarrite.create_array(
            None,
            shape=cells.shape,
            dtype="u2",
            chunks=(3, 4, 5),
            filters=[codecs.ReshapeCodec([[0, 1], [2]])],
            serializer=codecs.ShardingCodec([3, 4, 5]),
        )


@pytest.mark.parametrize(
    "shape",
    [
        [7],
        [-1, 5],
        [-1, -1],
        [0, -1],
        [[1], [0]],
        [[1, 0]],
        [[0], 2, [1]],
        [[5]],
        [[0, 0], -1],
        "24",
        [1.5],
        [True],
        [-2],
    ],
)
def test_a_shape_that_cannot_be_is_refused_by_name(shape: Any) -> None:
    with pytest.raises(MetadataValidationError, match="reshape"):
        zarrite.create_array(None, shape=(4, 6), chunks=(4, 6), dtype="i4", filters=[codecs.ReshapeCodec(shape)])


def test_the_older_name_of_reshape_is_read_and_the_registered_one_written() -> None:
    codec = codec_from_json({"name": "zarrs.reshape", "configuration": {"shape": [[0, 1]]}})
    assert codec.to_json() == {"name": "reshape", "configuration": {"shape": [[0, 1]]}}


def test_a_transposition_after_a_filter_moves_the_filtered_cells() -> None:
    cells = np.arange(24).reshape(2, 3, 4).astype("i8") ** 2
    chain = [codecs.Delta("<i8", "<i4"), codecs.TransposeCodec([2, 0, 1])]
    array = zarrite.create_array(None, data=cells, chunks=(2, 3, 4), filters=chain, compressors=None)
    flat = cells.ravel()
    deltas = np.concatenate([flat[:1], np.diff(flat)]).reshape(2, 3, 4).astype("<i4")
    assert chunk(array, "c/0/0/0") == deltas.transpose(2, 0, 1).tobytes()
    np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells)


def test_a_conditional_chunk_says_which_codecs_were_applied() -> None:
    random = np.random.default_rng(1)
    cells = np.zeros((2, 1000), "u1")
    cells[1] = random.integers(0, 256, 1000)
    codec = codecs.ConditionalCodec([codecs.Shuffle(1), codecs.ZstdCodec(level=3)])
    array = zarrite.create_array(None, data=cells + np.uint8(1), chunks=(1, 1000), compressors=codec)
    assert chunk(array, "c/0/0")[0] == 0b11
    kept = chunk(array, "c/1/0")
    assert (kept[0], len(kept)) == (0b01, 1001)
    np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells + np.uint8(1))
    # A filter mask of another writer: nothing applied.
    array.store.put("c/0/0", b"\0" + cells[1].tobytes()).result()
    np.testing.assert_array_equal(array[0], cells[1])
    array.store.put("c/0/0", b"\4" + cells[1].tobytes()).result()
    with pytest.raises(ChunkDecodeError, match="mask"):
        array[0]


def test_the_mask_of_a_conditional_has_as_many_bytes_as_it_says() -> None:
    cells = np.arange(100, dtype="u2")
    codec = codecs.ConditionalCodec([codecs.GzipCodec(1)], header_bits=24)
    array = zarrite.create_array(None, data=cells, chunks=100, compressors=codec)
    assert chunk(array, "c/0")[:5] == b"\1\0\0\x1f\x8b"
    document = json.loads(chunk(array, "zarr.json"))
    assert document["codecs"][-1]["configuration"]["header_bits"] == 24
    np.testing.assert_array_equal(zarrite.open_array(array.store)[...], cells)


def test_conditional_codecs_that_do_not_fit_are_refused() -> None:
    gzip = {"name": "gzip", "configuration": {"level": 1}}
    assert "multiple of 8" in refused("conditional", {"codecs": [gzip], "header_bits": 4})
    assert "multiple of 8" in refused("conditional", {"codecs": [gzip] * 9, "header_bits": 8})
    assert "bytes to bytes" in refused("conditional", {"codecs": [{"name": "bytes"}]})
    assert "list" in refused("conditional", {"codecs": "gzip"})
    nested: dict[str, Any] = {"codecs": []}
    for _ in range(40):
        nested = {"codecs": [{"name": "conditional", "configuration": nested}]}
    assert "deeper" in refused("conditional", nested)


TEXTS = np.array(["", "a", "zwölf", "日本", "", "x" * 1000] * 4, dtype=object).reshape(4, 6)


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("offsets", ["uint32", "uint64"])
def test_texts_and_bytes_come_back_from_offsets_and_data(location: str, offsets: str) -> None:
    codec = codecs.VLenCodec(
        [codecs.BytesCodec("big"), codecs.ZstdCodec(), codecs.Crc32cCodec()],
        [codecs.BytesCodec(None), codecs.BloscCodec(typesize=1, shuffle="noshuffle")],
        offsets,
        location,
    )
    for dtype, cells in (
        ("string", TEXTS),
        ("bytes", np.array([text.encode() for text in TEXTS.ravel()], object).reshape(TEXTS.shape)),
    ):
        settings = {"shape": cells.shape, "dtype": dtype, "serializer": codec, "compressors": None}
        for more in ({"chunks": (3, 4)}, {"chunks": (2, 2), "shards": (2, 4)}):
            array = zarrite.create_array(None, **settings, **more)
            array[...] = cells
            assert (np.asarray(zarrite.open_array(array.store)[...]).astype(object) == cells).all()
        array[1:3, 2] = cells[:2, 1]
        assert list(np.asarray(array[1:3, 2])) == list(cells[:2, 1])


def test_a_chunk_of_nothing_but_empty_texts_has_no_data() -> None:
    array = zarrite.create_array(
        None, shape=3, chunks=3, dtype="string", serializer=codecs.VLenCodec(), compressors=None, fill_value="x"
    )
    array[...] = ["", "", ""]
    assert len(chunk(array, "c/0")) == 8 + 4 * 8
    assert list(zarrite.open_array(array.store)[...]) == ["", "", ""]


def test_cells_of_one_length_are_refused_where_lengths_vary() -> None:
    for codec in (codecs.VLenCodec(), codecs.VLenV2Codec()):
        with pytest.raises(MetadataValidationError, match=r"zarrs\.vlen"):
            zarrite.create_array(None, shape=3, chunks=3, dtype="i4", serializer=codec)
    with pytest.raises(MetadataValidationError, match="data_codecs"):
        zarrite.create_array(
            None,
            shape=3,
            chunks=3,
            dtype="string",
            serializer=codecs.VLenCodec(data_codecs=[codecs.TransposeCodec([0]), codecs.BytesCodec(None)]),
        )


def test_damaged_offsets_are_an_error_and_never_a_crash() -> None:
    random = np.random.default_rng(2)
    array = zarrite.create_array(
        None, shape=6, chunks=6, dtype="string", serializer=codecs.VLenCodec(), compressors=None
    )
    array[...] = TEXTS[0]
    good = chunk(array, "c/0")
    for _ in range(300):
        bad = bytearray(good)
        for at in random.integers(0, 64, 2):
            bad[at] = random.integers(0, 256)
        array.store.put("c/0", bytes(bad)).result()
        try:
            array[...]
        except ChunkDecodeError:
            continue


@pytest.mark.parametrize(
    "settings",
    [
        {"serializer": codecs.ZfpCodec("reversible")},
        {"serializer": codecs.ZFPY(mode=5)},
        {"serializer": codecs.PCodec()},
        {"filters": [codecs.ReshapeCodec([-1, [1]]), codecs.TransposeCodec([1, 0])]},
        {"filters": [codecs.ReshapeCodec([2, -1])]},
        {"filters": [codecs.SqueezeCodec()]},
        {"compressors": codecs.ConditionalCodec([codecs.ZstdCodec()])},
        {"serializer": codecs.VLenCodec(), "dtype": "string", "compressors": None},
    ],
    ids=repr,
)
def test_chunks_of_several_shapes_are_each_packed_as_they_are(settings: dict[str, Any]) -> None:
    cells = np.arange(120).reshape(10, 12).astype("f4" if "dtype" not in settings else "T")
    array = zarrite.create_array(
        None, **{"shape": (10, 12), "chunks": [[2, 3, 5], [4, 8]], "dtype": cells.dtype, **settings}
    )
    array[...] = cells
    assert (np.asarray(zarrite.open_array(array.store)[...]) == cells).all()
    assert (np.asarray(array[1:7, 3:]) == cells[1:7, 3:]).all()
