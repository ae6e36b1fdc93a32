"""netCDF-C's NCZarr, through netCDF4 for Python."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from speaking import beside, serve, within_a_group

COMPRESSIONS = {"zlib": "zlib", "zstd": "zstd", "bz2": "bzip2"}


def opened(group: Path, mode: str) -> Any:
    """The data set at a folder, with cells as they are stored."""
    found = netCDF4.Dataset(f"file://{group}#mode=zarr,file", mode)
    found.set_auto_mask(False)
    found.set_auto_scale(False)
    return found


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the variable that the document says, where its words are known."""
    settings = asked(task["document"], task["format"])
    place = Path(task["place"])
    group = beside(task)
    data = opened(group, "w")
    names = []
    for axis, length in enumerate(cells.shape):
        names.append(f"d{axis}")
        data.createDimension(names[-1], length)
    variable = data.createVariable("array", cells.dtype.newbyteorder("="), tuple(names), **settings)
    variable.set_auto_maskandscale(False)
    variable[...] = cells
    data.close()
    place.rmdir()
    (group / "array").rename(place)
    shutil.rmtree(group)


def asked(document: dict[str, Any], form: str) -> dict[str, Any]:
    """What to ask for a variable."""
    if form != "v2":
        raise ValueError(f"no format {form} here")
    plain = str(document["dtype"])[1:] in {f"{kind}{width}" for kind in "iuf" for width in (1, 2, 4, 8)} - {"f1", "f2"}
    if not plain or document["dtype"][0] == ">" or document["order"] != "C" or document["filters"]:
        raise ValueError("knows native integers and floats in C order, without filters of Zarr")
    if document.get("dimension_separator", ".") != ".":
        raise ValueError("writes keys with dots alone")
    found: dict[str, Any] = {"chunksizes": tuple(document["chunks"]) or None, "fill_value": document["fill_value"]}
    compressor = document["compressor"]
    if compressor:
        name, level = compressor["id"], compressor.get("level")
        if name == "blosc":
            found |= {"compression": f"blosc_{compressor['cname']}", "blosc_shuffle": compressor["shuffle"]}
            found["complevel"] = compressor["clevel"]
        elif name in COMPRESSIONS:
            found |= {"compression": COMPRESSIONS[name], "complevel": level, "shuffle": False}
        else:
            raise ValueError(f"no compressor {name} here")
    return found


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    with within_a_group(task) as group:
        data = opened(group, "r")
        try:
            return np.asarray(data["array"][...])
        finally:
            data.close()


serve("netCDF-C", f"{netCDF4.__netcdf4libversion__} in netCDF4 {netCDF4.__version__}", write, read)
