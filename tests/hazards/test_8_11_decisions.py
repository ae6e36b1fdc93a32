"""What the specification leaves open, and what is done here (format reference 8.11; the numbers are its own)."""

from __future__ import annotations

import json
import threading
import warnings

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, LITTLE, cells_of, grid, only_fill, same, v2, v3
from zarrite import codecs
from zarrite.errors import ChunkDecodeError, MetadataValidationError, ZarriteError


def test_8_11_01_cells_never_written_without_a_fill_value_are_zero_and_told() -> None:
    store = only_fill(v2(fill_value=None))
    assert not cells_of(store).any()
    assert zarrite.open_array(store, mode="r").fill_value is None
    assert [one.rule for one in zarrite.check(store).findings] == ["fill-value-null"]


def test_8_11_02_what_was_cut_off_does_not_come_back() -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(store, shape=(6,), chunks=(4,), dtype="i4", fill_value=9)
    array[...] = 1
    array.resize((3,))
    array.resize((6,))
    assert array[...].tolist() == [1, 1, 1, 9, 9, 9]


def test_8_11_03_threads_that_append_lose_nothing() -> None:
    array = zarrite.create_array({}, shape=(0,), chunks=(4,), dtype="i4")
    threads = [threading.Thread(target=array.append, args=(np.full(3, number, "i4"),)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = zarrite.open_array(array.store, mode="r")[...]
    assert sorted(found.tolist()) == sorted(number for number in range(1, 9) for _ in range(3))


def test_8_11_04_a_folder_is_a_group_only_where_a_document_says_so() -> None:
    store = {f"a/{key}": raw for key, raw in v3().items()}
    with pytest.raises(FileNotFoundError):
        zarrite.open_group(store, mode="r")


def test_8_11_05_a_codec_that_need_not_be_understood_is_passed_by_and_never_written() -> None:
    unknown = {"name": "nobody", "must_understand": False}
    store = v3(codecs=[LITTLE, unknown])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(cells_of(store), CELLS)
        array = zarrite.open_array(dict(store), mode="r+")
    with pytest.raises(ZarriteError, match="nobody"):
        array[...] = 1
    assert [one.rule for one in zarrite.check(store).findings] == ["codec-passed-by"]


def test_8_11_06_a_type_that_is_not_known_refuses_whatever_its_fill_value() -> None:
    with pytest.raises(ZarriteError, match="float7"):
        cells_of(v3(data_type="float7", fill_value=None))


def test_8_11_07_arrays_of_more_axes_than_numpy_has_are_refused_in_words_or_read() -> None:
    for ndim in (32, 33, 64, 65):
        store = v3(np.zeros([1] * min(ndim, 32), "<i4"), shape=[1] * ndim, chunk_grid=grid(*[1] * ndim))
        try:
            assert cells_of(only_fill(store)).size == 1
        except (ZarriteError, ValueError) as error:
            assert "dim" in str(error) or "axes" in str(error)


def test_8_11_08_shapes_and_counts_beyond_64_bits_are_refused_and_sparse_giants_read() -> None:
    for length in (2**63, 2**64, 10**30):
        with pytest.raises(ZarriteError, match="shape"):
            zarrite.open_array(v3(shape=[length, 3]), mode="r")
    giant = only_fill(v3(shape=[2**62, 2**62], chunk_grid=grid(1, 1), fill_value=3))
    assert zarrite.open_array(giant, mode="r")[2**61, 2**61] == 3


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,)])
@pytest.mark.parametrize(
    "codec",
    [
        codecs.GzipCodec(1),
        codecs.ZstdCodec(1),
        codecs.BloscCodec(),
        codecs.Zlib(),
        codecs.BZ2(),
        codecs.LZ4(),
        codecs.LZMA(),
        codecs.Shuffle(4),
        codecs.Crc32cCodec(),
    ],
    ids=lambda codec: codec.name,
)
def test_8_11_09_arrays_without_axes_and_without_cells_go_through_every_codec(
    shape: tuple[int, ...], codec: codecs.Codec
) -> None:
    store: dict[str, bytes] = {}
    array = zarrite.create_array(
        store, shape=shape, chunks=tuple(max(1, n) for n in shape), dtype="i4", compressors=codec
    )
    array[...] = 7
    found = cells_of(store)
    assert np.shape(found) == shape
    assert (np.asarray(found) == 7).all()


def test_8_11_10_keys_beyond_what_object_stores_take_are_told() -> None:
    store = {f"{'n' * 1100}/{key}": raw for key, raw in v3().items()}
    assert "key-long" in [one.rule for one in zarrite.check(store).findings]


