"""Making arrays: every way to say what they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite.codecs import BytesCodec, GzipCodec, ZstdCodec


def test_defaults_are_those_of_zarr_python() -> None:
    array = zarrite.create_array(None, shape=(10, 10), dtype="f4")
    assert array.zarr_format == 3
    assert array.chunks == (10, 10)
    assert array.shards is None
    assert array.fill_value == 0
    assert array.filters == ()
    assert [codec.name for codec in array.compressors] == ["zstd"]
    assert array.attrs.asdict() == {}
    assert array.dimension_names is None


def test_data_say_shape_and_type() -> None:
    cells = np.arange(6, dtype=">i2").reshape(2, 3)
    for data in (cells, cells.tolist(), zarrite.array(cells)):
        array = zarrite.create_array(None, data=data)
        assert array.shape == (2, 3)
        assert_array_equal(array[...], cells)
    assert zarrite.create_array(None, data=cells, write_data=False)[1, 2] == 0
    with pytest.raises(ValueError, match="either data, or shape and dtype"):
        zarrite.create_array(None, data=cells, shape=(2, 3))
    with pytest.raises(ValueError, match="needs a shape"):
        zarrite.create_array(None, dtype="i2")
    with pytest.raises(TypeError, match="needs a dtype"):
        zarrite.create_array(None, shape=(2,))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("compressors", "names"),
    [(None, []), ((), []), (GzipCodec(1), ["gzip"]), ([{"name": "gzip", "configuration": {"level": 1}}], ["gzip"])],
)
def test_compressors_in_every_form(zarr_format: int, compressors: Any, names: list[str]) -> None:
    array = zarrite.create_array(None, data=np.arange(9), compressors=compressors, zarr_format=zarr_format, chunks=4)
    assert [codec.name for codec in array.compressors] == names
    assert array[:].tolist() == list(range(9))


def test_create_takes_the_older_keywords() -> None:
    array = zarrite.create(
        (4, 4), chunks=(2, 2), dtype="i2", compressor=GzipCodec(), dimension_separator=".", fill_value=7, zarr_format=2
    )
    array[0, 0] = 1
    assert "0.0" in array.store.list("").result()
    assert array[3, 3] == 7
    slashes = zarrite.create((4, 4), chunks=2, dtype="i2", dimension_separator="/", zarr_format=2)
    slashes[0, 0] = 1
    assert "0/0" in slashes.store.list("").result()
    dots = zarrite.create((4, 4), chunks=2, dtype="i2", dimension_separator=".")
    dots[0, 0] = 1
    assert "c.0.0" in dots.store.list("").result()


def test_create_settles_chunks_and_types() -> None:
    assert zarrite.create((4,)).dtype == np.float64
    assert zarrite.create((4, 6), chunks=False).chunks == (4, 6)
    assert zarrite.create((4, 6), chunks=True).chunks == (4, 6)
    assert zarrite.create((4, 6), chunk_shape=(2, 3)).chunks == (2, 3)
    assert zarrite.create(4, chunks=2, write_empty_chunks=True).config.write_empty_chunks
    assert zarrite.create(data=[1, 2], dtype="f4")[:].dtype == np.float32
    chain = zarrite.create((4,), dtype="i2", codecs=[BytesCodec(endian="big"), ZstdCodec(level=3)])
    assert chain.serializer.endian == "big"
    assert [codec.name for codec in chain.compressors] == ["zstd"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        zarrite.create((4,), colour=1)
    assert zarrite.create((4,), synchronizer=None, cache_attrs=True).shape == (4,)


def test_order_is_stored_in_format_two_and_kept_by_the_handle_in_three() -> None:
    cells = np.arange(12).reshape(3, 4)
    older = zarrite.array(cells, zarr_format=2, order="F", chunks=(2, 2))
    assert older.order == "F"
    assert zarrite.open_array(older.store).order == "F"
    assert_array_equal(zarrite.open_array(older.store)[...], cells)
    newer = zarrite.array(cells, order="F", chunks=(2, 2))
    assert newer.order == "F"
    assert newer[...].flags.f_contiguous
    assert zarrite.open_array(newer.store).order == "C"
    assert zarrite.open_array(newer.store, order="F").order == "F"


def test_filled_arrays() -> None:
    assert zarrite.zeros(3)[:].tolist() == [0, 0, 0]
    assert zarrite.ones((2,), dtype="i4")[:].tolist() == [1, 1]
    assert zarrite.full(2, 5)[:].tolist() == [5, 5]
    assert zarrite.full(2, 5).dtype == np.int64
    assert zarrite.full((2,), "ab", dtype=str)[:].tolist() == ["ab", "ab"]
    assert zarrite.empty((2,), fill_value=3.5)[0] == 3.5
    like = zarrite.full((6,), 2, chunks=3, dtype="i2")
    assert zarrite.zeros_like(like)[:].tolist() == [0] * 6
    assert zarrite.ones_like(like, dtype="f8").dtype == np.float64
    assert zarrite.full_like(like, fill_value=9)[0] == 9
    assert zarrite.empty_like(like)[0] == 2
    assert zarrite.empty_like(like).chunks == (3,)
    assert zarrite.zeros_like(np.ones((2, 2), "i1")).dtype == np.int8
    with pytest.raises(TypeError, match="no shape and dtype"):
        zarrite.zeros_like([1, 2])


def test_array_keeps_what_it_is_given() -> None:
    assert zarrite.array([[1, 2], [3, 4]])[1, 0] == 3
    assert zarrite.array(zarrite.zeros((9,), chunks=4)).chunks == (4,)


def test_from_array_keeps_what_it_copies() -> None:
    source = zarrite.create_array(
        None,
        data=np.arange(240, dtype="i4").reshape(20, 12),
        chunks=(2, 3),
        shards=(4, 6),
        compressors=GzipCodec(2),
        fill_value=-1,
        attributes={"units": "K"},
        dimension_names=("y", "x"),
    )
    copied = zarrite.from_array({}, data=source, name="copy")
    assert copied.metadata == source.metadata
    assert_array_equal(copied[...], source[...])
    changed = zarrite.from_array(None, data=source, chunks=(5, 12), shards=None, compressors=None, attributes={})
    assert (changed.chunks, changed.shards, changed.compressors) == ((5, 12), None, ())
    assert changed.attrs.asdict() == {}
    assert_array_equal(changed[...], source[...])
    assert zarrite.from_array(None, data=source, write_data=False)[0, 0] == -1


def test_from_array_goes_from_one_format_to_the_other() -> None:
    source = zarrite.create_array(None, data=np.arange(12.0).reshape(3, 4), chunks=2, zarr_format=2, order="F")
    assert zarrite.from_array(None, data=source).metadata == source.metadata
    newer = zarrite.from_array(None, data=source, zarr_format=3)
    assert newer.zarr_format == 3
    assert newer.chunks == (2, 2)
    assert_array_equal(newer[...], source[...])
    older = zarrite.from_array(None, data=newer, zarr_format=2)
    assert_array_equal(older[...], source[...])


def test_from_array_copies_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    class Slow:
        """Something array-like that is no array."""

        shape = (40, 50)
        dtype = np.dtype("i4")
        chunks = (10, 10)

        def __getitem__(self, key: Any) -> Any:
            part = np.arange(2000, dtype="i4").reshape(40, 50)[key]
            seen.append(part.shape)
            return part

    monkeypatch.setattr("zarrite.making.regions.__defaults__", (2000,))
    copied = zarrite.from_array(None, data=Slow())
    assert copied.chunks == (10, 10)
    assert len(seen) == 4
    assert_array_equal(copied[...], Slow()[...])


def test_a_name_is_a_path_whose_parents_are_made() -> None:
    store: dict[str, Any] = {}
    array = zarrite.create_array(store, name="/x/y/", shape=(1,), dtype="i1")
    assert array.path == "x/y"
    assert sorted(store) == ["x/y/zarr.json", "x/zarr.json", "zarr.json"]
    with pytest.raises(ValueError, match="only groups have members"):
        zarrite.create_array(store, name="x/y/z", shape=(1,), dtype="i1")
    with pytest.raises(ValueError, match="overwrite=True"):
        zarrite.create_array(store, name="x", shape=(1,), dtype="i1")


def test_a_wrong_setting_changes_nothing() -> None:
    store: dict[str, Any] = {}
    zarrite.create_array(store, shape=(4,), dtype="i1")
    before = dict(store)
    for settings in ({"chunks": (1, 2)}, {"dtype": "colour"}, {"shape": (-1,)}, {"fill_value": "x"}):
        with pytest.raises((ValueError, TypeError)):
            zarrite.create_array(store, **{"shape": (4,), "dtype": "i1", "overwrite": True, **settings})
    assert store == before


def test_many_arrays_in_a_group_are_quick_to_make() -> None:
    import time

    group = zarrite.create_group(None)
    best = min(_timed(group, number, time.perf_counter) for number in range(5))
    # A hundred microseconds is the promise; the factor is for loaded machines.
    assert best < 100e-6 * 10


def _timed(group: zarrite.Group, number: int, clock: Any) -> float:
    start = clock()
    for at in range(100):
        group.create_array(f"{number}.{at}", shape=(10,), dtype="f4", chunks=(5,))
    return float(clock() - start) / 100
