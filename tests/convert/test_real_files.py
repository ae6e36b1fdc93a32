"""Files of many writers: xarray sees the same in the source and in what is converted from it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import zarrite
from conftest import shared_data
from convert.comparing import assert_identical, pair, xarray

pytest.importorskip("h5py")
pytest.importorskip("scipy")

CRASHES = "the netCDF library crashes on it"
REFUSES = "the netCDF library refuses it"
LACKS_FILTER = "it needs a filter that netCDF4's wheels lack"

# What xarray cannot show of a source, and why. They are converted and read back all the same.
NOT_SHOWN = {
    "hdf5/bitshuffle_datasets.hdf5": LACKS_FILTER,
    "hdf5/compound_datasets_latest.hdf5": CRASHES,
    "hdf5/float_special_values_latest.hdf5": CRASHES,
    "hdf5/gdal/recursive_groups.h5": REFUSES,
    "hdf5/globalheaps_test.hdf5": CRASHES,
    "hdf5/jsfive/test.h5": CRASHES,
    "hdf5/kerchunk/NEONDSTowerTemperatureData.hdf5": CRASHES,
    "hdf5/kerchunk/hdf5_compression_bitshuffle.h5": LACKS_FILTER,
    "hdf5/kerchunk/hdf5_compression_lz4.h5": LACKS_FILTER,
    "hdf5/lz4_datasets.hdf5": LACKS_FILTER,
    "hdf5/test_attribute_latest.hdf5": REFUSES,
    "hdf5/test_chunked_datasets_latest.hdf5": CRASHES,
    "hdf5/test_compact_datasets_latest.hdf5": CRASHES,
    "hdf5/test_compressed_chunked_datasets_latest.hdf5": LACKS_FILTER,
    "hdf5/test_odd_datasets_latest.hdf5": REFUSES,
    "hdf5/test_scalar_empty_datasets_latest.hdf5": REFUSES,
    "netcdf3/nibabel/minc1_4d.mnc": "a scalar variable has the name of a dimension, which xarray refuses",
    "netcdf3/nibabel/tiny.mnc": "a scalar variable has the name of a dimension, which xarray refuses",
    "netcdf4/gdal/alldatatypes.nc": "an attribute is a compound with text, which netCDF4 refuses",
    "netcdf4/netcdf-c/ref_tst_compounds.nc": "a fill value is a compound, which xarray refuses",
    "netcdf4/netcdf-c/ref_tst_xplatform2_1.nc": "an attribute is of a type that netCDF4 refuses",
}

# What cannot be converted at all, and what the error says.
NOT_READ = {
    "hdf5/gdal/test_family_0.h5": "truncated",
    "hdf5/gdal/test_family_1.h5": "none of the kinds",
    "hdf5/gdal/test_family_2.h5": "none of the kinds",
    "hdf5/test_byteshuffle_compressed_datasets_latest.hdf5": "already open for write",
}

# Compressed with filters that neither zarrite nor h5py have; the package hdf5plugin brings them.
NEEDS_PLUGIN = {
    "hdf5/bitshuffle_datasets.hdf5",
    "hdf5/kerchunk/hdf5_compression_bitshuffle.h5",
    "hdf5/kerchunk/hdf5_compression_lz4.h5",
    "hdf5/kerchunk/hdf5_mali_chunk.h5",
    "hdf5/lz4_datasets.hdf5",
}

# Where xarray decodes something else from equal cells, and why.
DECODED_OTHERWISE = {
    "netcdf3/gdal/rotated_pole.nc": "scale factors are float32 attributes, JSON has one kind of number",
    "netcdf4/xcube/20170605120000-UKMO-L4_GHRSST-SSTfnd-OSTIAanom-GLOB-v02.0-fv02.0.nc": "as above",
}
NOT_FINITE = "netcdf4/netcdf-c/ref_nc_test_netcdf4_4_0.nc"
HAS_RECORDS = {"hdf5/gdal/complex.h5"}
"""They become the data type `struct`, which zarr-python knows since 3.2; an older one opens no group that holds one."""

UNWRITTEN = "netcdf4/netcdf-c/f03tst_open_mem.nc"
"""A variable that was declared without fill values and never written: the netCDF library shows what is in memory."""


def files() -> list[str]:
    folder = shared_data()
    if folder is None:
        return []
    science = folder / "science"
    found = (path for kind in ("netcdf3", "netcdf4", "hdf5") for path in (science / kind).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(science)) for path in found)


def knows_records() -> bool:
    """Whether the zarr-python that xarray reads with has the data type `struct`."""
    import zarr

    return tuple(int(part) for part in zarr.__version__.split(".")[:2]) >= (3, 2)


def converted(data: Path, name: str, target: Path) -> zarrite.convert.Conversion:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarrite.convert.ConversionWarning)
        return zarrite.convert(data / "science" / name, target, verify=True, memory="256MiB")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in files() if name not in NOT_READ])
def test_xarray_sees_the_same_before_and_after(name: str, data: Path, tmp_path: Path) -> None:
    if name in NEEDS_PLUGIN:
        pytest.importorskip("hdf5plugin", reason="this file's filter comes with the package hdf5plugin")
    target = tmp_path / "target.zarr"
    done = converted(data, name, target)
    assert done.is_verified
    assert {plan.array.path for plan in done.plan.arrays} <= set(done.digests)
    if name in NOT_SHOWN:
        return
    source = data / "science" / name
    xr = xarray()
    if name in HAS_RECORDS and not knows_records():
        return
    if name in DECODED_OTHERWISE:
        xr.testing.assert_identical(*pair(source, target, "", mask_and_scale=False))
        xr.testing.assert_allclose(*pair(source, target, ""))
    elif name in {NOT_FINITE, UNWRITTEN}:
        one, other = pair(source, target, "")
        dropped = ["var2"] if name == UNWRITTEN else []
        one.attrs.pop("Gf", None), one.attrs.pop("Gd", None), other.attrs.pop("Gf", None), other.attrs.pop("Gd", None)
        xr.testing.assert_equal(one.drop_vars(dropped), other.drop_vars(dropped))
    else:
        assert_identical(source, target, done)


@pytest.mark.parametrize("name", [name for name in files() if name in NOT_READ])
def test_what_cannot_be_read_says_why(name: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(zarrite.convert.ConversionError, match=NOT_READ[name]):
        zarrite.convert(data / "science" / name, tmp_path / "target.zarr")
    assert not (tmp_path / "target.zarr").exists()


def test_attributes_that_are_not_finite_become_text_and_are_named(data: Path, tmp_path: Path) -> None:
    done = converted(data, NOT_FINITE, tmp_path / "target.zarr")
    noted = {item.path for item in done.skipped}
    attributes = zarrite.open_group(str(tmp_path / "target.zarr"), mode="r").attrs
    assert "@Gf" in noted
    assert "Infinity" in attributes["Gf"]
