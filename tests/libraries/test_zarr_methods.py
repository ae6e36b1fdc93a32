"""Methods that codecs, data types and documents have under the name zarr, each test in a process of its own."""

from __future__ import annotations

from libraries.test_as_zarr import runs

SPEC = (
    "import numpy as np, zlib, gzip\n"
    "from zarr.core.array_spec import ArrayConfig, ArraySpec\n"
    "from zarr.core.buffer import default_buffer_prototype\n"
    "from zarr.dtype import parse_dtype\n"
    "from zarr import codecs\n"
    "made = default_buffer_prototype()\n"
    "def spec(shape, dtype):\n"
    "    return ArraySpec(shape, parse_dtype(dtype), 0, ArrayConfig(order='C', write_empty_chunks=True), made)\n"
    "cells = np.arange(12, dtype='f4').reshape(3, 4)\n"
    "raw = made.buffer.from_bytes(cells.tobytes())\n"
    "whole = made.nd_buffer.from_numpy_array(cells)\n"
)


def test_a_codec_of_bytes_encodes_and_decodes_one_chunk_as_other_libraries_do() -> None:
    runs(
        SPEC + "for codec in (codecs.GzipCodec(), codecs.ZstdCodec(), codecs.Crc32cCodec(), codecs.BloscCodec()):\n"
        "    packed = codec._encode_sync(raw, spec((3, 4), 'f4'))\n"
        "    assert codec._decode_sync(packed, spec((3, 4), 'f4')).to_bytes() == cells.tobytes(), codec\n"
        "packed = codecs.GzipCodec()._encode_sync(raw, spec((3, 4), 'f4')).to_bytes()\n"
        "assert gzip.decompress(packed) == cells.tobytes()\n"
        "behind = codecs.Crc32cCodec()._encode_sync(made.buffer.from_bytes(packed), spec((3, 4), 'f4'))\n"
        "assert len(behind) == len(packed) + 4\n"
        "assert codecs.Crc32cCodec()._decode_sync(behind, spec((3, 4), 'f4')).to_bytes() == packed"
    )


def test_a_codec_of_cells_encodes_and_decodes_one_chunk_as_numpy_does() -> None:
    runs(
        SPEC + "codec = codecs.TransposeCodec(order=(1, 0))\n"
        "turned = codec._encode_sync(whole, spec((3, 4), 'f4'))\n"
        "assert np.array_equal(turned.as_numpy_array(), cells.T)\n"
        "after = codec.resolve_metadata(spec((3, 4), 'f4'))\n"
        "assert after.shape == (4, 3)\n"
        "for told in (after, spec((3, 4), 'f4')):\n"
        "    assert np.array_equal(codec._decode_sync(turned, told).as_numpy_array(), cells)\n"
        "codec = codecs.ScaleOffset(offset=2, scale=0.5)\n"
        "scaled = codec._encode_sync(whole, spec((3, 4), 'f4'))\n"
        "assert np.array_equal(scaled.as_numpy_array(), (cells - 2) / 2)\n"
        "codec = codecs.CastValue(data_type='int16')\n"
        "cast = codec._encode_sync(whole, spec((3, 4), 'f4')).as_numpy_array()\n"
        "assert cast.dtype == np.dtype('i2') and np.array_equal(cast, cells)\n"
        "assert codec.resolve_metadata(spec((3, 4), 'f4')).dtype == parse_dtype('i2')\n"
        "big = codecs.BytesCodec(endian='big')._encode_sync(whole, spec((3, 4), 'f4'))\n"
        "assert big.to_bytes() == cells.astype('>f4').tobytes()\n"
        "plain = codecs.BytesCodec(endian='big')._decode_sync(big, spec((3, 4), 'f4')).as_numpy_array()\n"
        "assert np.array_equal(plain, cells)"
    )


def test_a_codec_says_what_follows_from_the_chunk_and_how_long_it_becomes() -> None:
    runs(
        SPEC + "codec = codecs.BloscCodec().evolve_from_array_spec(spec((3,), 'u2'))\n"
        "assert (codec.typesize, codec.shuffle) == (2, 'shuffle')\n"
        "assert codecs.Crc32cCodec().compute_encoded_size(48, spec((3, 4), 'f4')) == 52\n"
        "assert codecs.CastValue(data_type='i2').compute_encoded_size(80, spec((10,), 'f8')) == 20\n"
        "assert codecs.TransposeCodec(order=(1, 0)).compute_encoded_size(48, spec((3, 4), 'f4')) == 48\n"
        "try:\n"
        "    codecs.GzipCodec().compute_encoded_size(48, spec((3, 4), 'f4'))\n"
        "except NotImplementedError as error:\n"
        "    assert 'depends on what it is given' in str(error)\n"
        "else:\n"
        "    raise AssertionError"
    )


