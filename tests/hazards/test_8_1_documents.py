"""Documents as writers left them: each odd form is read as what was meant, with the cells that belong to it.

The numbers in the names are those of the list of known forms (format reference 8.1).
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pytest

import zarrite
from hazards.wild import CELLS, LITTLE, cells_of, grid, only_fill, reread, same, v2, v3
from zarrite import codecs
from zarrite.errors import MetadataValidationError, ZarriteError, ZarrUserWarning


def test_8_1_01_dimension_names_that_are_null_are_none() -> None:
    store = v3(dimension_names=None)
    same(store)
    assert zarrite.open_array(store, mode="r").dimension_names is None
    assert "dimension_names" not in reread(store)


def test_8_1_02_an_empty_list_of_storage_transformers_is_accepted() -> None:
    same(v3(storage_transformers=[]))
    with pytest.raises(MetadataValidationError, match="storage_transformers"):
        cells_of(v3(storage_transformers=[{"name": "manifest"}]))


@pytest.mark.parametrize("codec", ["crc32c", {"name": "crc32c"}, {"name": "crc32c", "configuration": {}}])
def test_8_1_03_a_codec_as_text_without_and_with_an_empty_configuration_is_one(codec: Any) -> None:
    made: dict[str, bytes] = {}
    array = zarrite.create_array(made, shape=(2, 3), chunks=(2, 3), dtype="i4", compressors=codecs.Crc32cCodec())
    array[...] = CELLS
    same(v3(raw=made["c/0/0"], codecs=[LITTLE, codec]))


def test_8_1_04_bytes_without_an_order_are_little_for_structs_and_told_for_numbers() -> None:
    cells = np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")])
    kind = {"name": "structured", "configuration": {"fields": [["a", "int32"], ["b", "float64"]]}}
    same(v3(cells, data_type=kind, codecs=["bytes"], fill_value="AAAAAAAAAAAAAAAA"), cells)
    with pytest.warns(ZarrUserWarning, match="little endian is assumed"):
        same(v3(codecs=["bytes"]))


def test_8_1_05_the_codec_endian_is_bytes() -> None:
    store = v3(codecs=[{"name": "endian", "configuration": {"endian": "big"}}], raw=CELLS.astype(">i4").tobytes())
    same(store)
    assert reread(store)["codecs"][0]["name"] == "bytes"


@pytest.mark.parametrize(("letter", "raw"), [("C", CELLS.tobytes()), ("F", CELLS.T.tobytes())])
def test_8_1_06_letters_for_the_order_of_a_transpose_are_converted(letter: str, raw: bytes) -> None:
    same(v3(raw=raw, codecs=[{"name": "transpose", "configuration": {"order": letter}}, LITTLE]))


BLOSC = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 0}


def blosc_chunk() -> bytes:
    made: dict[str, bytes] = {}
    chain = codecs.BloscCodec(cname="lz4", shuffle="shuffle", typesize=4)
    zarrite.create_array(made, shape=(2, 3), chunks=(2, 3), dtype="i4", compressors=chain)[...] = CELLS
    return made["c/0/0"]


def test_8_1_07_blosc_extra_keys_are_ignored() -> None:
    for extra in ({"nthreads": 8}, {"nthreads": 1, "other": None}):
        same(v3(raw=blosc_chunk(), codecs=[LITTLE, {"name": "blosc", "configuration": BLOSC | extra}]))
    old = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0, "typesize": 4}
    same(v2(raw=blosc_chunk(), compressor=old))


def test_8_1_08_zstd_that_says_it_has_no_checksum_is_accepted() -> None:
    made: dict[str, bytes] = {}
    zarrite.create_array(made, shape=(2, 3), chunks=(2, 3), dtype="i4", compressors=codecs.ZstdCodec(1))[...] = CELLS
    same(v3(raw=made["c/0/0"], codecs=[LITTLE, {"name": "zstd", "configuration": {"level": 1, "checksum": False}}]))
    store = v2(raw=made["c/0/0"], compressor={"id": "zstd", "level": 1, "checksum": False})
    same(store)
    assert "checksum" not in reread(store)["compressor"]


def test_8_1_09_gzip_of_level_minus_one_is_accepted() -> None:
    raw = gzip.compress(CELLS.tobytes())
    same(v3(raw=raw, codecs=[LITTLE, {"name": "gzip", "configuration": {"level": -1}}]))
    same(v2(raw=raw, compressor={"id": "gzip", "level": -1}))


@pytest.mark.parametrize("name", ["blosc", "numcodecs.blosc"])
@pytest.mark.parametrize("shuffle", [0, 1, 2, -1])
def test_8_1_10_shuffle_as_a_number_is_resolved_by_the_size_of_a_cell(name: str, shuffle: int) -> None:
    same(v3(raw=blosc_chunk(), codecs=[LITTLE, {"name": name, "configuration": BLOSC | {"shuffle": shuffle}}]))
    assert codecs.BloscCodec.from_numcodecs({"cname": "lz4", "clevel": 5, "shuffle": shuffle}) is not None


@pytest.mark.parametrize("form", ["AQI=", [1, 2]])
def test_8_1_11_the_fill_value_of_raw_bits_is_a_list_or_base64(form: Any) -> None:
    cells = np.array([b"\3\4"], "V2")
    found = cells_of(only_fill(v3(cells, data_type="r16", fill_value=form, codecs=["bytes"])))
    assert found.tobytes() == b"\1\2"


def test_8_1_12_a_fill_value_of_null_in_format_3_is_the_default_and_told() -> None:
    for members in ({"fill_value": None}, {"fill_value": ...}):
        with pytest.warns(ZarrUserWarning, match="default"):
            assert not cells_of(only_fill(v3(**members))).any()


@pytest.mark.parametrize("make", [v2, v3])
@pytest.mark.parametrize(
    ("cells", "form", "want"),
    [
        (CELLS, 0.0, 0),
        (CELLS, "0.0", 0),
        (CELLS, "7", 7),
        (np.zeros(2, "?"), 1, True),
        (np.zeros(2, "?"), 0, False),
    ],
)
def test_8_1_13_fill_values_of_another_kind_are_taken_where_they_are_exact(
    make: Any, cells: Any, form: Any, want: Any
) -> None:
    found = cells_of(only_fill(make(cells, fill_value=form)))
    assert found.dtype == cells.dtype
    assert (found == want).all()
    with pytest.raises(MetadataValidationError, match="fill_value"):
        cells_of(only_fill(make(CELLS, fill_value=0.5)))


def test_8_1_13_zero_is_the_fill_value_of_texts() -> None:
    chain = {"filters": [{"id": "vlen-utf8"}], "dtype": "|O"}
    assert set(cells_of(only_fill(v2(fill_value=0, **chain))).ravel().tolist()) == {"0"}


def test_8_1_14_a_fill_value_in_a_list_and_bytes_as_numbers_are_taken() -> None:
    assert (cells_of(only_fill(v2(fill_value=[-32767]))) == -32767).all()
    assert cells_of(only_fill(v2(np.zeros(2, "S1"), fill_value=[88]))).tolist() == [b"X", b"X"]


def test_8_1_14b_a_bare_list_of_fields_is_a_struct() -> None:
    cells = np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")])
    kind = [["a", "int32"], ["b", "float64"]]
    same(v3(cells, data_type=kind, codecs=["bytes"], fill_value="AAAAAAAAAAAAAAAA"), cells)


def test_8_1_14c_a_chain_of_texts_is_accepted() -> None:
    cells = CELLS.astype("u1")
    same(v3(cells, codecs=["bytes"]), cells)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_8_1_15_bare_tokens_are_read_and_never_written_anew(token: str) -> None:
    store = v3(np.zeros(3, "<f4"), fill_value=0, attributes={"a": "?"})
    store["zarr.json"] = store["zarr.json"].replace(b'"?"', token.encode())
    value = zarrite.open_array(store, mode="r").attrs["a"]
    assert repr(value) == repr(float(token.replace("Infinity", "inf")))
    fresh: dict[str, bytes] = {}
    with pytest.raises(MetadataValidationError, match="not JSON serializable"):
        zarrite.create_array(fresh, shape=(1,), dtype="f4", attributes={"a": value})
    old = v2(np.zeros(3, "<f4"), fill_value="?")
    old[".zarray"] = old[".zarray"].replace(b'"?"', token.encode())
    assert repr(float(cells_of(only_fill(old))[0])) == repr(float(token.replace("Infinity", "inf")))


def test_8_1_16_filters_that_are_an_empty_list_are_null() -> None:
    store = v2(filters=[])
    same(store)
    assert zarrite.check(store).findings[0].rule == "filters-empty"


def test_8_1_17_members_that_are_missing_in_format_2_have_defaults() -> None:
    same(v2(fill_value=..., filters=..., order=..., compressor=...))
    array = zarrite.open_array(v2(fill_value=..., order=...), mode="r")
    assert (array.fill_value, array.order, array.metadata.keys.separator) == (None, "C", ".")


def test_8_1_18_a_chunk_of_length_zero_is_one_where_the_axis_has_none() -> None:
    for store in (v2(shape=[0, 3], chunks=[0, 3]), v3(shape=[0, 3], chunk_grid=grid(0, 3))):
        array = zarrite.open_array(store, mode="r")
        assert array.chunks == (1, 3)
        assert array[...].shape == (0, 3)
    for store in (only_fill(v2(chunks=[0, 3])), only_fill(v3(chunk_grid=grid(0, 3)))):
        with pytest.warns(ZarrUserWarning, match="a chunk edge of 0"):
            cells = cells_of(store)
        assert (cells == zarrite.open_array(store, mode="r").fill_value).all()  # no chunk could be stored under it


def group(**members: Any) -> bytes:
    return json.dumps({"zarr_format": 3, "node_type": "group", **members}).encode()


def test_8_1_19_consolidated_metadata_is_read_in_any_shape() -> None:
    array = {f"a/b/{key}": raw for key, raw in v3().items()}
    document = json.loads(array["a/b/zarr.json"])
    below = {"zarr_format": 3, "node_type": "group"}
    nodes = {"a/zarr.json": group(consolidated_metadata=None), **array}
    assert zarrite.open_group({"zarr.json": group(consolidated_metadata=None), **nodes}, mode="r")["a/b"].shape == (
        2,
        3,
    )
    for copies in (
        {"a/b": document, "a": below},
        {"/a/b": document, "/a": below},
        {"a": {**below, "consolidated_metadata": {"kind": "inline", "metadata": {}}}, "a/b": document},
    ):
        inline = {"kind": "inline", "must_understand": False, "metadata": copies}
        found = zarrite.open_group({"zarr.json": group(consolidated_metadata=inline), **nodes}, mode="r")
        assert sorted(name for name, _ in found.members(max_depth=None)) == ["a", "a/b"]
        np.testing.assert_array_equal(found["a"]["b"][...], CELLS)


def test_8_1_20_names_that_begin_with_two_underscores_are_read() -> None:
    name = "__xarray_dataarray_variable__"
    store = {"zarr.json": group(), **{f"{name}/{key}": raw for key, raw in v3().items()}}
    root = zarrite.open_group(store, mode="r")
    assert list(root) == [name]
    np.testing.assert_array_equal(root[name][...], CELLS)


def test_8_1_21_members_that_format_2_does_not_have_are_passed_by_and_kept() -> None:
    store = v2(_NCZARR_ARRAY={"storage": "chunked"})
    same(store)
    assert reread(store)["_NCZARR_ARRAY"] == {"storage": "chunked"}
    root = {".zgroup": b'{"zarr_format": 2, "_NCZARR_GROUP": {"dims": {}}}'}
    zarrite.open_group(root, mode="r+").attrs["a"] = 1
    assert b"_NCZARR_GROUP" in root[".zgroup"]


@pytest.mark.parametrize(
    ("cells", "kind", "chain", "fill"),
    [
        (np.array([b"ab", b"c"], "S2"), {"name": "null_terminated_bytes", "configuration": {"length_bytes": 2}}, 0, ""),
        (np.array([b"ab", b"c"], "V2"), {"name": "raw_bytes", "configuration": {"length_bytes": 2}}, 0, "AAA="),
        (np.array(["ab", "c"], "<U2"), {"name": "fixed_length_utf32", "configuration": {"length_bytes": 8}}, 1, ""),
    ],
)
def test_8_1_22_data_types_under_the_names_of_other_libraries_are_read(
    cells: Any, kind: Any, chain: int, fill: str
) -> None:
    same(v3(cells, data_type=kind, codecs=[LITTLE if chain else "bytes"], fill_value=fill), cells)


@pytest.mark.parametrize("name", ["bytes", "variable_length_bytes", "binary"])
def test_8_1_22_bytes_of_any_length_have_three_names(name: str) -> None:
    raw = b"\2\0\0\0" + b"\1\0\0\0a" + b"\0\0\0\0"
    store = v3(np.zeros(2, "i1"), raw, data_type=name, codecs=["vlen-bytes"], fill_value=[])
    assert cells_of(store).tolist() == [b"a", b""]


@pytest.mark.parametrize(
    ("codec", "raw"),
    [
        ({"name": "numcodecs.zlib", "configuration": {"level": 1}}, zlib.compress(CELLS.tobytes())),
        ({"name": "numcodecs.gzip", "configuration": {"level": 1}}, gzip.compress(CELLS.tobytes())),
        (
            {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}},
            CELLS.view("u1").reshape(6, 4).T.tobytes(),
        ),
    ],
)
def test_8_1_23_codecs_of_numcodecs_are_read_in_format_3(codec: dict[str, Any], raw: bytes) -> None:
    same(v3(raw=raw, codecs=[LITTLE, codec]))


@pytest.mark.parametrize("edges", [4, [4, 4], [[4, 2]], [4, [2, 2]], [[4, 1], 2], [4, 4, 4]])
def test_8_1_24_rectilinear_edges_are_read_as_numbers_lists_and_runs(edges: Any) -> None:
    cells = np.arange(6, dtype="<i4")
    rectilinear = {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [edges]}}
    chunks = {"c/0": cells[:4].tobytes(), "c/1": np.array([4, 5], "<i4").tobytes()}
    if edges in (4, [4, 4], [[4, 2]], [4, 4, 4]):
        chunks["c/1"] += bytes(8)  # the last chunk is stored whole
    store = only_fill(v3(cells, chunk_grid=rectilinear)) | chunks
    same(store, cells)


def test_8_1_25_a_byte_order_mark_and_line_ends_are_read_and_a_comma_too_many_is_not() -> None:
    store = v3()
    lines = json.dumps(json.loads(store["zarr.json"]), indent=2).replace("\n", "\r\n").encode()
    same({**store, "zarr.json": b"\xef\xbb\xbf" + lines})
    with pytest.raises(MetadataValidationError, match=r"line \d+, column \d+"):
        cells_of({**store, "zarr.json": store["zarr.json"][:-1] + b",}"})


def test_8_1_26_numbers_with_a_point_are_taken_where_they_are_whole() -> None:
    same(v3(shape=[2.0, 3], chunk_grid=grid(2e0, 3.0)))
    same(v2(shape=[2.0, 3.0], chunks=[2, 3.0]))
    for store in (v3(shape=[2.5, 3]), v2(chunks=[2, 2.5]), v3(shape=[1e300, 3])):
        with pytest.raises(MetadataValidationError):
            cells_of(store)


def test_8_1_27_dimension_names_that_stand_twice_are_kept() -> None:
    store = v3(dimension_names=["x", "x"])
    same(store)
    assert zarrite.open_array(store, mode="r").dimension_names == ("x", "x")
    assert reread(store)["dimension_names"] == ["x", "x"]


def test_8_1_28_codecs_named_by_a_uri_are_known() -> None:
    same(v3(codecs=[{**LITTLE, "name": "https://purl.org/zarr/spec/codec/bytes/1.0"}]))
    with pytest.raises(ZarriteError, match="nobody"):
        cells_of(v3(codecs=[LITTLE, {"name": "https://example.org/nobody"}]))


@pytest.mark.parametrize(
    ("form", "bits"),
    [("0x7fc00000", 0x7FC00000), ("0x7FC00001", 0x7FC00001), ("0x1", 1), ("+Infinity", 0x7F800000)],
)
def test_8_1_29_short_and_large_hexadecimal_and_a_plus_are_read(form: str, bits: int) -> None:
    found = cells_of(only_fill(v3(np.zeros(2, "<f4"), fill_value=form)))
    assert found.view("u4").tolist() == [bits, bits]


def test_8_1_30_a_list_of_extensions_that_must_be_understood_refuses_the_node() -> None:
    with pytest.raises(MetadataValidationError, match="extensions"):
        cells_of(v3(extensions=[{"name": "example.offset", "configuration": {"offset": [1, 1]}}]))
