"""Arrays in the hands of other libraries: DLPack, JAX, xarray, napari, and programs written for h5py's datasets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite
from costs.counting import Ledger

CELLS = np.arange(5 * 6, dtype="f4").reshape(5, 6)


def stored(cells: Any = CELLS, **settings: Any) -> zarrite.Array:
    return zarrite.array(cells, **{"chunks": 2, **settings})


def test_dlpack_gives_the_cells_and_a_copy_is_never_denied() -> None:
    for dtype in ("f4", ">f4", "i8", "u1", "?"):
        cells = CELLS.astype(dtype)
        assert_array_equal(np.from_dlpack(stored(cells)), cells)
    assert stored().__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match="cannot be had without copying"):
        stored().__dlpack__(copy=False)
    with pytest.raises(ValueError, match="cannot be had without copying"):
        np.asarray(stored(), copy=False)


def test_cells_that_dlpack_does_not_have_are_refused() -> None:
    with pytest.raises(BufferError):
        stored(np.zeros(3, "M8[s]")).__dlpack__()


def test_jax_takes_an_array() -> None:
    jnp = pytest.importorskip("jax.numpy")
    assert_array_equal(jnp.asarray(stored()), CELLS)
    assert_array_equal(jnp.from_dlpack(stored()), CELLS)
    assert_array_equal(pytest.importorskip("jax.dlpack").from_dlpack(stored()[...]), CELLS)
    assert float(jnp.asarray(stored()[1:3, ::2]).sum()) == CELLS[1:3, ::2].sum()


def test_an_array_claims_no_arithmetic() -> None:
    # Libraries that find a namespace compute with the object itself; cells in a store are read before they are used.
    array = stored()
    for name in ("__array_namespace__", "__array_function__", "__array_ufunc__"):
        assert not hasattr(array, name)
    assert_array_equal(np.add(array, 1), CELLS + 1)
    assert_array_equal(np.mean(array, axis=0), CELLS.mean(axis=0))
    assert type(np.stack([array, array])) is np.ndarray


def test_xarray_reads_an_array_that_it_is_given() -> None:
    xr = pytest.importorskip("xarray")
    named = xr.DataArray(stored(), dims=("y", "x"))
    assert_array_equal((named + 1).values, CELLS + 1)


def test_code_for_datasets_of_h5py_runs() -> None:
    ds = stored(attributes={"units": "K"})
    assert_array_equal(ds[...], CELLS)
    assert_array_equal(ds[()], CELLS)
    assert_array_equal(ds[:], CELLS)
    assert_array_equal(ds[1:4, 2], CELLS[1:4, 2])
    assert ds[2, 3] == CELLS[2, 3]
    assert (len(ds), ds.shape, ds.ndim, ds.size, ds.nbytes, ds.dtype) == (5, (5, 6), 2, 30, 120, np.dtype("f4"))
    assert_array_equal(list(ds), CELLS)
    assert ds.attrs["units"] == "K"
    ds[0] = 7
    ds[-1, ::2] = [1, 2, 3]
    assert_array_equal(ds[0], 7)
    assert_array_equal(ds[-1, ::2], [1, 2, 3])
    one = stored(np.array(2.5), chunks=())
    assert one[()] == 2.5
    with pytest.raises(TypeError, match="without axes"):
        len(one)
    with pytest.raises(TypeError, match="without axes"):
        iter(one).__next__()


def test_an_array_is_true_whatever_is_in_it() -> None:
    assert stored(np.zeros(3))
    assert stored(np.zeros(0), chunks=1)


@pytest.mark.filterwarnings("ignore")  # napari's own
def test_napari_shows_an_array_and_a_pyramid_and_reads_one_plane() -> None:
    components = pytest.importorskip("napari.components")
    ledger = Ledger()
    array = zarrite.create_array(ledger.store, shape=(40, 64, 64), chunks=(1, 64, 64), dtype="u2")
    array[20] = 3
    viewer = components.ViewerModel()

    def shown() -> None:
        layer = viewer.add_image(array, contrast_limits=(0, 9))
        assert layer.data is array
        viewer.dims.set_point(0, 20)
        assert layer.get_value((20, 5, 5)) == 3

    planes = {key for _, key, *_ in ledger.of(shown)}
    assert "c/20/0/0" in planes
    assert len(planes) < 10
    pyramid = [zarrite.create_array(None, shape=(64 >> level,) * 2, chunks=16, dtype="u2") for level in range(3)]
    layer = viewer.add_image(pyramid, multiscale=True, contrast_limits=(0, 9))
    assert [level.shape for level in layer.data] == [(64, 64), (32, 32), (16, 16)]


@pytest.mark.filterwarnings("ignore")  # napari's own
def test_an_array_has_what_napari_asks_of_the_data_of_a_layer() -> None:
    protocols = pytest.importorskip("napari.layers._data_protocols")
    protocols.assert_protocol(stored())
    components = pytest.importorskip("napari.components")
    viewer = components.ViewerModel()
    numbered = stored(CELLS.astype("i4"))
    layer = viewer.add_labels(numbered)
    assert layer.data is numbered
    assert layer.get_value((2, 3)) == CELLS[2, 3]
    with pytest.raises(zarrite.errors.ReadOnlyError):
        viewer.add_labels(zarrite.open_array(numbered.store, mode="r")).paint((2, 3), 7)


def test_what_napari_lists_for_the_data_of_a_layer_is_there() -> None:
    # Where napari is not installed: dtype, shape, ndim, size and brackets, which give what NumPy takes.
    array = stored()
    assert (array.dtype, array.shape, array.ndim, array.size) == (CELLS.dtype, CELLS.shape, CELLS.ndim, CELLS.size)
    for key in (0, slice(1, 3), ..., (0, slice(None)), (slice(None, None, 2), ...)):
        assert_array_equal(np.asarray(array[key]), CELLS[key])
    assert_array_equal(np.asarray(array, dtype="f8"), CELLS)
