# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite[xarray,dask]", "pandas"]
# ///
"""Writes a year of daily maps with xarray, opens it lazily, and computes monthly means in parallel."""

import numpy as np
import pandas as pd
import xarray as xr

import zarrite


def a_year() -> xr.Dataset:
    """Made-up temperatures: colder to the poles, warmer in July in the north."""
    days = pd.date_range("2026-01-01", periods=365)
    latitudes, longitudes = np.linspace(-88, 88, 45), np.arange(0, 360, 4.0)
    season = np.cos((days.day_of_year.to_numpy() - 200) / 365 * 2 * np.pi)
    cells = 25 - np.abs(latitudes)[None, :, None] * 0.5 + season[:, None, None] * latitudes[None, :, None] * 0.2
    cells = np.broadcast_to(cells, (365, 45, 90)).astype("float32")
    return xr.Dataset(
        {"air": (("time", "lat", "lon"), cells, {"units": "degree_Celsius"})},
        coords={"time": days, "lat": latitudes, "lon": longitudes},
    )


def main() -> None:
    encoding = {"air": {"chunks": (73, 15, 30), "shards": (365, 45, 90)}}
    zarrite.xarray.to_zarr(a_year(), "year.zarr", mode="w", encoding=encoding)

    lazy = xr.open_dataset("year.zarr", engine="zarrite", chunks={"time": 365})
    monthly = lazy.air.groupby("time.month").mean(("time", "lon")).compute()
    north = monthly.sel(lat=60, method="nearest")
    for month, degrees in zip(north.month.values, north.values, strict=True):
        print(f"month {month:2}: {degrees:6.1f} °C near 60°N")
    assert north.argmax() == 6


if __name__ == "__main__":
    main()