def test_8_11_11_documents_that_nest_without_end_are_refused() -> None:
    store = v3()
    store["zarr.json"] = (
        store["zarr.json"][:-1] + b', "attributes": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    )
    with pytest.raises(MetadataValidationError, match="deep"):
        cells_of(store)


@pytest.mark.parametrize("separator", ["-", "", "//", None, 3])
def test_8_11_12_separators_other_than_slash_and_dot_are_refused(separator: object) -> None:
    keys = {"name": "default", "configuration": {"separator": separator}}
    try:
        found = cells_of(v3(chunk_key_encoding=keys))
    except MetadataValidationError as error:
        assert "separator" in str(error)
    else:
        assert separator is None
        np.testing.assert_array_equal(found, CELLS)


def test_8_11_13_names_of_our_own_have_none_in_documents() -> None:
    store: dict[str, bytes] = {}
    zarrite.create_array(store, shape=(4,), chunks=(2,), shards=(4,), dtype="f4")
    assert b"zarrite" not in store["zarr.json"]


def test_8_11_14_fields_of_one_name_are_refused() -> None:
    fields = [{"name": "a", "data_type": "int8"}, {"name": "a", "data_type": "int8"}]
    kind = {"name": "struct", "configuration": {"fields": fields}}
    with pytest.raises(ZarriteError, match="a"):
        cells_of(v3(np.zeros(2, "i2"), data_type=kind, fill_value={"a": 0}, codecs=["bytes"]))


def test_8_11_15_scaling_rounds_as_the_type_of_the_cells_does() -> None:
    cells = np.array([0.1, 2.5, 3.5, -1.25], "<f4")
    old = v2(
        cells,
        np.array([2, 25, 35, -12], "<i2").tobytes(),
        dtype="<f4",
        filters=[{"id": "fixedscaleoffset", "offset": 0, "scale": 10, "dtype": "<f4", "astype": "<i2"}],
    )
    np.testing.assert_array_equal(cells_of(old), np.array([2, 25, 35, -12], "<f4") / np.float32(10))
    store: dict[str, bytes] = {}
    array = zarrite.create_array(
        store, shape=(4,), dtype="f4", filters=codecs.ScaleOffset(offset=1.0, scale=3.0), compressors=None
    )
    array[...] = cells
    stored = (cells - np.float32(1)) * np.float32(3)
    assert store["c/0"] == stored.astype("<f4").tobytes()
    np.testing.assert_array_equal(array[...], stored / np.float32(3) + np.float32(1))


def test_8_11_17_a_key_that_is_the_nan_of_documents_means_every_nan() -> None:
    mapping = {"encode": [["NaN", 255]], "decode": [[255, "NaN"]]}
    chain = [{"name": "cast_value", "configuration": {"data_type": "uint8", "scalar_map": mapping}}, {"name": "bytes"}]
    store = only_fill(v3(np.zeros(3, "<f4"), codecs=chain))
    array = zarrite.open_array(store, mode="r+")
    array[...] = np.array([0, 0x7FC00000, 0xFF800001], "<u4").view("<f4")
    assert store["c/0"] == bytes([0, 255, 255])
    assert np.isnan(array[1:]).all()


def test_8_11_18_inner_chunks_follow_a_reshaped_array() -> None:
    inner = {"chunk_shape": [3], "codecs": [LITTLE], "index_codecs": [LITTLE], "index_location": "end"}
    chain = [
        {"name": "reshape", "configuration": {"shape": [[0, 1]]}},
        {"name": "sharding_indexed", "configuration": inner},
    ]
    store = only_fill(v3(codecs=chain))
    zarrite.open_array(store, mode="r+")[...] = CELLS
    same(store)
    assert store["c/0/0"][:24] == CELLS.tobytes()


def test_8_11_16_hexadecimal_is_written_with_every_digit() -> None:
    store: dict[str, bytes] = {}
    zarrite.create_array(store, shape=(1,), dtype="f4", fill_value=np.uint32(0x7FC00001).view("f4"))
    assert json.loads(store["zarr.json"])["fill_value"] == "0x7fc00001"


def test_8_11_19_a_wrong_checksum_is_an_error_and_never_a_fill_value() -> None:
    store = v3(raw=CELLS.tobytes() + bytes(4), codecs=[LITTLE, {"name": "crc32c"}])
    with pytest.raises(ChunkDecodeError):
        cells_of(store)


def test_8_11_20_threads_that_write_parts_of_one_shard_lose_nothing() -> None:
    array = zarrite.create_array({}, shape=(32,), chunks=(1,), shards=(32,), dtype="i4")

    def write(at: int) -> None:
        array[at] = at + 1

    threads = [threading.Thread(target=write, args=(at,)) for at in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert array[...].tolist() == list(range(1, 33))
