"""GDAL's multidimensional arrays, through the C library that rasterio brings: rasterio itself knows rasters alone."""

from __future__ import annotations

import ctypes
import shutil
from ctypes import c_char_p, c_int, c_longlong, c_size_t, c_uint, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from speaking import beside, serve

MULTIDIMENSIONAL = 0x10
NUMERIC, TEXT = 0, 1
TYPES = {
    1: "u1", 2: "u2", 3: "i2", 4: "u4", 5: "i4", 6: "f4", 7: "f8", 10: "c8", 11: "c16", 12: "u8", 13: "i8", 14: "i1",
    15: "f2",
}  # fmt: skip
"""NumPy's name for each of GDAL's numbers of a type."""
COMPRESSORS = {"blosc": "BLOSC", "zlib": "ZLIB", "gzip": "GZIP", "lzma": "LZMA", "zstd": "ZSTD"}
SHUFFLES = {0: "NONE", 1: "BYTE", 2: "BIT", "noshuffle": "NONE", "shuffle": "BYTE", "bitshuffle": "BIT"}


def library() -> Any:
    """The C library, with the types of the functions that are used."""
    folder = Path(rasterio.__file__).parent.parent / "rasterio.libs"
    found = ctypes.CDLL(str(next(folder.glob("libgdal*"))))
    strings = ctypes.POINTER(c_char_p)
    sizes, steps = ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(c_longlong)
    for name, result, arguments in (
        ("GDALVersionInfo", c_char_p, [c_char_p]),
        ("CPLGetLastErrorMsg", c_char_p, []),
        ("CPLPushErrorHandler", None, [c_void_p]),
        ("GDALOpenEx", c_void_p, [c_char_p, c_uint, c_void_p, c_void_p, c_void_p]),
        ("GDALClose", c_int, [c_void_p]),
        ("GDALGetDriverByName", c_void_p, [c_char_p]),
        ("GDALCreateMultiDimensional", c_void_p, [c_void_p, c_char_p, strings, strings]),
        ("GDALDatasetGetRootGroup", c_void_p, [c_void_p]),
        ("GDALGroupGetMDArrayNames", strings, [c_void_p, c_void_p]),
        ("GDALGroupOpenMDArray", c_void_p, [c_void_p, c_char_p, c_void_p]),
        ("GDALGroupCreateDimension", c_void_p, [c_void_p, c_char_p, c_char_p, c_char_p, ctypes.c_uint64, c_void_p]),
        (
            "GDALGroupCreateMDArray",
            c_void_p,
            [c_void_p, c_char_p, c_size_t, ctypes.POINTER(c_void_p), c_void_p, strings],
        ),
        ("GDALExtendedDataTypeCreate", c_void_p, [c_int]),
        ("GDALExtendedDataTypeGetClass", c_int, [c_void_p]),
        ("GDALExtendedDataTypeGetNumericDataType", c_int, [c_void_p]),
        ("GDALMDArrayGetDataType", c_void_p, [c_void_p]),
        ("GDALMDArraySetRawNoDataValue", c_int, [c_void_p, c_void_p]),
        ("GDALMDArrayRelease", None, [c_void_p]),
        ("GDALGroupRelease", None, [c_void_p]),
        (
            "GDALMDArrayRead",
            c_int,
            [c_void_p, sizes, ctypes.POINTER(c_size_t), steps, steps, c_void_p, c_void_p, c_void_p, c_size_t],
        ),
        (
            "GDALMDArrayWrite",
            c_int,
            [c_void_p, sizes, ctypes.POINTER(c_size_t), steps, steps, c_void_p, c_void_p, c_void_p, c_size_t],
        ),
    ):
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    found.GDALAllRegister()
    found.CPLPushErrorHandler(ctypes.cast(found.CPLQuietErrorHandler, c_void_p))
    return found


gdal = library()


def need(handle: Any) -> Any:
    """A handle, or the error that GDAL keeps."""
    if not handle:
        raise RuntimeError(gdal.CPLGetLastErrorMsg().decode(errors="replace") or "no reason given")
    return handle


def words(given: list[str]) -> Any:
    """A list of options as C has it."""
    return (c_char_p * (len(given) + 1))(*(one.encode() for one in given), None)


