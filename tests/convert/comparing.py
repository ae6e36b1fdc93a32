"""Shows a source and what was converted from it to xarray, and compares what xarray sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zarrite


def xarray() -> Any:
    """xarray, or a skip where it or what it reads with is absent."""
    for name in ("netCDF4", "zarr"):
        pytest.importorskip(name)
    return pytest.importorskip("xarray")


def pair(source: Path, target: Path, group: str, **decode: Any) -> tuple[Any, Any]:
    """A group of a source and of a target as xarray opens them, loaded."""
    xr = xarray()
    options = {"engine": "netcdf4", "auto_complex": True}
    try:
        one = xr.open_dataset(source, group=group or None, **options, **decode)
    except ValueError as error:
        if "decode time" not in str(error):
            raise
        decode = {**decode, "decode_times": False}
        one = xr.open_dataset(source, group=group or None, **options, **decode)
    other = xr.open_zarr(target, group=group or None, consolidated=False, chunks=None, **decode)
    with one, other:
        return one.load(), other.load()


def assert_identical(source: Path, target: Path, done: zarrite.convert.Conversion) -> None:
    """Every group of a target is, to xarray, the same dataset as that group of its source.

    Of files that the netCDF library wrote, nothing may be missing and nothing added. Of other HDF5 files that library
    shows less than there is (no booleans, no half floats, no anonymous compounds); what it shows must be the same.
    """
    xr = xarray()
    for group in done.plan.groups:
        one, other = pair(source, target, group)
        if done.kind == "HDF5":
            other = only_what_is_shown(one, other)
            one = one.drop_vars([name for name in one.variables if name not in other.variables])
        xr.testing.assert_identical(one, other)


def only_what_is_shown(one: Any, other: Any) -> Any:
    """The second dataset without the variables and attributes that the first lacks."""
    other = other.drop_vars([name for name in other.variables if name not in one.variables])
    other.attrs = {name: value for name, value in other.attrs.items() if name in one.attrs}
    for name in other.variables:
        kept = one[name].attrs
        other[name].attrs = {key: value for key, value in other[name].attrs.items() if key in kept}
    return other
