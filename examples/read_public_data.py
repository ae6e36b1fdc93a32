# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite"]
# ///
"""Reads one map of the ERA5 reanalysis from a public bucket: some requests, no account. Needs a network."""

import zarrite

PLACE = "gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3"


def main() -> None:
    era5 = zarrite.open_group(PLACE, mode="r", storage_options={"token": "anon"})
    temperature = era5["2m_temperature"]
    print(temperature.info)
    hour = temperature[temperature.shape[0] // 2]
    print(f"{hour.min() - 273.15:.1f} to {hour.max() - 273.15:.1f} °C")


if __name__ == "__main__":
    main()