def test_consolidated_documents_are_taken_apart_and_put_together() -> None:
    runs(
        "from zarr.core.group import ConsolidatedMetadata, GroupMetadata\n"
        "from zarr.storage import MemoryStore\n"
        "store = MemoryStore()\n"
        "root = zarr.open_group(store, mode='w')\n"
        "root.create_group('a').create_array('b', data=[1.5])\n"
        "kept = zarr.consolidate_metadata(store).metadata.consolidated_metadata\n"
        "assert isinstance(kept, ConsolidatedMetadata)\n"
        "assert list(kept.metadata) == ['a'] and list(kept.flattened_metadata) == ['a', 'a/b']\n"
        "assert kept.flattened_metadata['a'].consolidated_metadata.metadata == {}\n"
        "again = ConsolidatedMetadata(kept.metadata)\n"
        "assert again == kept and ConsolidatedMetadata.from_dict(again.to_dict()) == kept\n"
        "assert GroupMetadata(consolidated_metadata=again) == zarr.open_group(store).metadata\n"
        "for wrong, kind in (({'kind': 'outline'}, ValueError), ({'kind': 'inline'}, TypeError),\n"
        "                    ({'kind': 'inline', 'metadata': {'a': [1]}}, TypeError)):\n"
        "    try:\n"
        "        ConsolidatedMetadata.from_dict(wrong)\n"
        "    except kind:\n"
        "        continue\n"
        "    raise AssertionError(wrong)"
    )


def test_documents_of_nodes_and_of_data_types_come_in_the_format_that_is_asked_for() -> None:
    runs(
        "import json, math\n"
        "from zarr.dtype import Float64, UInt8, VariableLengthUTF8\n"
        "assert UInt8().to_json(zarr_format=3) == 'uint8'\n"
        "assert UInt8().to_json(zarr_format=2) == {'name': '|u1', 'object_codec_id': None}\n"
        "assert VariableLengthUTF8().to_json(zarr_format=2) == {'name': '|O', 'object_codec_id': 'vlen-utf8'}\n"
        "assert Float64().to_json_scalar(math.nan, zarr_format=3) == 'NaN'\n"
        "assert Float64().from_json_scalar('-Infinity', zarr_format=3) == -math.inf\n"
        "for zarr_format, names in ((3, {'zarr.json'}), (2, {'.zarray', '.zattrs'})):\n"
        "    array = zarr.create_array({}, shape=(2,), dtype='f4', zarr_format=zarr_format, attributes={'a': 1})\n"
        "    found = array.metadata.to_buffer_dict()\n"
        "    assert set(found) == names\n"
        "    assert all(json.loads(one.to_bytes()) for one in found.values())"
    )


def test_words_that_zarr_python_deprecated_warn_and_are_the_texts_they_stand_for() -> None:
    runs(
        "import warnings\n"
        "from zarr import codecs\n"
        "for kind, word in ((codecs.BloscShuffle, 'shuffle'), (codecs.BloscCname, 'zstd'), (codecs.Endian, 'big')):\n"
        "    with warnings.catch_warnings(record=True) as heard:\n"
        "        warnings.simplefilter('always')\n"
        "        assert getattr(kind, word) == word == kind(word) and word in kind\n"
        "    assert [one.category for one in heard] == [zarrite.errors.ZarrDeprecationWarning]\n"
        "    assert not hasattr(kind, 'nothing')"
    )


def test_functions_and_their_coroutines_have_one_signature_and_one_list_of_names() -> None:
    runs(
        "import inspect\n"
        "from zarr.api import asynchronous, synchronous\n"
        "assert synchronous.__all__ == asynchronous.__all__\n"
        "for name in ('create', 'create_array', 'open_group', 'save'):\n"
        "    here, there = getattr(synchronous, name), getattr(asynchronous, name)\n"
        "    assert here is getattr(zarr, name)\n"
        "    assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters)"
    )
