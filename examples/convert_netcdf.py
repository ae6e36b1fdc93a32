# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite[convert]"]
# ///
"""Converts a netCDF or HDF5 file and checks every cell.

Arguments: the file and the target. Without them it makes a file to convert.
"""

import sys

import numpy as np
from scipy.io import netcdf_file

import zarrite


def make(place: str) -> None:
    """A small file of a model's run."""
    with netcdf_file(place, "w") as file:
        file.title = "Sea surface temperature"
        for name, size in (("time", 24), ("lat", 90), ("lon", 180)):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))[:] = np.arange(size)
        sst = file.createVariable("sst", "f4", ("time", "lat", "lon"))
        sst.units = "degree_Celsius"
        sst[:] = np.random.default_rng(1).normal(15, 5, (24, 90, 180))


def main() -> None:
    if len(sys.argv) > 2:
        source, target = sys.argv[1:3]
    else:
        source, target = "ocean.nc", "ocean.zarr"
        make(source)
    # About 1 MiB a chunk and 64 MiB an object; the copy is read back and compared.
    zarrite.convert(source, target, chunks="auto", shards="auto", verify=True, overwrite=True)
    group = zarrite.open_group(target, mode="r")
    print(group.tree())
    for path, node in group.members(max_depth=None):
        if isinstance(node, zarrite.Array):
            print(f"{path}: {node.nbytes:,} bytes of cells, {node.nbytes_stored():,} stored")


if __name__ == "__main__":
    main()
