"""From a pipeline to a store: each stage is opened over the one before it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import StoreNotFoundError, UrlError
from zarrite.stores.paths import StorePath, escaped, file_path, join, normalize_path, scheme_of, unescaped
from zarrite.stores.pipelines import FORMATS, MAIN, OVERLAY, Pipeline, Stage, bound_format, parse
from zarrite.stores.roots import KERCHUNK, Opened, Roots, from_fsspec, kept, options_in, root_of

__all__ = ["bound_format", "open_url", "over", "read_json", "unpack_limit_bytes"]

unpack_limit_bytes = 1 << 30
"""How large a file may become that a `gzip:` or `zstd:` stage unpacks in memory."""

REFUSED = {
    "ocdbt": "OCDBT databases are not read; tensorstore reads them and copies what is in them to Zarr",
    "neuroglancer-precomputed": "Neuroglancer's precomputed format is not read; tensorstore reads it and writes Zarr",
    "hdf5": "HDF5 is not read in place; `zarrite convert` makes Zarr of a file on this machine",
    "kerchunk": KERCHUNK,
    **dict.fromkeys(
        ("tiff", "jpeg", "png", "bmp", "avif", "webp"),
        "images are not read in place; read them with imageio or tifffile and pass the array to zarrite.save",
    ),
    "nifti": "NIfTI is not read in place; read it with nibabel and pass the array to zarrite.save",
}
"""Stages that the grammar knows and nothing here opens, each with the way out."""


def open_url(
    text: str, roots: Roots, options: Mapping[str, Any] | None = None, *, read_only: bool = False
) -> tuple[Store, str]:
    """The store that a pipeline leads to, and the path in it.

    Args:
        text: a pipeline, or a chain of fsspec.
        roots: opens what is not opened here.
        options: options of the root, and of the repositories behind it.
        read_only: give a store that refuses writes.

    Raises:
        UrlError: a stage that nothing opens, or that does not fit what is before it.
        StoreNotFoundError: a file that a stage needs is not there.
    """
    pipeline = parse(text)
    if pipeline.chained:
        options = options_in(pipeline.root, options)
        if not pipeline.stages:
            return from_fsspec(text, options, read_only), ""
    store, path = _open(pipeline, roots, options, read_only)
    return kept(store, options), path


def _open(pipeline: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> tuple[Store, str]:
    here = _come_to(pipeline, roots, options, read_only)
    return here.folder() if here.folder is not None else (here.store, here.path)


def _come_to(pipeline: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    for stage in pipeline.stages:
        if stage.scheme in REFUSED:
            raise UrlError(f"{pipeline}: {REFUSED[stage.scheme]}")
    here = root_of(pipeline.root, roots, options, read_only)
    for place, stage in enumerate(pipeline.stages):
        before = Pipeline(pipeline.root, pipeline.stages[:place])
        here = _stage(here, stage, before, roots, options, read_only)
    return here


def over(scheme: str, store: Store, path: str, options: Mapping[str, Any] | None, *, read_only: bool) -> Store:
    """The archive or the repository that lies at a path of a store.

    Args:
        scheme: "zip" or "icechunk".
        store: where.
        path: the path in it.
        options: options of the store.
        read_only: give a store that refuses writes.
    """
    here = Opened(store, path)
    if scheme == "zip":
        return kept(_zip(here, read_only=True), options)
    stage = Stage("icechunk", "", MAIN)
    return kept(_icechunk(stage, Pipeline(here.url), options, read_only), options)


def read_json(text: str, roots: Roots, options: Mapping[str, Any] | None = None) -> Any:
    """What a `json:` stage leads to: a value of a JSON document.

    Raises:
        UrlError: the text ends in another stage, the document is none, or has nothing at the pointer.
        StoreNotFoundError: there is no such document.
    """
    import json

    pipeline = parse(text)
    if not pipeline.stages or pipeline.stages[-1].scheme != "json":
        raise UrlError(
            f"{text!r} does not end in 'json:'; write the document's URL, '|json:' and a pointer such as /attributes"
        )
    document, pointer = Pipeline(pipeline.root, pipeline.stages[:-1]), pipeline.stages[-1].body
    here = _come_to(document, roots, options, read_only=True)
    raw = _file(here.store, here.path, str(document))
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UrlError(f"{document} is not JSON: {error}") from None
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) and name.isdecimal() else found[name]
        except (KeyError, IndexError, TypeError):
            raise UrlError(f"{document} has nothing at {pointer!r}: {name!r} is not there") from None
    return found


# ---------------------------------------------------------------- stages


def _stage(
    here: Opened, stage: Stage, before: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool
) -> Opened:
    scheme, body = stage.scheme, stage.body
    if scheme in FORMATS:
        store, path = here.folder() if here.folder else (here.store, here.path)
        return Opened(store, join(path, body))
    if scheme == "zip":
        return Opened(_zip(here, read_only=read_only), body)
    if scheme in ("gzip", "zstd"):
        return _unpacked(here, scheme)
    if scheme == "byte-range":
        start, stop = map(int, body.split("-"))
        size = here.store.size(here.path).result() if here.path else None
        if size is None:
            raise StoreNotFoundError(here.path, "there is no such file", 2, here.url)
        start, stop = min(start, size), min(stop, size)
        return Opened(_engine.python_store(Window(here, start, stop)), _name(here))
    if scheme == "icechunk":
        return Opened(_icechunk(stage, before, options, read_only), body)
    if scheme == OVERLAY:
        upper, _, path = body.partition("\0")
        store, below = here.folder() if here.folder else (here.store, here.path)
        over, above = open_url(upper, roots) if "|" in upper else roots.text(upper)
        return Opened(_engine.overlay_store(store.prefixed(below), over.prefixed(above)), path)
    if scheme == "json":
        raise UrlError(f"{before}|{stage} is a JSON document and no node; zarrite.storage.read_json reads it")
    return _foreign(here, stage, before, options)


def _zip(here: Opened, *, read_only: bool) -> Store:
    """The archive that a file is; one of this machine can be changed."""
    from zarrite.stores.archives import zip_file, zip_over

    if not here.path:
        raise UrlError(f"{here.url} is no file; name the archive that 'zip:' opens")
    if not read_only and here.store.url.startswith("file://") and "|" not in here.store.url:
        return zip_file(file_path(here.url, here.url.removeprefix("file:")), read_only=False)[0]
    store, url = zip_over(here.store, here.path), f"{here.url}|zip:"
    return store if store.url == url else store.prefixed("", url)


def _name(here: Opened) -> str:
    return here.path.rpartition("/")[2] or "file"


def _file(store: Store, key: str, url: str) -> bytes:
    """All of a file, up to the limit."""
    size = store.size(key).result() if key else None
    if size is None:
        raise StoreNotFoundError(key, "there is no such file", 2, url)
    if size > unpack_limit_bytes:
        raise UrlError(f"{url} has {size} bytes; at most {unpack_limit_bytes} are read at once")
    raw = store.get(key).result()
    if raw is None:
        raise StoreNotFoundError(key, "there is no such file", 2, url)
    return raw


def _unpacked(here: Opened, scheme: str) -> Opened:
    """The file that a packed file holds, in memory."""
    raw = _file(here.store, here.path, here.url)
    try:
        plain = _engine.unpacked(raw, scheme, unpack_limit_bytes).result()
    except ValueError as error:
        raise UrlError(f"{here.url} cannot be unpacked by {scheme}: {error}") from None
    name = _name(here).removesuffix(".gz").removesuffix(".zst")
    url = f"{here.url}|{scheme}:"
    return Opened(_engine.memory_store({name: plain}, read_only=True, url=url), name)


class Window:
    """A part of a file, as a store of one object.

    Args:
        file: where the file is.
        start: the first byte.
        stop: one past the last.
    """

    read_only = True

    def __init__(self, file: Opened, start: int, stop: int) -> None:
        self.store, self.key, self.start, self.stop = file.store, file.path, start, stop
        self.url = f"{file.url}|byte-range:{start}-{stop}"
        self._name = _name(file)

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """The bytes of the part, or a range of them."""
        if key != self._name:
            return None
        length = self.stop - self.start
        first, last, _ = slice(start, stop).indices(length)
        return self.store.get(self.key, self.start + first, self.start + max(first, last)).result()

    def put(self, key: str, value: bytes) -> None:  # noqa: ARG002 - what stores have
        """Refused."""
        raise PermissionError(f"{self.url} is read-only")

    def delete(self, key: str) -> None:  # noqa: ARG002 - what stores have
        """Refused."""
        raise PermissionError(f"{self.url} is read-only")

    def list(self, prefix: str) -> list[str]:
        """The one name, where it begins so."""
        return [self._name] if self._name.startswith(prefix) else []


def _icechunk(stage: Stage, before: Pipeline, options: Mapping[str, Any] | None, read_only: bool) -> Store:
    from zarrite.stores.icechunk import icechunk_store

    place, told = before.root, dict(options or {})
    scheme, rest = scheme_of(place)
    if scheme == "memory":
        raise UrlError(f"{before}|{stage}: a repository lies in a directory or a bucket, and not in memory")
    if scheme in ("", "file"):
        place = os.path.abspath(file_path(place, rest) if scheme else place)
        place = place if "%" in escaped(place) else f"file://{place}"
    elif scheme.startswith("s3+"):
        found = urlsplit(place)
        place = f"s3:/{unescaped(found.path)}"
        told["endpoint_url"] = f"{scheme[3:]}://{found.netloc}"
    store = icechunk_store(place, stage.version, told)
    if read_only and not store.read_only:
        store = store.with_read_only()
    if not scheme.startswith("s3+"):
        return store
    version = store.url.rpartition("|")[2]
    return store.prefixed("", f"{before}|{version}")


def _foreign(here: Opened, stage: Stage, before: Pipeline, options: Mapping[str, Any] | None) -> Opened:
    """A stage that another package declares."""
    from importlib import metadata

    for point in metadata.entry_points(group="zarrite.url_adapters"):
        if point.name.lower() == stage.scheme:
            try:
                adapter = point.load()
            except Exception as error:
                raise UrlError(
                    f"the stage {stage.scheme!r} is declared by the entry point {point.value!r}, which cannot be "
                    f"loaded: {error}"
                ) from error
            found = adapter(StorePath(here.store, here.path), stage.body, storage_options=dict(options or {}))
            store, path = found if isinstance(found, tuple) else (found, "")
            if not isinstance(store, Store):
                store = _engine.python_store(store)
            return Opened(store, normalize_path(path))
    vendor = "; the package of its vendor may bring it" if "." in stage.scheme else ""
    known = ", ".join(f"{name}:" for name in ("zip", "icechunk", *FORMATS, "gzip", "zstd", "byte-range", "json"))
    raise UrlError(f"{before}|{stage}: nothing opens the stage {stage.scheme!r}{vendor}; known: {known}")
