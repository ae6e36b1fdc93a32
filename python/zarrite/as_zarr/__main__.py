"""Runs a script, or a module, that imports zarr: `python -m zarrite.as_zarr [-m MODULE | SCRIPT] [ARGUMENTS]`."""

from __future__ import annotations

import os
import runpy
import sys

from zarrite.as_zarr import install_as_zarr


def main() -> None:
    """Puts zarrite under the name zarr and runs what the command line names."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["-m"]:
        sys.exit(__doc__)
    install_as_zarr()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


main()
