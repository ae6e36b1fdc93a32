"""`zarr` itself: the functions and classes of the top level."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from zarrite.array import Array
from zarrite.as_zarr import MODULES, VERSION as __version__
from zarrite.as_zarr.nodes import AsyncArray, AsyncGroup
from zarrite.config import config
from zarrite.create import (
    array,
    create,
    create_array,
    create_group,
    create_hierarchy,
    empty,
    empty_like,
    from_array,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from zarrite.errors import UnsupportedError
from zarrite.group import Group
from zarrite.open import (
    consolidate_metadata,
    group,
    open,
    open_array,
    open_consolidated,
    open_group,
    open_like,
    tree,
)
from zarrite.saving import load, save, save_array, save_group

__all__ = [
    "Array",
    "AsyncArray",
    "AsyncGroup",
    "Group",
    "__version__",
    "array",
    "config",
    "consolidate_metadata",
    "copy",
    "copy_all",
    "copy_store",
    "create",
    "create_array",
    "create_group",
    "create_hierarchy",
    "empty",
    "empty_like",
    "from_array",
    "full",
    "full_like",
    "group",
    "load",
    "ones",
    "ones_like",
    "open",
    "open_array",
    "open_consolidated",
    "open_group",
    "open_like",
    "print_debug_info",
    "save",
    "save_array",
    "save_group",
    "set_format",
    "set_log_level",
    "tree",
    "zeros",
    "zeros_like",
]

_log = logging.getLogger("zarr")
_handler: logging.StreamHandler[Any] | None = None


def _to_terminal() -> logging.StreamHandler[Any]:
    global _handler  # noqa: PLW0603 -- one handler a process
    if _handler is None:
        _handler = logging.StreamHandler()
        _handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        _log.addHandler(_handler)
    return _handler


def set_log_level(level: str) -> None:
    """Says which entries of the log are shown."""
    _log.setLevel(level)
    _to_terminal().setLevel(level)


def set_format(log_format: str) -> None:
    """Says how entries of the log look."""
    _to_terminal().setFormatter(logging.Formatter(log_format))


def print_debug_info() -> None:
    """Prints what a report of a mistake needs: the versions of what is installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"platform: {platform.platform()}", f"python: {platform.python_version()}", f"zarr: {__version__}"]
    for package in ("zarrite", "numpy", "fsspec", "obstore", "icechunk", "s3fs"):
        try:
            lines.append(f"{package}: {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package}: not installed")
    print("\n".join(lines))  # noqa: T201 -- printing is what was asked for


def _not_there(name: str, instead: str) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise UnsupportedError(f"zarr-python has no {name} since version 3; {instead}")

    refuse.__name__ = name
    return refuse


_COPY = "zarrite.copy(source, target) copies a node, a whole store included"
copy = _not_there("copy", _COPY)
copy_all = _not_there("copy_all", _COPY)
copy_store = _not_there("copy_store", _COPY)


def __getattr__(name: str) -> Any:
    if f"zarr.{name}" in MODULES:
        import importlib

        return importlib.import_module(MODULES[f"zarr.{name}"])
    raise AttributeError(f"module 'zarr' has no attribute {name!r}")
