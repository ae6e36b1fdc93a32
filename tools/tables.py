"""Writes the tables that README.md and docs/ take from the program: formats, codecs, data types, crates.

Run by `make tables`. `--check` writes nothing and says which page is out of date; a test runs it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from zarrite.model import dtype_names
from zarrite.model.chain import BUILT_IN
from zarrite.model.codecs import Codec
from zarrite.model.dtypes import DType

ROOT = Path(__file__).parent.parent

KINDS = {"array": "cells to cells", "serializer": "cells to bytes", "bytes": "bytes to bytes"}
WITH_PARAMETERS = {
    "fixed_length_utf32": "`U`",
    "null_terminated_bytes": "`S`",
    "raw_bytes": "`V`",
    "numpy.datetime64": "`M8`",
    "numpy.timedelta64": "`m8`",
    "r<bits>": "`V`",
    "struct": "structured",
    "structured": "structured",
}
"""Data types whose NumPy form depends on a parameter."""

READS = {
    "Zarr v3": "read, write",
    "Zarr v2": "read, write",
    "N5": "read",
    "HDF5, netCDF-4": "convert (h5py)",
    "netCDF-3": "convert (scipy)",
    "`.npy`, `.npz`": "convert",
}
PLACES = "local files, memory, zip archives (to read), and stores written in Python"

CRATES = {
    "blosc-src": "c-blosc, the reference implementation of the blosc codec, with its compressors",
    "bzip2": "the bz2 codec, in Rust",
    "crc-fast": "CRC-32C with the processor's own instructions",
    "crc32c": "CRC-32C with the processor's own instructions",
    "flate2": "deflated members of zip archives",
    "half": "float16 arithmetic of the filters",
    "libdeflate-sys": "gzip and zlib, a whole chunk at a time, into memory that the caller gives",
    "libdeflater": "gzip and zlib, a whole chunk at a time, into memory that the caller gives",
    "liblzma": "the lzma codec",
    "lz4-sys": "the lz4 codec",
    "lz4_flex": "the lz4 codec, in Rust",
    "numpy": "NumPy arrays seen from Rust",
    "pyo3": "the boundary to Python",
    "rustix": "system calls the standard library lacks: huge pages, closing a file with its error seen",
    "libc": "system calls",
    "serde": "reads the lowered document",
    "serde_json": "reads the lowered document",
    "smallvec": "short lists (axes) without allocation",
    "snap": "snappy, inside blosc",
    "thiserror": "error types",
    "zstd-safe": "zstd with contexts that are kept between chunks",
}
"""Why each crate is here."""


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop."""
    return (inspect.getdoc(documented) or "").split("\n", 1)[0].rstrip(".")


def parameters(codec: type[Codec]) -> str:
    """A codec's parameters with their defaults."""
    found = inspect.signature(codec).parameters.values()
    return ", ".join(
        f"`{one.name}`" if one.default is inspect.Parameter.empty else f"`{one.name}={one.default!r}`" for one in found
    )


def codec_table() -> str:
    """Every codec: names, class, what it turns into what, parameters."""
    rows = [
        [
            f"`{codec.name}`",
            f"`{codec.id}`" if codec.id else "",
            f"`{codec.__name__}`",
            KINDS[codec.kind],
            parameters(codec),
            first_line(codec),
        ]
        for codec in BUILT_IN
    ]
    return table(["name in v3", "id in v2", "class", "turns", "parameters", ""], rows)


def numpy_form(dtype: DType) -> str:
    """What a read gives for a data type."""
    if dtype.vlen == "string":
        return "`StringDType`"
    return "`object` (bytes)" if dtype.vlen == "bytes" else f"`{dtype.numpy.name}`"


def dtype_table() -> str:
    """Every data type of v3 documents and the NumPy type of its cells."""
    rows = [[f"`{name}`", numpy_form(dtype)] for name, dtype in dtype_names.PLAIN.items()]
    known = set(WITH_PARAMETERS) - {"r<bits>", "struct", "structured"}
    declared = {*dtype_names.FIXED, *dtype_names.TIMES}
    assert known == declared, f"say what NumPy has for {known ^ declared}"
    rows += [[f"`{name}`", form] for name, form in WITH_PARAMETERS.items()]
    return table(["data type in v3", "NumPy"], rows)


def names(codecs: Iterable[type[Codec]]) -> str:
    """Codecs in one line, each once."""
    return ", ".join(dict.fromkeys(f"`{codec.name.removeprefix('numcodecs.')}`" for codec in codecs))


def support() -> str:
    """The short table of the README."""
    plain = ", ".join(f"`{name}`" for name, dtype in dtype_names.PLAIN.items() if name == numpy_form(dtype).strip("`"))
    others = ", ".join(f"`{name}`" for name in ("string", "bytes", *WITH_PARAMETERS) if name != "structured")
    rows = [
        ["formats", "; ".join(f"{name}: {what}" for name, what in READS.items())],
        ["kept in", PLACES],
        ["data types", f"{plain}, {others}"],
        ["codecs", names(codec for codec in BUILT_IN if codec.kind != "array")],
        ["filters", names(codec for codec in BUILT_IN if codec.kind == "array")],
    ]
    return table(["", ""], rows)


def formats() -> str:
    """What is read and written, and where it is kept."""
    return table(["format", ""], [[name, what] for name, what in READS.items()]) + f"\n\nKept in {PLACES}."


def crates() -> str:
    """Every crate that the workspace depends on, and why."""
    users: dict[str, list[str]] = {}
    for manifest in sorted((ROOT / "crates").glob("*/Cargo.toml")):
        document = tomllib.loads(manifest.read_text())
        for part in [document, *document.get("target", {}).values()]:
            for name in part.get("dependencies", {}):
                users.setdefault(name, []).append(manifest.parent.name)
    foreign = {name: where for name, where in sorted(users.items()) if not name.startswith("zarrite-")}
    assert set(foreign) <= set(CRATES), f"say in tools/tables.py why they are here: {set(foreign) - set(CRATES)}"
    rows = [[f"`{name}`", ", ".join(where), CRATES[name]] for name, where in foreign.items()]
    return table(["crate", "used by", "why"], rows)


def fill(text: str, mark: str, content: str) -> str:
    """A page with content between its markers `<!-- mark -->` and `<!-- /mark -->`."""
    marks = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    assert marks.search(text), f"no markers for {mark}"
    return marks.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    check = words.parse_args().check
    pages = {
        "README.md": {"support": support},
        "docs/reference/support.md": {"formats": formats, "codecs": codec_table, "dtypes": dtype_table},
        "docs/dependencies.md": {"crates": crates},
    }
    stale = []
    for name, marks in pages.items():
        page = ROOT / name
        old = new = page.read_text()
        for mark, content in marks.items():
            new = fill(new, mark, content())
        if new != old:
            stale.append(name)
            if not check:
                page.write_text(new)
    if check and stale:
        print(f"out of date, run `make tables`: {', '.join(stale)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
