"""Keywords and methods of zarr-python 2: they mean what they meant, or say what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

import zarrite
from zarrite.codecs import GzipCodec


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_datasets_are_made_and_required(zarr_format: int) -> None:
    group = zarrite.open_group(None, mode="w", zarr_format=zarr_format)
    made = group.create_dataset(
        "a", shape=(4, 4), chunks=(2, 2), dtype="i4", compressor=GzipCodec(), dimension_separator="/", synchronizer=3
    )
    made[:] = 5
    assert [codec.name for codec in made.compressors] == ["gzip"]
    assert made.metadata.dimension_separator == "/"
    assert group.require_dataset("a", shape=(4, 4), dtype="i4") == made
    np.testing.assert_array_equal(group.create_dataset("b", data=np.arange(3))[:], np.arange(3))


def test_what_means_nothing_says_what_to_write_instead() -> None:
    for name, value, instead in (
        ("codecs", [], "filters=, serializer= and compressors="),
        ("mode", "w", "overwrite=True"),
        ("chunk_shape", (1,), "chunks="),
        ("unheard", 1, "unexpected keyword argument 'unheard'"),
    ):
        with pytest.raises(TypeError, match=instead):
            zarrite.create_array(None, shape=(1,), dtype="u1", **{name: value})


def test_two_keywords_for_one_thing_are_refused() -> None:
    for older, new in (("compressor", "compressors"), ("dimension_separator", "chunk_key_encoding")):
        with pytest.raises(ValueError, match="say one thing"):
            zarrite.create_array(None, shape=(1,), dtype="u1", **{older: "/", new: "zstd"})


def test_empty_chunks_are_written_where_the_older_keyword_asks_for_them() -> None:
    group = zarrite.open_group(None, mode="w")
    array = group.create_array("a", shape=(2,), dtype="u1", write_empty_chunks=True)
    array[:] = 0
    assert array.nchunks_initialized == 1
