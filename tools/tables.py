"""Writes the tables that README.md and docs/ take from the program: formats, codecs, data types, crates.

What is read and written is found by trying it (`trials.py`), and not said here.

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

from trials import FORMATS, NEWEST, Trial, built_in, data_types, try_codec, try_type

from zarrite.model import dtype_names
from zarrite.model.codecs import Codec
from zarrite.model.dtypes import DType

ROOT = Path(__file__).parent.parent

KINDS = {"array": "cells to cells", "serializer": "cells to bytes", "bytes": "bytes to bytes"}
READS = {
    "Zarr v3": "read, write",
    "Zarr v2": "read, write",
    "N5": "read",
    "HDF5, netCDF-4": "convert (h5py)",
    "netCDF-3": "convert (scipy)",
    "`.npy`, `.npz`": "convert",
}
PLACES = "local files, memory, S3, Google Cloud, Azure, HTTP, zip archives, and stores written in Python"

CRATES = {
    "bytes": "bodies of answers, shared without a copy",
    "blosc-src": "c-blosc, the reference implementation of the blosc codec, with its compressors",
    "bzip2": "the bz2 codec, in Rust",
    "crc-fast": "CRC-32C with the processor's own instructions",
    "crc32c": "CRC-32C with the processor's own instructions",
    "flate2": "deflated members of zip archives",
    "futures-util": "streams of answers from the network",
    "half": "float16 arithmetic of the filters",
    "http": "requests and answers, below object_store",
    "libdeflate-sys": "gzip and zlib, a whole chunk at a time, into memory that the caller gives",
    "libdeflater": "gzip and zlib, a whole chunk at a time, into memory that the caller gives",
    "liblzma": "the lzma codec",
    "lz4-sys": "the lz4 codec",
    "lz4_flex": "the lz4 codec, in Rust",
    "numpy": "NumPy arrays seen from Rust",
    "object_store": "S3, Google Cloud, Azure and HTTP: signing, dialects, conditions",
    "pco": "the pcodec codec, in Rust",
    "pyo3": "the boundary to Python",
    "reqwest": "the HTTP client below object_store; named for its features (rustls, no default provider)",
    "rustls": "TLS in Rust, with ring's cryptography, so that no C library is asked for",
    "rustix": "system calls the standard library lacks: huge pages, closing a file with its error seen",
    "libc": "system calls",
    "serde": "reads the lowered document",
    "serde_json": "reads the lowered document",
    "smallvec": "short lists (axes) without allocation",
    "snap": "snappy, inside blosc",
    "thiserror": "error types",
    "tokio": "the runtime of the network's requests, two threads a process",
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
    """Every codec: names, class, what it turns into what, parameters, and what works."""
    rows = [
        [
            f"`{codec.name}`",
            f"`{codec.id}`" if codec.id else "",
            f"`{codec.__name__}`",
            KINDS[codec.kind],
            *(word(try_codec(codec, number)) for number in FORMATS),
            parameters(codec),
            first_line(codec),
        ]
        for codec in built_in()
    ]
    return table(["name in v3", "id in v2", "class", "turns", "v3", "v2", "parameters", ""], rows)


def word(trial: Trial) -> str:
    """What a trial showed."""
    if trial.read and trial.setting:
        return f"read; write with `{trial.setting}`"
    return "read, write" if trial.write else "read" if trial.read else "no"


def code(text: str) -> str:
    """Text as code in a table, where a bar would end the column."""
    return "`" + text.replace("|", "\\|") + "`"


def numpy_form(dtype: DType) -> str:
    """What a read gives for a data type."""
    numpy = dtype.numpy
    if numpy.names is not None:
        return "structured"
    if numpy.kind in "SUVMm" and numpy.subdtype is None:
        return f"`{numpy.kind}`"
    if numpy.kind == "O":
        return f"`object` ({dtype.vlen})" if dtype.vlen else "`object`"
    return "`StringDType`" if numpy.kind == "T" else f"`{numpy.name}`"


def dtype_table() -> str:
    """Every data type of v3 documents, the NumPy type of its cells, and what works."""
    rows = []
    for name, document in data_types().items():
        new, old = (try_type(name, number) for number in FORMATS)
        written = f"read; written as `{new.spelling}`" if is_spelling(name) else word(new)
        spelling = f"{code(old.spelling)}: {word(old)}" if old.read else "no"
        rows.append([f"`{name}`", numpy_form(dtype_names.dtype_from_json(document)), written, spelling])
    return table(["data type", "NumPy", "v3", "v2"], rows)


def names(found: Iterable[str]) -> str:
    """Names in one line, each once."""
    return ", ".join(dict.fromkeys(f"`{name.removeprefix('numcodecs.')}`" for name in found)) or "none"


def is_spelling(name: str) -> bool:
    """Whether a data type's name is only read: documents that are written have another for it."""
    trial = try_type(name, NEWEST)
    return trial.read and not trial.write and not trial.setting


def support() -> str:
    """The short table of the README."""
    # A name that is read and written as another one is a spelling, not a type of its own.
    own = [name for name in data_types() if not is_spelling(name)]
    types = {name: {number: try_type(name, number) for number in FORMATS} for name in own}
    codecs = [(one, {number: try_codec(one, number) for number in FORMATS}) for one in built_in()]

    def kept(trials: dict[int, Trial]) -> str:
        both = [number for number in FORMATS if trials[number].write]
        reading = [number for number in FORMATS if trials[number].read]
        if both:
            return " and ".join(f"v{number}" for number in both)
        return "to read" if reading else "not yet"

    rows = [
        ["formats", "; ".join(f"{name}: {what}" for name, what in READS.items())],
        ["kept in", PLACES],
    ]
    for what, group in (
        ("data types", {name: kept(found) for name, found in types.items()}),
        ("codecs", {codec.name: kept(found) for codec, found in codecs if codec.kind != "array"}),
        ("filters", {codec.name: kept(found) for codec, found in codecs if codec.kind == "array"}),
    ):
        for how in ORDER:
            chosen = [name for name, found in group.items() if found == how]
            if chosen:
                rows.append([f"{what}, {how}", names(chosen)])
    return table(["", ""], rows)


ORDER = (
    " and ".join(f"v{number}" for number in FORMATS),
    f"v{NEWEST}",
    *(f"v{n}" for n in FORMATS[1:]),
    "to read",
    "not yet",
)
"""What a type or codec can be, the most useful first."""


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
