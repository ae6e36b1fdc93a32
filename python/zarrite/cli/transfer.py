"""`zarrite copy`, `zarrite move`, `zarrite delete`: whole nodes, between any two stores."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import zarrite
from zarrite.cli.places import Options, is_url, storage_options
from zarrite.cli.speak import answers, print_json, show_bytes, to_stderr, to_terminal
from zarrite.progress import Patient, Progress, reporter

__all__ = ["copy", "delete", "move"]

USAGE = 2
SHOWN_AFTER_S = 2.0
"""Work that is over sooner shows no progress."""
MOST_NODES = 40
"""How many nodes are named on a terminal; `--json` names all."""

Source = Annotated[
    str, typer.Argument(help="A store, or a node in it: data.zarr, data.zarr:/ocean, s3://bucket/data.zarr")
]
Target = Annotated[str, typer.Argument(help="Where it goes: a store, or a place in one.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="First delete the node at the target.")]
TargetOptions = Annotated[
    list[str] | None,
    typer.Option("--target-option", help="The same for the store that is written.", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, by node, and do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON; progress as JSON lines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]


@answers
def copy(
    source: Source,
    target: Target,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    option: Options = None,
    target_option: TargetOptions = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Copy an array or a group with everything below it, its stored objects as they are."""
    _go(zarrite.copy, source, target, (option, target_option), overwrite, dry_run, as_json, quiet)


@answers
def move(
    source: Source,
    target: Target,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    option: Options = None,
    target_option: TargetOptions = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Move an array or a group with everything below it."""
    _go(zarrite.move, source, target, (option, target_option), overwrite, dry_run, as_json, quiet)


@answers
def delete(
    place: Source,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also what is no node, such as what a copy that was stopped left.")
    ] = False,
    dry_run: DryRun = False,
    option: Options = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Delete an array or a group with everything below it."""
    store, path = _parts(place)
    options = storage_options(option)
    if not dry_run and not yes:
        if not sys.stdin.isatty():
            to_stderr().print(
                "zarrite: nobody can be asked here; pass --yes, or look first with --dry-run", markup=False
            )
            raise typer.Exit(USAGE)
        rehearsed = zarrite.delete(store, path, dry_run=True, force=force, storage_options=options)
        _show(rehearsed.to_dict())
        typer.confirm("Delete all of it?", abort=True, err=True)
    shown = _shown(dry_run, as_json, quiet)
    done = zarrite.delete(store, path, dry_run=dry_run, force=force, progress=shown, storage_options=options)
    _answer(done.to_dict(), as_json, quiet)


def _go(
    do: Any,
    source: str,
    target: str,
    options: tuple[list[str] | None, list[str] | None],
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    (start, start_path), (goal, goal_path) = _parts(source), _parts(target)
    done = do(
        start,
        goal,
        source_path=start_path,
        target_path=goal_path,
        overwrite=overwrite,
        dry_run=dry_run,
        progress=_shown(dry_run, as_json, quiet),
        source_options=storage_options(options[0]),
        target_options=storage_options(options[1]),
    )
    _answer(done.to_dict(), as_json, quiet)


def _parts(place: str) -> tuple[str, str | None]:
    """The store and the path in it that a URL, `store` or `store:/path` means; nothing need be there."""
    store, colon, inside = place.partition(":/")
    return (store, inside or None) if colon and not is_url(place) and not inside.startswith("/") else (place, None)


def _shown(dry_run: bool, as_json: bool, quiet: bool) -> Progress | None:
    if quiet or dry_run:
        return None
    return Patient(reporter("json" if as_json else "auto"), SHOWN_AFTER_S)


def _answer(facts: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(facts)
    elif facts["is_dry"]:
        _show(facts)
        to_terminal().print("Nothing was changed.", markup=False)
    elif not quiet:
        goal = "" if facts["target"] is None else f" to {facts['target']}"
        done = {"copy": "copied", "move": "moved", "delete": "deleted"}[facts["work"]]
        to_terminal().print(f"{done} {facts['source']}{goal}: {_size(facts)}, {facts['seconds']:.1f} s", markup=False)


def _show(facts: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("node", "objects", "bytes"):
        table.add_column(name, justify="left" if name == "node" else "right", overflow="fold")
    for node in facts["nodes"][:MOST_NODES]:
        table.add_row(escape(node["path"] or "/"), str(node["objects"]), show_bytes(node["bytes"]))
    out = to_terminal()
    out.print(table)
    if len(facts["nodes"]) > MOST_NODES:
        out.print(f"and {len(facts['nodes']) - MOST_NODES} more nodes; --json names all", markup=False)
    goal = "" if facts["target"] is None else f" to {facts['target']}"
    out.print(f"\n{facts['work']} {facts['source']}{goal}: {_size(facts)}", markup=False)


def _size(facts: dict[str, Any]) -> str:
    return f"{facts['objects']} objects in {len(facts['nodes'])} nodes, {show_bytes(facts['bytes'])}"
