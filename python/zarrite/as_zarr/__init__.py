"""zarrite under the name `zarr`, for programs and libraries that import that name.

`zarrite.install_as_zarr()`, called before anything imports `zarr`, makes `import zarr` and its submodules give what is
here: `zarr.Array` is `zarrite.Array`, and the stores of `zarr.storage` lead to stores of the engine. A script is run so
by `python -m zarrite.as_zarr SCRIPT`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from importlib.metadata._meta import SimplePath
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "VERSION", "install_as_zarr"]

VERSION = "3.4.2"
"""The version of zarr-python whose interface this is."""

_HERE = "zarrite.as_zarr"

MODULES = {
    "zarr": f"{_HERE}.top",
    "zarr.abc": f"{_HERE}.abc",
    "zarr.abc.buffer": f"{_HERE}.buffers",
    "zarr.abc.codec": f"{_HERE}.coding",
    "zarr.abc.metadata": f"{_HERE}.metadata",
    "zarr.abc.numcodec": f"{_HERE}.numcodec",
    "zarr.abc.store": f"{_HERE}.store",
    "zarr.api": f"{_HERE}.api",
    "zarr.api.asynchronous": f"{_HERE}.waiting",
    "zarr.api.synchronous": f"{_HERE}.synchronous",
    "zarr.buffer": f"{_HERE}.buffer",
    "zarr.buffer.cpu": f"{_HERE}.cpu",
    "zarr.codecs": f"{_HERE}.codecs",
    "zarr.codecs.blosc": f"{_HERE}.codecs",
    "zarr.codecs.bytes": f"{_HERE}.codecs",
    "zarr.codecs.cast_value": f"{_HERE}.codecs",
    "zarr.codecs.crc32c_": f"{_HERE}.codecs",
    "zarr.codecs.gzip": f"{_HERE}.codecs",
    "zarr.codecs.numcodecs": f"{_HERE}.numcodec",
    "zarr.codecs.scale_offset": f"{_HERE}.codecs",
    "zarr.codecs.sharding": f"{_HERE}.codecs",
    "zarr.codecs.transpose": f"{_HERE}.codecs",
    "zarr.codecs.vlen_utf8": f"{_HERE}.codecs",
    "zarr.codecs.zstd": f"{_HERE}.codecs",
    "zarr.core": f"{_HERE}.core",
    "zarr.core.array": f"{_HERE}.core",
    "zarr.core.array_spec": f"{_HERE}.coding",
    "zarr.core.attributes": f"{_HERE}.core",
    "zarr.core.buffer": f"{_HERE}.buffer",
    "zarr.core.buffer.core": f"{_HERE}.buffers",
    "zarr.core.buffer.cpu": f"{_HERE}.cpu",
    "zarr.core.chunk_grids": f"{_HERE}.grids",
    "zarr.core.chunk_key_encodings": f"{_HERE}.grids",
    "zarr.core.codec_pipeline": f"{_HERE}.coding",
    "zarr.core.common": f"{_HERE}.common",
    "zarr.core.config": f"{_HERE}.settings",
    "zarr.core.dtype": f"{_HERE}.dtype",
    "zarr.core.dtype.common": f"{_HERE}.dtype",
    "zarr.core.group": f"{_HERE}.group",
    "zarr.core.indexing": f"{_HERE}.indexing",
    "zarr.core.metadata": f"{_HERE}.metadata",
    "zarr.core.metadata.v2": f"{_HERE}.metadata",
    "zarr.core.metadata.v3": f"{_HERE}.metadata",
    "zarr.core.sync": f"{_HERE}.sync",
    "zarr.core.sync_group": f"{_HERE}.sync_group",
    "zarr.dtype": f"{_HERE}.dtype",
    "zarr.errors": "zarrite.errors",
    "zarr.experimental": f"{_HERE}.experimental",
    "zarr.experimental.cache_store": f"{_HERE}.experimental",
    "zarr.registry": f"{_HERE}.registry",
    "zarr.storage": f"{_HERE}.storage",
    "zarr.storage._common": f"{_HERE}.paths",
    "zarr.storage._utils": f"{_HERE}.common",
    "zarr.testing": f"{_HERE}.testing",
    "zarr.testing.store": f"{_HERE}.testing",
    "zarr.testing.utils": f"{_HERE}.testing",
    "zarr.types": f"{_HERE}.types",
}
"""What each module of that name is."""


class _Names(Loader):
    """Gives a module of zarrite under another name, without making it anew."""

    def __init__(self, name: str, target: str) -> None:
        self._name = name
        self._target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        module = importlib.import_module(self._target)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leaves it as it is."""
        module.__spec__ = self._own
        below = {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == self._name}
        if below:
            _offer(module, self._name, below)
        if not hasattr(module, "__path__"):
            module.__path__ = []  # modules below it are found by name


def _offer(module: ModuleType, name: str, below: Collection[str]) -> None:
    """Lets modules be had as attributes of the one above them, as after an import of zarr-python, which loads all."""
    own = getattr(module, "__getattr__", None)

    def found(attribute: str) -> Any:
        if attribute in below:
            return importlib.import_module(f"{name}.{attribute}")
        if own is not None:
            return own(attribute)
        raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

    module.__getattr__ = found  # type: ignore[method-assign]


class _Distribution(Distribution):
    """What libraries read when they ask which version of zarr is installed."""

    def read_text(self, filename: str) -> str | None:
        """The one file there is."""
        return f"Metadata-Version: 2.1\nName: zarr\nVersion: {VERSION}\n" if filename == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> SimplePath:
        """Where a file of it is: nowhere."""
        return Path(path)


class _Finder(DistributionFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of a name in `MODULES`."""
        found = MODULES.get(fullname)
        if found is None:
            if fullname.startswith("zarr."):
                raise ModuleNotFoundError(
                    f"zarrite, which is installed under the name zarr, has no module {fullname!r}; "
                    "what it does is not part of the interface that zarrite follows",
                    name=fullname,
                )
            return None
        return ModuleSpec(fullname, _Names(fullname, found), is_package=True)

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008 -- as it is declared
    ) -> Iterable[Distribution]:
        """The package of that name."""
        return [_Distribution()] if context.name in ("zarr", None) else []


def install_as_zarr() -> None:
    """Puts zarrite under the name `zarr`, for this process.

    What imports `zarr` from now on, and its public submodules, gets zarrite's classes and functions by zarr-python's
    names, so that libraries which look at `isinstance(x, zarr.Array)` take zarrite's arrays. Calling it again does
    nothing. Processes that are started later (by `spawn`, or on another machine) call it themselves, before they import
    what imports `zarr`.

    Raises:
        RuntimeError: zarr-python is imported already.

    Example:
        >>> import subprocess, sys
        >>> script = "import zarrite; zarrite.install_as_zarr(); import zarr; print(zarr.Array is zarrite.Array)"
        >>> subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip()
        'True'
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    there = sorted(name for name in sys.modules if name == "zarr" or name.startswith("zarr."))
    if there:
        raise RuntimeError(
            f"zarr-python is imported already ({there[0]}), and some of the program holds its classes; call "
            "zarrite.install_as_zarr() before the first import of zarr, or run `python -m zarrite.as_zarr SCRIPT`"
        )
    sys.meta_path.insert(0, _Finder())
    from zarrite.as_zarr import methods
    from zarrite.as_zarr.storage import StorePath, stand_for
    from zarrite.stores import protocol

    protocol.dress(stand_for, StorePath)
    methods.dress()
    for name in ("zarr", "zarr.storage", "zarr.abc.store", "zarr.core.buffer"):
        importlib.import_module(name)
