"""netCDF-4 as the netCDF library writes it: dimensions, groups, coordinates, packing, text, enumerations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from convert.comparing import assert_identical

pytest.importorskip("h5py")
netCDF4 = pytest.importorskip("netCDF4")  # noqa: N816  # the package's own name


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "source.nc", tmp_path / "target.zarr"


def convert(paths: tuple[Path, Path], **options: Any) -> zarrite.convert.Conversion:
    done = zarrite.convert(*paths, verify=True, **options)
    assert_identical(*paths, done)
    return done


def test_coordinates_dimensions_and_packed_numbers_arrive_as_xarray_expects(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.title = "a test"
        file.createDimension("time", None)
        file.createDimension("lat", 7)
        file.createDimension("unused", 3)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 2001-01-01", "noleap"
        time[:] = np.arange(11)
        file.createVariable("lat", "f4", ("lat",))[:] = np.linspace(-90, 90, 7)
        packed = file.createVariable("t", "i2", ("time", "lat"), zlib=True, fill_value=-32767)
        packed.scale_factor, packed.add_offset, packed.coordinates = 0.01, 273.15, "height"
        packed[:] = np.ma.masked_less(np.arange(77).reshape(11, 7) + 250.0, 255)
        file.createVariable("height", "f8", ())[...] = 2.0
        file.createVariable("mask", "u1", ("lat",))[:] = [0, 1, 0, 1, 0, 1, 255]
    convert(paths)
    array = zarrite.open_array(paths[1], path="t", mode="r")
    assert array.dtype == np.int16
    assert array.metadata.dimension_names == ("time", "lat")
    assert array.fill_value == -32767
    assert array.attrs["_FillValue"] == -32767
    with netCDF4.Dataset(paths[0]) as file:
        file.set_auto_maskandscale(False)
        assert np.array_equal(array[:], file["t"][:])


def test_groups_use_the_dimensions_of_the_groups_around_them(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("x", 4)
        file.createVariable("x", "i4", ("x",))[:] = range(4)
        inner = file.createGroup("ocean").createGroup("deep")
        inner.depth = 4000.5
        inner.createDimension("x", 2)
        inner.createDimension("y", 5)
        inner.createVariable("own", "f4", ("y", "x"))[:] = 1.5
        file["ocean"].createVariable("outer", "f4", ("x",))[:] = 2.5
    done = convert(paths)
    assert set(done.plan.groups) == {"", "ocean", "ocean/deep"}
    assert zarrite.open_array(paths[1], path="ocean/deep/own", mode="r").shape == (5, 2)


def test_a_variable_named_like_a_dimension_that_it_does_not_describe_keeps_its_name(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("y", 2)
        file.createDimension("x", 3)
        file.createVariable("x", "f8", ("y", "x"))[:] = np.arange(6).reshape(2, 3)
        file.createVariable("y", "f8", ())[...] = 1.0
    done = zarrite.convert(*paths, verify=True)
    assert {plan.array.path: plan.array.dimension_names for plan in done.plan.arrays} == {"x": ("y", "x"), "y": ()}


def test_along_an_unlimited_dimension_short_variables_are_filled_up(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("time", None)
        file.createVariable("long", "f4", ("time",))[:] = np.arange(9)
        file.createVariable("short", "i4", ("time",), fill_value=-7)[:] = np.arange(4)
        file.createVariable("never", "f8", ("time",))
    convert(paths)
    assert zarrite.open_array(paths[1], path="short", mode="r")[:].tolist() == [0, 1, 2, 3, -7, -7, -7, -7, -7]
    assert zarrite.open_array(paths[1], path="never", mode="r").shape == (9,)


def test_text_of_any_length_and_characters_arrive(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("station", 3)
        file.createDimension("letters", 5)
        file.createVariable("name", str, ("station",))[:] = np.array(["Zürich", "", "東京"], dtype=object)
        file.createVariable("code", "S1", ("station", "letters"))[:] = netCDF4.stringtochar(
            np.array(["ab", "cde", ""], "S5")
        )
        file.createVariable("one", str, ())[...] = "alone"
        file.words, file.empty, file.letter = ["a", "bc"], "", "é"
    convert(paths)
    assert zarrite.open_array(paths[1], path="name", mode="r")[:].tolist() == ["Zürich", "", "東京"]


@pytest.mark.parametrize("enum_flags", [False, True])
def test_enumerations_are_integers_and_their_names_can_be_kept(paths: tuple[Path, Path], enum_flags: bool) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        kind = file.createEnumType("u1", "cloud", {"clear": 0, "cumulus": 1, "missing": 255})
        file.createDimension("x", 4)
        file.createVariable("sky", kind, ("x",), fill_value=255)[:] = [0, 1, 1, 255]
    with pytest.warns(zarrite.convert.ConversionWarning, match="enumerated") if not enum_flags else _nothing():
        done = zarrite.convert(*paths, verify=True, enum_flags=enum_flags)
    attributes = zarrite.open_array(paths[1], path="sky", mode="r").attrs
    if enum_flags:
        assert attributes["flag_values"] == [0, 1, 255]
        assert attributes["flag_meanings"] == "clear cumulus missing"
    else:
        assert_identical(*paths, done)


def test_compounds_become_records(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        dtype = np.dtype([("speed", "f4"), ("count", "i2"), ("big", ">f8")])
        kind = file.createCompoundType(
            np.dtype([("speed", "f4"), ("count", "i2"), ("big", "f8")], align=True), "wind_t"
        )
        file.createDimension("x", 2)
        cells = np.array([(1.5, 2, 3.25), (4.5, 5, 6.25)], dtype=kind.dtype)
        file.createVariable("wind", kind, ("x",))[:] = cells
    zarrite.convert(*paths, verify=True)
    found = zarrite.open_array(paths[1], path="wind", mode="r")
    assert found.dtype.names == dtype.names
    assert found.dtype.itemsize == 14
    assert found[:].tolist() == [(1.5, 2, 3.25), (4.5, 5, 6.25)]


def test_sequences_of_varying_length_are_left_out_and_named(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        kind = file.createVLType("i4", "ragged")
        file.createDimension("x", 2)
        variable = file.createVariable("rows", kind, ("x",))
        variable[0], variable[1] = np.array([1, 2], "i4"), np.array([3], "i4")
        file.createVariable("x", "f4", ("x",))[:] = [1, 2]
    with pytest.warns(zarrite.convert.ConversionWarning, match="rows: its cells are sequences of varying length"):
        done = zarrite.convert(*paths)
    assert [plan.array.path for plan in done.plan.arrays] == ["x"]


def test_fill_values_of_every_kind_are_masked_as_before(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("x", 3)
        for number, kind in enumerate(("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")):
            variable = file.createVariable(f"v{number}", kind, ("x",), fill_value=99)
            variable[:] = np.array([1, 99, 3], kind)
        file.createVariable("nan", "f4", ("x",), fill_value=np.nan)[:] = [1, np.nan, 3]
        file.createVariable("huge", "f4", ("x",), fill_value=np.float32(1e20))[:] = [1, 1e20, 3]
        odd = file.createVariable("odd", "f8", ("x",))
        odd[:] = [1, np.nan, 3]
        odd.missing_value = np.nan
    convert(paths)


def test_attributes_of_every_kind_arrive(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
            file.setncattr(f"one_{kind}", np.array(3, kind))
            file.setncattr(f"some_{kind}", np.array([3, 4], kind))
        file.tenth = np.float32(0.1)
        file.most, file.least = np.uint64(2**64 - 1), np.int64(-(2**63))
    convert(paths)


def test_bookkeeping_of_the_netcdf_library_does_not_arrive(paths: tuple[Path, Path]) -> None:
    with netCDF4.Dataset(paths[0], "w") as file:
        file.createDimension("y", 2)
        file.createDimension("x", 3)
        file.createVariable("x", "f8", ("x",))[:] = range(3)
        file.createVariable("z", "f8", ("y", "x"))[:] = 0
    convert(paths)
    assert zarrite.open_group(paths[1], mode="r").attrs.asdict() == {}
    assert all(not array.attrs for _, array in zarrite.open_group(paths[1], mode="r").arrays())


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()
