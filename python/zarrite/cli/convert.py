"""`zarrite convert`: existing data to sharded Zarr v3."""

from __future__ import annotations

import warnings
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import zarrite
from zarrite.cli.places import Options, node_at, storage_options
from zarrite.cli.speak import answers, print_json, show_bytes, show_count, show_shape, to_stderr, to_terminal
from zarrite.progress import reporter

__all__ = ["convert"]

MOST_NOTES = 10
"""How many things that were left out are named on a terminal; `--json` names all."""


@answers
def convert(
    source: Annotated[
        str, typer.Argument(help="HDF5, netCDF, .npy, .npz, or Zarr of either format (directory, zip, URL).")
    ],
    target: Annotated[str, typer.Argument(help="Where the Zarr v3 store is written.")],
    chunks: Annotated[
        str, typer.Option(help="auto, source, a size (4MiB), lengths (10,180,all) or by dimension (time=10,lat=all).")
    ] = "auto",
    shards: Annotated[str, typer.Option(help="auto, none, a size (128MiB), lengths or lengths by dimension.")] = "auto",
    codec: Annotated[
        str, typer.Option(help="auto, zstd:5, blosc:zstd:5:shuffle, gzip:5, crc32c, none; commas join.")
    ] = "auto",
    include: Annotated[list[str] | None, typer.Option(help="Convert only paths that match; may be repeated.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave out paths that match; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at the target.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read every cell back and compare.")] = False,
    memory: Annotated[
        str | None,
        typer.Option(help="How much memory may be used (512MiB); a quarter of it, at most 1 GiB, if not given."),
    ] = None,
    follow_external: Annotated[
        bool, typer.Option("--follow-external", help="Follow links of an HDF5 file that lead into other files.")
    ] = False,
    enum_flags: Annotated[
        bool, typer.Option("--enum-flags", help="Keep names of enumerated values as CF flag attributes.")
    ] = False,
    option: Options = None,
    target_option: Annotated[
        list[str] | None,
        typer.Option("--target-option", help="The same for the store that is written.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON; progress as JSON lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")] = False,
) -> None:
    """Convert existing data to sharded Zarr v3."""
    read_with, write_with = storage_options(option), storage_options(target_option)
    shown = "silent" if quiet or dry_run else "json" if as_json else "auto"
    with warnings.catch_warnings():
        # What was left out is part of the answer; as warnings it would be said twice.
        warnings.simplefilter("ignore", zarrite.errors.ZarrUserWarning)
        done = zarrite.convert(
            source if read_with is None else node_at(source, read_with),
            target if write_with is None else zarrite.storage.prefixed(target, "", storage_options=write_with),
            chunks=chunks,
            shards=shards,
            codecs=codec,
            include=include or (),
            exclude=exclude or (),
            dry_run=dry_run,
            overwrite=overwrite,
            verify=verify,
            memory=memory,
            progress=reporter(shown),
            follow_external=follow_external,
            enum_flags=enum_flags,
        )
    facts = done.to_dict()
    if as_json:
        print_json(facts)
        return
    if not quiet:
        _notes(facts["skipped"])
    if dry_run:
        _plan(facts)
    elif not quiet:
        _summary(facts)


def _notes(skipped: list[dict[str, str]]) -> None:
    out = to_stderr()
    for item in skipped[:MOST_NOTES]:
        out.print(f"[yellow]note[/] {escape(item['path'] or '/')}: {escape(item['why'])}")
    if len(skipped) > MOST_NOTES:
        out.print(f"[yellow]note[/] and {len(skipped) - MOST_NOTES} more; --json names all")


def _plan(facts: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("array", "shape", "type", "source chunks", "chunks", "shards", "cells", "objects", "memory", "reads"):
        table.add_column(name, justify="right" if name in {"cells", "objects", "memory", "reads"} else "left")
    for array in facts["arrays"]:
        table.add_row(
            escape(array["path"] or "/"),
            show_shape(array["shape"]),
            escape(array["dtype"]),
            show_shape(array["source_chunks"]),
            show_shape(array["chunks"]),
            show_shape(array["shards"]),
            show_bytes(array["bytes"]),
            str(array["objects"]),
            show_bytes(array["memory_bytes"]),
            f"{array['source_reads']:.1f}×",
        )
    out = to_terminal()
    out.print(table)
    out.print(
        f"\n{facts['kind']} to Zarr v3: {show_bytes(facts['bytes'])} of cells in "
        f"{show_count(len(facts['arrays']), 'array')}, at most {show_count(facts['objects'], 'object')}, "
        f"{show_bytes(facts['memory_bytes'])} of memory "
        f"(limit {show_bytes(facts['memory_limit'])}). Nothing was written.",
        markup=False,
    )


def _summary(facts: dict[str, Any]) -> None:
    speed = facts["bytes"] / max(facts["seconds"], 1e-3)
    verified = ", every cell read back and equal" if facts["verified"] else ""
    to_terminal().print(
        f"{facts['kind']} {facts['source']} to {facts['target']}: {show_count(len(facts['arrays']), 'array')}, "
        f"{show_bytes(facts['bytes'])} of cells in {show_bytes(facts['stored_bytes'])}, "
        f"{show_count(facts['stored_objects'], 'object')}, {facts['seconds']:.1f} s ({show_bytes(speed)}/s){verified}",
        markup=False,
    )
