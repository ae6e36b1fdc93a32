"""What an array handle is to NumPy, to pickle, to dask and to people."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from zarrite import _engine
from zarrite.errors import ChunkNotFoundError, HandleError

CELLS = np.arange(24, dtype="i4").reshape(6, 4)


@pytest.fixture
def array() -> zarrite.Array:
    return zarrite.create_array(
        {}, name="a/b", data=CELLS, chunks=(4, 3), attributes={"units": "K"}, dimension_names=("y", "x")
    )


def test_what_follows_from_the_document(array: zarrite.Array) -> None:
    assert array.shape == (6, 4)
    assert array.ndim == 2
    assert array.size == 24
    assert array.nbytes == 96
    assert array.dtype == np.dtype("i4")
    assert array.chunks == (4, 3)
    assert array.shards is None
    assert array.cdata_shape == (2, 2)
    assert array.nchunks == 4
    assert array.read_chunk_sizes == ((4, 2), (3, 1))
    assert array.write_chunk_sizes == ((4, 2), (3, 1))
    assert array.fill_value == 0
    assert array.order == "C"
    assert array.dimension_names == ("y", "x")
    assert (array.path, array.name, array.basename) == ("a/b", "/a/b", "b")
    assert not array.read_only
    assert array.metadata.zarr_format == array.zarr_format == 3
    assert zarrite.open_array(array.store_path).attrs["units"] == "K"


def test_chunks_of_a_sharded_array_are_those_inside_its_shards() -> None:
    array = zarrite.create_array(None, shape=(10, 12), dtype="i4", chunks=(2, 3), shards=(4, 6))
    assert array.chunks == (2, 3)
    assert array.shards == array.write_chunks == (4, 6)
    assert array.cdata_shape == (5, 4)
    assert array.read_chunk_sizes == ((2,) * 5, (3,) * 4)
    assert array.write_chunk_sizes == ((4, 4, 2), (6, 6))
    assert array.nchunks_initialized == 0
    array[:4, :6] = 1
    assert array.nchunks_initialized == 4
    array[...] = 1
    assert array.nchunks_initialized == array.nchunks == 20


@pytest.mark.parametrize("encoding", [None, {"name": "default", "separator": "."}, {"name": "v2", "separator": "/"}])
@pytest.mark.parametrize("name", [None, "a", "a.b/c"])
def test_written_chunks_are_counted_whatever_their_keys(encoding: Any, name: str | None) -> None:
    array = zarrite.create_array({}, name=name, shape=(6, 4), chunks=(4, 3), dtype="i4", chunk_key_encoding=encoding)
    array[0, 0] = 1
    array.store.put("a/stray", b"1").result()
    assert array.nchunks_initialized == 1
    assert array.nbytes_stored() > 0


def test_length_and_truth() -> None:
    assert len(zarrite.zeros((3, 2))) == 3
    assert zarrite.zeros((0,))
    with pytest.raises(TypeError, match="without axes"):
        len(zarrite.zeros(()))


@pytest.mark.parametrize("shape", [(7,), (7, 3), (0,), (0, 2)])
def test_iteration_gives_rows(shape: tuple[int, ...]) -> None:
    cells = np.arange(np.prod(shape)).reshape(shape)
    rows = list(zarrite.array(cells, chunks=(3,) * len(shape)))
    assert len(rows) == shape[0]
    for row, expected in zip(rows, cells, strict=True):
        assert_array_equal(row, expected)


def test_iteration_gets_every_chunk_once() -> None:
    store = _engine.recorded_store(_engine.memory_store())
    array = zarrite.create_array(store, data=CELLS, chunks=(4, 2))
    _engine.recorded(store)
    assert sum(int(row.sum()) for row in array) == CELLS.sum()
    keys = [key for verb, key, *_ in _engine.recorded(store) if verb.startswith("get")]
    assert sorted(keys) == ["c/0/0", "c/0/1", "c/1/0", "c/1/1"]


def test_iteration_without_axes_is_an_error() -> None:
    with pytest.raises(TypeError, match="without axes"):
        iter(zarrite.zeros(())).__next__()


def test_numpy_takes_it_for_an_array(array: zarrite.Array) -> None:
    assert_array_equal(np.asarray(array), CELLS)
    assert np.asarray(array, dtype="f8").dtype == np.float64
    assert_array_equal(np.add(array, 1), CELLS + 1)
    assert np.mean(array) == CELLS.mean()
    with pytest.raises(ValueError, match="without copying"):
        np.array(array, copy=False)


def test_it_goes_out_by_dlpack(array: zarrite.Array) -> None:
    assert_array_equal(np.from_dlpack(array), CELLS)
    assert array.__dlpack_device__() == (1, 0)


def test_equal_handles_lead_to_the_same_place_with_the_same_document(array: zarrite.Array) -> None:
    again = zarrite.open_array(array.store, path="a/b")
    assert again == array
    other = zarrite.create_array(array.store, name="a/c", data=CELLS, chunks=(4, 3))
    assert other != array
    assert array != "array"
    again.attrs["more"] = 1
    assert again != array


def test_repr_is_the_same_every_time(tmp_path: Path) -> None:
    array = zarrite.create_array(tmp_path / "a.zarr", shape=(3,), dtype="f4")
    assert repr(array) == f"<zarrite.Array file://{tmp_path}/a.zarr shape=(3,) dtype=float32>"
    assert repr(zarrite.open_array(tmp_path / "a.zarr")) == repr(array)


def test_info_says_what_it_is(array: zarrite.Array) -> None:
    text = str(array.info)
    for part in ("Shape", "(6, 4)", "int32", "Chunk shape", "ZstdCodec", "96 B", "('y', 'x')"):
        assert part in text
    assert "stored" not in text
    complete = str(array.info_complete())
    assert "Chunks written" in complete
    assert "4 of 4" in complete


@pytest.mark.parametrize("store", ["directory", "dictionary", "memory", "StorePath", "MemoryStore"])
def test_a_pickled_handle_opens_the_same_array(store: str, tmp_path: Path) -> None:
    places: dict[str, Any] = {
        "directory": tmp_path / "a.zarr",
        "dictionary": {},
        "memory": None,
        "StorePath": zarrite.open_group({}).store_path,
        "MemoryStore": _engine.memory_store(),
    }
    array = zarrite.create_array(
        places[store], name="x", data=CELLS, chunks=4, attributes={"a": 1}, config={"write_empty_chunks": True}
    )
    again = pickle.loads(pickle.dumps(array))
    assert again == array or store in ("dictionary", "StorePath")
    assert again.config == array.config
    assert again.attrs.asdict() == {"a": 1}
    assert_array_equal(again[...], CELLS)
    assert_array_equal(copy.copy(array)[...], CELLS)


def test_a_pickled_read_only_handle_stays_read_only(tmp_path: Path) -> None:
    zarrite.save(tmp_path / "a", CELLS)
    again = pickle.loads(pickle.dumps(zarrite.open_array(tmp_path / "a", mode="r")))
    assert again.read_only
    with pytest.raises(PermissionError):
        again[0] = 1


LOAD = "import pickle, sys; print(int(pickle.load(sys.stdin.buffer)[1, 1]))"


def test_a_handle_of_files_works_in_another_process(tmp_path: Path) -> None:
    zarrite.save(tmp_path / "a", CELLS)
    sent = pickle.dumps(zarrite.open_array(tmp_path / "a"))
    done = subprocess.run([sys.executable, "-c", LOAD], input=sent, capture_output=True, check=True)
    assert done.stdout.split() == [b"5"]


def test_a_handle_of_memory_says_in_another_process_that_it_cannot_work_there() -> None:
    sent = pickle.dumps(zarrite.array(CELLS))
    done = subprocess.run([sys.executable, "-c", LOAD], input=sent, capture_output=True, check=False)
    assert b"HandleError: this handle points into the memory of process" in done.stderr
    assert b"write the data to a path that both can open" in done.stderr
    assert issubclass(HandleError, TypeError)


def test_the_token_of_dask_depends_on_the_place_and_the_document(array: zarrite.Array) -> None:
    token = array.__dask_tokenize__()
    assert token == zarrite.open_array(array.store, path="a/b").__dask_tokenize__()
    assert hash(token) is not None
    array.attrs["a"] = 1
    assert array.__dask_tokenize__() != token


def test_another_config_makes_another_handle(array: zarrite.Array) -> None:
    careful = array.with_config({"read_missing_chunks": False, "write_empty_chunks": True})
    assert careful.config.write_empty_chunks
    assert not array.config.write_empty_chunks
    assert careful == array
    with pytest.raises(TypeError, match="an array's config has no colour"):
        array.with_config({"colour": 1})
    with pytest.raises(ValueError, match="order must be"):
        array.with_config({"order": "X"})


def test_a_missing_chunk_is_an_error_where_that_is_asked_for() -> None:
    array = zarrite.create_array({}, name="a", shape=(4,), chunks=2, dtype="i4", config={"read_missing_chunks": False})
    array[:2] = 1
    assert array[:2].tolist() == [1, 1]
    with pytest.raises(ChunkNotFoundError, match="read_missing_chunks") as caught:
        array[:]
    assert caught.value.key == "a/c/1"


def test_chunks_of_fill_values_are_stored_only_where_that_is_asked_for() -> None:
    store = _engine.memory_store()
    zarrite.create_array(store, shape=(4,), chunks=2, dtype="f4")[:] = 0
    assert store.list("c").result() == []
    zarrite.open_array(store, config={"write_empty_chunks": True})[:] = 0
    assert store.list("c").result() == ["c/0", "c/1"]
    zarrite.open_array(store)[:] = 0
    assert store.list("c").result() == []
    zarrite.open_array(store)[:2] = -0.0
    assert store.list("c").result() == ["c/0"]


def test_a_class_method_opens(array: zarrite.Array) -> None:
    assert zarrite.Array.open(array.store_path, config={"order": "F"}) == array
    with pytest.raises(FileNotFoundError):
        zarrite.Array.open({})


def test_a_handle_has_no_attribute_nobody_gave_it(array: zarrite.Array) -> None:
    with pytest.raises(AttributeError, match="'Array' object has no attribute 'colour'"):
        array.colour  # noqa: B018
    with pytest.raises(AttributeError):
        array.colour = 1  # type: ignore[attr-defined]


def test_handles_are_not_hashable_because_documents_change(array: zarrite.Array) -> None:
    with pytest.raises(TypeError):
        hash(array)
