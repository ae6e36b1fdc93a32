"""z5py: z5 for Python."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import z5py
from speaking import beside, serve, within_a_group

V2 = {"zlib": "zlib", "gzip": "gzip", "bz2": "bzip2", "lz4": "lz4", "zstd": "zstd", "blosc": "blosc"}
SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


def opened(group: Path, form: str, mode: str, separator: str = ".") -> Any:
    """The container at a folder."""
    kind = {"v3": 3, "v2": 2, "n5": 2}[form]
    return z5py.File(str(group), mode, use_zarr_format=form != "n5", zarr_format=kind, dimension_separator=separator)


def write(task: dict[str, Any], cells: Any) -> None:
    """Makes the array that the document says, where its words are known."""
    settings = {"v3": asked_v3, "v2": asked_v2, "n5": asked_n5}[task["format"]](task["document"])
    separator = settings.pop("dimension_separator", ".")
    place = Path(task["place"])
    group = beside(task)
    container = opened(group, task["format"], "a", separator)
    container.create_dataset("array", shape=cells.shape, dtype=cells.dtype.newbyteorder("="), **settings)[...] = cells
    place.rmdir()
    (group / "array").rename(place)
    shutil.rmtree(group)


def asked_v2(document: dict[str, Any]) -> dict[str, Any]:
    """What to ask for an array of format 2."""
    if document["order"] != "C" or document["filters"] or document["dtype"][0] == ">":
        raise ValueError("writes little-endian cells in C order, without filters")
    compressor = document["compressor"]
    return {
        "chunks": tuple(document["chunks"]),
        "fillvalue": document["fill_value"] or 0,
        "dimension_separator": document.get("dimension_separator", "."),
        **(packed(compressor["id"], compressor) if compressor else {"compression": "raw"}),
    }


def asked_v3(document: dict[str, Any]) -> dict[str, Any]:
    """What to ask for an array of format 3."""
    if document["chunk_grid"]["name"] != "regular":
        raise ValueError("knows regular grids alone")
    chunks = tuple(document["chunk_grid"]["configuration"]["chunk_shape"])
    keys = document["chunk_key_encoding"]
    found: dict[str, Any] = {
        "fillvalue": document["fill_value"],
        "chunk_key_encoding": keys["name"],
        "dimension_separator": keys.get("configuration", {}).get("separator", "/"),
    }
    codecs = document["codecs"]
    if codecs[0]["name"] == "sharding_indexed":
        sharded = codecs[0]["configuration"]
        found["shards"] = chunks
        chunks = tuple(sharded["chunk_shape"])
        if len(codecs) > 1 or sharded.get("index_location") == "start" or len(sharded["index_codecs"]) != 2:
            raise ValueError("knows shards with a checked index at the end alone")
        codecs = sharded["codecs"]
    endian = codecs[0].get("configuration", {}).get("endian", "little")
    if codecs[0]["name"] != "bytes" or endian != "little" or len(codecs) > 2:
        raise ValueError("knows little-endian cells and one compressor alone")
    found |= packed(codecs[1]["name"], codecs[1].get("configuration", {})) if codecs[1:] else {"compression": "raw"}
    return {"chunks": chunks, **found}


def asked_n5(document: dict[str, Any]) -> dict[str, Any]:
    """What to ask for an array of N5."""
    compression = document["compression"]
    return {"chunks": tuple(reversed(document["blockSize"])), **packed(compression["type"], compression)}


def packed(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """A compressor and its options."""
    if name not in {*V2, "raw", "bzip2", "xz"}:
        raise ValueError(f"no compressor {name}")
    found: dict[str, Any] = {"compression": V2.get(name, name)}
    if name == "blosc":
        shuffle = options.get("shuffle", 1)
        found["codec"] = options["cname"]
        found["shuffle"] = SHUFFLES.get(shuffle, shuffle) if isinstance(shuffle, str) else shuffle
    elif "level" in options or "blockSize" in options or "preset" in options:
        level = options.get("level", options.get("preset", options.get("blockSize", 5)))
        if name not in {"raw", "lz4"}:
            found["level"] = level
    return found


def read(task: dict[str, Any]) -> Any:
    """Every cell."""
    with within_a_group(task) as group:
        return np.asarray(opened(group, task["format"], "r")["array"][...])


serve("z5py", z5py.__version__, write, read)
