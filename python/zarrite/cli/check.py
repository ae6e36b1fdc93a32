"""`zarrite check`: is a hierarchy what the specification says, and what can be put right."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import zarrite
from zarrite.cli.places import Options, storage_options, store_and_path
from zarrite.cli.speak import answers, print_json, show_count, to_stderr, to_terminal
from zarrite.progress import reporter

__all__ = ["check"]

USAGE = 2
COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@answers
def check(
    path: Annotated[str, typer.Argument(help="A store, or a node in it: data.zarr, data.zarr:/ocean, data.zip")],
    chunks: Annotated[bool, typer.Option("--chunks", help="Decode every stored chunk.")] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Decode so many stored objects of each array.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what needs no guess; what it was is kept beside it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --repair: show what would be written, and write nothing.")
    ] = False,
    option: Options = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON; progress as JSON lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and errors alone.")] = False,
) -> None:
    """Check a hierarchy against the specification: 0 when no error is found, 1 when one is."""
    if dry_run and not repair:
        to_stderr().print("zarrite: --dry-run belongs to --repair", markup=False)
        raise typer.Exit(USAGE)
    store, inside = store_and_path(path)
    shown = "silent" if quiet else "json" if as_json else "auto"
    done = zarrite.check(
        store,
        path=inside,
        chunks=chunks,
        sample=sample,
        repair=repair,
        dry_run=dry_run,
        progress=reporter(shown),
        storage_options=storage_options(option),
    )
    facts = done.to_dict() | {"place": path}
    if as_json:
        print_json(facts)
    else:
        _show(facts, quiet=quiet)
    if not done.is_clean:
        raise typer.Exit(1)


def _show(facts: dict[str, Any], *, quiet: bool) -> None:
    out = to_terminal()
    findings = [one for one in facts["findings"] if not quiet or one["severity"] == "error"]
    if findings:
        table = Table(box=None, pad_edge=False)
        for name in ("severity", "node", "rule", "what was found", "way out"):
            table.add_column(name, overflow="fold")
        for one in findings:
            colour = COLOURS[one["severity"]]
            table.add_row(
                f"[{colour}]{one['severity']}[/]",
                escape(one["node"]),
                escape(one["rule"]) + (" *" if one["repairable"] else ""),
                escape(f"{one['key']}: {one['message']}" if one["key"] else one["message"]),
                escape(one["way_out"]),
            )
        out.print(table)
    if facts["repairs"]:
        table = Table(box=None, pad_edge=False)
        for name in ("would be written" if facts["dry_run"] else "written", "for", "as it was"):
            table.add_column(name, overflow="fold")
        for one in facts["repairs"]:
            table.add_row(escape(one["key"]), ", ".join(one["rules"]), escape(one["backup"] or "-"))
        out.print(table)
    if not quiet:
        out.print(_summary(facts), markup=False)


def _summary(facts: dict[str, Any]) -> str:
    counts = {name: sum(1 for one in facts["findings"] if one["severity"] == name) for name in COLOURS}
    found = ", ".join(show_count(count, name) for name, count in counts.items())
    read = f"{facts['chunks_read']} of {facts['chunks']} stored objects decoded"
    mendable = any(one["repairable"] for one in facts["findings"])
    more = "; * can be put right with --repair" if mendable else ""
    return (
        f"{os.path.basename(facts['place'].rstrip('/')) or facts['place']}: "
        f"{show_count(facts['groups'], 'group')}, {show_count(facts['arrays'], 'array')}, {read}: {found}{more}"
    )
