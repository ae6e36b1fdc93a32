"""`zarrite pack` and `zarrite unpack`: a store as one file, and back."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

import zarrite
from zarrite.cli.speak import answers, print_json, show_bytes, to_terminal
from zarrite.progress import Patient, reporter

__all__ = ["pack", "unpack"]

SHORT_S = 2.0
"""Work that is over sooner shows no progress."""

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is at the target.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON; progress as JSON lines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]


@answers
def pack(
    source: Annotated[str, typer.Argument(help="A Zarr store or a node in one: path or URL.")],
    target: Annotated[str, typer.Argument(help="The archive, whose name ends in .zip or .ozx.")],
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Pack a store into a zip archive, every object as it is."""
    _run(zarrite.pack, source, target, overwrite, as_json, quiet)


@answers
def unpack(
    source: Annotated[str, typer.Argument(help="A zip archive: path or URL.")],
    target: Annotated[str, typer.Argument(help="Where its objects go: path or URL.")],
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Unpack a zip archive into a store, every object as it is."""
    _run(zarrite.unpack, source, target, overwrite, as_json, quiet)


def _run(work: Any, source: str, target: str, overwrite: bool, as_json: bool, quiet: bool) -> None:
    start = time.monotonic()
    shown = "silent" if quiet else "json" if as_json else "auto"
    done = work(source, target, overwrite=overwrite, progress=Patient(reporter(shown), SHORT_S))
    seconds = time.monotonic() - start
    if as_json:
        print_json({"source": source, **done._asdict(), "seconds": seconds})
    elif not quiet:
        speed = show_bytes(done.bytes / max(seconds, 1e-3))
        to_terminal().print(
            f"{source} to {done.target}: {done.objects} objects, {show_bytes(done.bytes)}, {seconds:.1f} s ({speed}/s)",
            markup=False,
        )
