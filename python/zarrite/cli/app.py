"""The commands put together."""

from __future__ import annotations

from typing import Annotated

import typer

import zarrite
from zarrite.cli.check import check
from zarrite.cli.conformance import conformance
from zarrite.cli.convert import convert
from zarrite.cli.info import info
from zarrite.cli.pack import pack, unpack
from zarrite.cli.peek import peek
from zarrite.cli.transfer import copy, delete, move
from zarrite.cli.tree import tree

__all__ = ["app"]

app = typer.Typer(
    name="zarrite",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (convert, info, tree, peek, check, copy, move, delete, pack, unpack, conformance):
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        print(zarrite.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Zarr arrays: convert data to them, look at them, and check them."""
    del version
