"""NumPy's files, netCDF-3, and Zarr of either format as sources."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import zarrite
from convert.comparing import assert_identical, xarray


def converted(source: Path | str, target: Path, **options: object) -> zarrite.convert.Conversion:
    return zarrite.convert(source, target, verify=True, **options)


# ---------------------------------------------------------------- NumPy


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "?", "<i8", "c16", "S5", "<U3", ">U3", "M8[s]", "V4"])
def test_a_npy_file_becomes_one_array(tmp_path: Path, dtype: str, order: str) -> None:
    raw = np.random.default_rng(0).integers(97, 122, 24 * 16, np.uint8)
    if np.dtype(dtype).kind in "SU":
        cells = np.array([chr(97 + n) for n in range(24)]).astype(dtype).reshape(4, 6)
    elif np.dtype(dtype).kind in "?b":
        cells = (raw[:24] % 2 == 0).reshape(4, 6)
    else:
        cells = raw[: 24 * np.dtype(dtype).itemsize].view(dtype).reshape(4, 6)
    np.save(tmp_path / "a.npy", np.asarray(cells, order=order))
    converted(tmp_path / "a.npy", tmp_path / "a.zarr")
    found = zarrite.open_array(tmp_path / "a.zarr", mode="r")[:]
    assert found.tobytes() == np.ascontiguousarray(cells, cells.dtype.newbyteorder("=")).tobytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_npz_file_becomes_a_group(tmp_path: Path, save: object) -> None:
    arrays = {"a": np.arange(10), "b": np.zeros((0, 3)), "c": np.float32(2.5), "deep/d": np.array(["x", "yz"])}
    save(tmp_path / "a.npz", **arrays)  # type: ignore[operator]
    converted(tmp_path / "a.npz", tmp_path / "a.zarr")
    group = zarrite.open_group(tmp_path / "a.zarr", mode="r")
    for name, cells in arrays.items():
        assert np.array_equal(group[name][...], cells)


def test_pickles_in_numpy_files_are_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> object:
            return (Path.touch, (tmp_path / "exploded",))

    np.save(tmp_path / "a.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(zarrite.convert.ConversionError):
        converted(tmp_path / "a.npy", tmp_path / "a.zarr")
    np.savez(tmp_path / "a.npz", bomb=np.array([Bomb()], dtype=object), fine=np.arange(2))
    with pytest.warns(zarrite.convert.ConversionWarning, match="pickled"):
        converted(tmp_path / "a.npz", tmp_path / "a.zarr")
    assert not (tmp_path / "exploded").exists()


def test_a_npz_member_that_climbs_out_is_left_out(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(tmp_path / "x.npy", "../evil.npy")
        archive.write(tmp_path / "x.npy", "fine.npy")
    with pytest.warns(zarrite.convert.ConversionWarning, match="evil"):
        done = converted(tmp_path / "a.npz", tmp_path / "t" / "a.zarr")
    assert [plan.array.path for plan in done.plan.arrays] == ["fine"]


def test_a_header_that_promises_more_than_the_file_holds_allocates_nothing(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (1 << 45,)})
    with pytest.raises(zarrite.convert.ConversionError):
        converted(tmp_path / "a.npy", tmp_path / "a.zarr")


# ---------------------------------------------------------------- netCDF-3


@pytest.mark.parametrize("kind", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"])
def test_netcdf3_arrives_with_records_characters_and_fill_values(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("scipy")
    netCDF4 = pytest.importorskip("netCDF4")
    source = tmp_path / "a.nc"
    with netCDF4.Dataset(source, "w", format=kind) as file:
        file.createDimension("time", None)
        file.createDimension("x", 5)
        file.createDimension("letters", 4)
        file.title, file.numbers, file.one = "ünï", np.array([1, 2], "i4"), np.float32(0.1)
        file.createVariable("time", "f8", ("time",))[:] = range(6)
        file.createVariable("v", "i2", ("time", "x"), fill_value=-1)[:] = np.arange(30).reshape(6, 5) - 1
        file.createVariable("w", "f4", ("time",))[:] = range(6)
        file.createVariable("name", "S1", ("x", "letters"))[:] = netCDF4.stringtochar(
            np.array(["a", "bc"] * 2 + [""], "S4")
        )
        file.createVariable("scalar", "i4", ())[...] = 3
    assert_identical(source, tmp_path / "a.zarr", converted(source, tmp_path / "a.zarr"))


def test_netcdf3_with_64_bit_data_is_refused_by_name(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    (tmp_path / "a.nc").write_bytes(b"CDF\x05" + bytes(60))
    with pytest.raises(zarrite.convert.ConversionError, match="CDF-5"):
        converted(tmp_path / "a.nc", tmp_path / "a.zarr")


@pytest.mark.parametrize("length", [4, 8, 20, 60, 100])
def test_a_truncated_netcdf3_file_is_one_sentence(tmp_path: Path, length: int) -> None:
    io = pytest.importorskip("scipy.io")
    with io.netcdf_file(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 1000)
        file.createVariable("v", "f8", ("x",))[:] = 1
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "b.nc").write_bytes(whole[:length])
    with pytest.raises(zarrite.convert.ConversionError, match="cannot be read as netCDF-3"):
        converted(tmp_path / "b.nc", tmp_path / "b.zarr")


# ---------------------------------------------------------------- Zarr


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_xarray_sees_the_same_after_zarr_was_converted(tmp_path: Path, zarr_format: int) -> None:
    xr = xarray()
    cells = np.where(np.arange(24) % 5 == 0, np.nan, np.arange(24)).reshape(4, 6)
    dataset = xr.Dataset(
        {"t": (("y", "x"), cells, {"units": "K"}), "n": (("x",), np.arange(6, dtype="i2"))},
        coords={"x": np.arange(6.0), "when": ("y", np.array(["2001-01-01"] * 4, "M8[ns]"))},
        attrs={"title": "a"},
    )
    encoding = {"t": {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -9}, "n": {"_FillValue": 3}}
    options = {"zarr_format": zarr_format, "consolidated": False}
    dataset.to_zarr(tmp_path / "a.zarr", encoding=encoding, **options)
    converted(tmp_path / "a.zarr", tmp_path / "b.zarr", chunks=(2, 3))
    one = xr.open_zarr(tmp_path / "a.zarr", consolidated=False, chunks=None).load()
    other = xr.open_zarr(tmp_path / "b.zarr", consolidated=False, chunks=None).load()
    xr.testing.assert_identical(one, other)


def test_a_zip_archive_is_read_like_a_directory(tmp_path: Path) -> None:
    group = zarrite.create_group(tmp_path / "a.zarr", attributes={"k": 1})
    group.create_array("x/v", shape=(5,), dtype="string")[:] = ["a", "", "ç", "d", "e"]
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "a.zarr")
    converted(tmp_path / "a.zip", tmp_path / "b.zarr")
    found = zarrite.open_group(tmp_path / "b.zarr", mode="r")
    assert found.attrs["k"] == 1
    assert found["x/v"][:].tolist() == ["a", "", "ç", "d", "e"]


def test_an_archive_of_one_folder_is_that_folder(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "x" / "a.zarr", shape=(3,), dtype="i4")[:] = 5
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "x")
    converted(tmp_path / "a.zip", tmp_path / "b.zarr")
    assert zarrite.open_array(tmp_path / "b.zarr", mode="r")[:].tolist() == [5, 5, 5]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_chunks_that_were_never_written_are_not_visited(tmp_path: Path, zarr_format: int) -> None:
    array = zarrite.create_array(
        tmp_path / "a.zarr", shape=(10**13,), chunks=(10**5,), dtype="f8", fill_value=1.5, zarr_format=zarr_format
    )
    array[10**12 : 10**12 + 3] = [7, 8, 9]
    converted(tmp_path / "a.zarr", tmp_path / "b.zarr")
    found = zarrite.open_array(tmp_path / "b.zarr", mode="r")
    assert found[10**12 - 1 : 10**12 + 4].tolist() == [1.5, 7, 8, 9, 1.5]


def test_arrays_and_stores_in_memory_are_sources_and_targets(tmp_path: Path) -> None:
    array = zarrite.array(np.arange(12).reshape(3, 4), chunks=(2, 2))
    target = zarrite.storage.MemoryStore()
    converted(array, target, chunks=(3, 1))
    found = zarrite.open_array(target, mode="r")
    assert found.chunks == (3, 1)
    assert np.array_equal(found[:], array[:])


def test_chunks_and_shards_of_zarr_are_kept_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    zarrite.create_array(tmp_path / "a.zarr", shape=(100, 100), chunks=(10, 10), shards=(50, 50), dtype="f4")[:] = 1
    converted(tmp_path / "a.zarr", tmp_path / "b.zarr")
    found = zarrite.open_array(tmp_path / "b.zarr", mode="r")
    assert (found.chunks, found.shards) == ((10, 10), (50, 50))


def test_what_is_no_source_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    for name, why in (("a.txt", "none of the kinds"), ("missing", "is not there"), ("empty", "cannot be read as Zarr")):
        with pytest.raises(zarrite.convert.ConversionError, match=why):
            converted(tmp_path / name, tmp_path / "t.zarr")