def moved(do: Any, array: Any, cells: Any, kind: Any) -> None:
    """Reads or writes every cell."""
    ndim = cells.ndim
    start = (ctypes.c_uint64 * max(1, ndim))()
    count = (c_size_t * max(1, ndim))(*cells.shape)
    need(do(array, start, count, None, None, kind, cells.ctypes.data, None, 0))


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the array that the document says, where its words are known."""
    options, root, fill = {"v3": asked_v3, "v2": asked_v2}[task["format"]](task["document"])
    numbers = {np.dtype(name): number for number, name in TYPES.items()}
    if cells.dtype not in numbers:
        raise ValueError(f"no type {cells.dtype} here")
    place = Path(task["place"])
    group = beside(task)
    driver = gdal.GDALGetDriverByName(b"Zarr")
    data = need(gdal.GDALCreateMultiDimensional(driver, str(group).encode(), None, words(root)))
    try:
        top = need(gdal.GDALDatasetGetRootGroup(data))
        axes = (c_void_p * max(1, cells.ndim))()
        for axis, length in enumerate(cells.shape):
            axes[axis] = need(gdal.GDALGroupCreateDimension(top, f"d{axis}".encode(), None, None, length, None))
        kind = gdal.GDALExtendedDataTypeCreate(numbers[cells.dtype])
        array = need(gdal.GDALGroupCreateMDArray(top, b"array", cells.ndim, axes, kind, words(options)))
        if fill is not None:
            raw = np.asarray(fill, cells.dtype)
            need(gdal.GDALMDArraySetRawNoDataValue(array, raw.ctypes.data))
        moved(gdal.GDALMDArrayWrite, array, np.array(cells, order="C"), kind)
        gdal.GDALMDArrayRelease(array)
        gdal.GDALGroupRelease(top)
    finally:
        gdal.GDALClose(data)
    place.rmdir()
    (group / "array").rename(place)
    shutil.rmtree(group)


def asked_v2(document: dict[str, Any]) -> tuple[list[str], list[str], Any]:
    """The options for an array and for its data set in format 2, and the fill value."""
    if document["filters"] or document["dtype"][0] == ">" or document["dtype"][1] == "b":
        raise ValueError("knows native numbers without filters")
    found = [
        f"BLOCKSIZE={','.join(map(str, document['chunks']))}",
        f"CHUNK_MEMORY_LAYOUT={document['order']}",
        f"DIM_SEPARATOR={document.get('dimension_separator', '.')}",
    ]
    compressor = document["compressor"]
    if compressor:
        found += packed(compressor["id"], compressor)
    return found, ["FORMAT=ZARR_V2"], number(document["fill_value"])


def asked_v3(document: dict[str, Any]) -> tuple[list[str], list[str], Any]:
    """The options for an array and for its data set in format 3, and the fill value."""
    keys = document["chunk_key_encoding"]
    if document["chunk_grid"]["name"] != "regular" or keys["name"] != "default" or document["data_type"] == "bool":
        raise ValueError("knows numbers in regular grids under keys of format 3")
    found = [
        f"BLOCKSIZE={','.join(map(str, document['chunk_grid']['configuration']['chunk_shape']))}",
        f"DIM_SEPARATOR={keys.get('configuration', {}).get('separator', '/')}",
    ]
    for codec in document["codecs"]:
        settings = codec.get("configuration", {})
        if codec["name"] == "bytes" and settings.get("endian", "little") == "little":
            continue
        if codec["name"] == "transpose" and settings["order"] == [1, 0]:
            found.append("CHUNK_MEMORY_LAYOUT=F")
        else:
            found += packed(codec["name"], settings)
    return found, ["FORMAT=ZARR_V3"], number(document["fill_value"])


def packed(name: str, settings: dict[str, Any]) -> list[str]:
    """A compressor as options."""
    if name not in COMPRESSORS:
        raise ValueError(f"no codec {name} here")
    word = COMPRESSORS[name]
    found = [f"COMPRESS={word}"]
    if name == "blosc":
        found += [f"BLOSC_CNAME={settings['cname']}", f"BLOSC_SHUFFLE={SHUFFLES[settings['shuffle']]}"]
    elif "level" in settings:
        found.append(f"{word}_LEVEL={settings['level']}")
    return found


def number(value: Any) -> Any:
    """A fill value as NumPy takes it."""
    if isinstance(value, list):
        return complex(*map(float, value))
    return float(value.replace("Infinity", "inf")) if isinstance(value, str) else value


def read(task: dict[str, Any]) -> Any:
    """Every cell, as the array's own type."""
    data = need(gdal.GDALOpenEx(task["place"].encode(), MULTIDIMENSIONAL, None, None, None))
    try:
        top = need(gdal.GDALDatasetGetRootGroup(data))
        name = need(gdal.GDALGroupGetMDArrayNames(top, None))[0]
        array = need(gdal.GDALGroupOpenMDArray(top, name, None))
        kind = gdal.GDALMDArrayGetDataType(array)
        group = gdal.GDALExtendedDataTypeGetClass(kind)
        shape = tuple(task["shape"])
        if group == NUMERIC:
            cells: Any = np.zeros(shape, TYPES[gdal.GDALExtendedDataTypeGetNumericDataType(kind)])
            moved(gdal.GDALMDArrayRead, array, cells, kind)
        elif group == TEXT:
            pointers = np.zeros(shape, np.uintp)
            moved(gdal.GDALMDArrayRead, array, pointers, kind)
            cells = np.empty(shape, object)
            for index in np.ndindex(shape):
                cells[index] = ctypes.string_at(int(pointers[index])) if pointers[index] else b""
            cells = texts(cells, task["dtype"])
        else:
            raise ValueError("structures are not tried")
        gdal.GDALMDArrayRelease(array)
        gdal.GDALGroupRelease(top)
        return cells
    finally:
        gdal.GDALClose(data)


def texts(cells: Any, told: Any) -> Any:
    """Texts as the case has them."""
    if told in {"text", "bytes"}:
        return cells
    decoded = [one.decode() if told[1] == "U" else one for one in cells.ravel().tolist()]
    return np.array(decoded, dtype=told).reshape(cells.shape)


serve("GDAL", f"{gdal.GDALVersionInfo(b'RELEASE_NAME').decode()} in rasterio {rasterio.__version__}", write, read)
