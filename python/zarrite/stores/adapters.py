"""From a pipeline to a store: each stage is opened over the one before it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import StoreNotFoundError, UrlError
from zarrite.stores.paths import StorePath, escaped, file_path, join, join_url, normalize_path, scheme_of, unescaped
from zarrite.stores.pipelines import FORMATS, MAIN, OVERLAY, Pipeline, Stage, bound_format, is_chain, parse

__all__ = [
    "Opened",
    "bound_format",
    "file_of",
    "kept",
    "open_url",
    "options_of",
    "over",
    "read_json",
    "unpack_limit_bytes",
]

unpack_limit_bytes = 1 << 30
"""How large a file may become that a `gzip:` or `zstd:` stage unpacks in memory."""

REMOTE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https"))
"""The schemes of roots that lead to a network."""

REFUSED = {
    "ocdbt": "OCDBT databases are not read; tensorstore reads them and copies what is in them to Zarr",
    "neuroglancer-precomputed": "Neuroglancer's precomputed format is not read; tensorstore reads it and writes Zarr",
    "hdf5": "HDF5 is not read in place; `zarrite convert` makes Zarr of a file on this machine",
    "kerchunk": "references of kerchunk are not read; write them to an Icechunk repository with VirtualiZarr",
    **dict.fromkeys(
        ("tiff", "jpeg", "png", "bmp", "avif", "webp"),
        "images are not read in place; read them with imageio or tifffile and pass the array to zarrite.save",
    ),
    "nifti": "NIfTI is not read in place; read it with nibabel and pass the array to zarrite.save",
}
"""Stages that the grammar knows and nothing here opens, each with the way out."""


class Roots(NamedTuple):
    """What opens the places that are not opened here.

    Attributes:
        text: plain paths, `file:` and `memory:` URLs.
        thing: an object with a store's methods.
    """

    text: Callable[[str], tuple[Store, str]]
    thing: Callable[[Any], Store]


class Opened(NamedTuple):
    """What the stages so far have led to: a directory of objects, or one of them, at a path of a store.

    Attributes:
        store: where.
        path: a path in it.
        folder: opens the same place as a store whose root is the path, where there is a better way than a prefix.
    """

    store: Store
    path: str
    folder: Callable[[], tuple[Store, str]] | None = None

    @property
    def url(self) -> str:
        """How this place is written."""
        return join_url(self.store.url, self.path)


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
        options = _options_of(pipeline.root, options)
        if not pipeline.stages:
            return _from_fsspec(text, roots, options, read_only), ""
    store, path = _open(pipeline, roots, options, read_only)
    return kept(store, options), path


# The options that stores behind a network were opened with: who finds one again by its URL needs them.
_options: dict[str, dict[str, Any]] = {}


def kept(store: Store, options: Mapping[str, Any] | None) -> Store:
    """The store, whose options are remembered for whoever finds it again by its URL."""
    if options:
        _options[store.url] = dict(options)
    return store


def options_of(store: Store) -> dict[str, Any]:
    """The options that a pipeline was opened with, and that its URL does not say."""
    return _options.get(store.url, {})


def _open(pipeline: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> tuple[Store, str]:
    here = _come_to(pipeline, roots, options, read_only)
    return here.folder() if here.folder is not None else (here.store, here.path)


def _come_to(pipeline: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    for stage in pipeline.stages:
        if stage.scheme in REFUSED:
            raise UrlError(f"{pipeline}: {REFUSED[stage.scheme]}")
    here = _root(pipeline.root, roots, options, read_only)
    for place, stage in enumerate(pipeline.stages):
        before = Pipeline(pipeline.root, pipeline.stages[:place])
        here = _stage(here, stage, before, roots, options, read_only)
    return here


def file_of(place: Any, options: Mapping[str, Any] | None) -> tuple[Store, str] | None:
    """The store and the key of the object that a path or a URL names, if it names one.

    A place is a file or a directory, and only who looks knows which. `None` for what is no text and for what has
    stages, whose paths are within a store.
    """
    # A path of universal_pathlib may lead to a network.
    if isinstance(place, os.PathLike) and getattr(place, "protocol", "") in ("", "file", "local"):
        place = f"file://{escaped(os.path.abspath(os.fspath(place)))}"
    if not isinstance(place, str) or is_chain(place) or "|" in place:
        return None
    scheme = scheme_of(place)[0]
    if scheme not in ("", "file", *REMOTE) and not scheme.startswith("s3+"):
        return None
    store, path, _ = _root(place, Roots(_nothing, _nothing), options, read_only=True)
    return (store, path) if path else None


def _nothing(place: Any) -> Any:
    raise UrlError(f"{place!r} is no path")


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
        return kept(_zip(here), options)
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


# ---------------------------------------------------------------- roots


def _root(text: str, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    name, rest = scheme_of(text) if ":/" in text else ("", text)
    if name in ("", "file"):
        path = os.path.abspath(file_path(text, rest) if name else text)
        folder, file = os.path.split(path)
        store = _engine.local_store(folder, read_only=read_only)
        return Opened(store, file, lambda: roots.text(text))
    if name == "memory":
        return Opened(*roots.text(text))
    if name.startswith("s3+"):
        return _s3_of(text, name, options, read_only)
    if name in REMOTE:
        return _remote(text, options, read_only)
    if name == "zip" or not _known_to_fsspec(name):
        return Opened(*roots.text(text))
    above, _, file = text.rstrip("/").rpartition("/")
    if above.endswith(":/"):
        return Opened(_from_fsspec(text, roots, options, read_only), "")
    parent = _from_fsspec(above, roots, options, read_only)
    return Opened(parent, file, lambda: (_from_fsspec(text, roots, options, read_only), ""))


def _remote(text: str, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    """A place in a bucket or on a server: the folder it is in, and its name there."""
    from zarrite.stores.remote import remote_store

    found = urlsplit(text)
    parent, _, name = found.path.rstrip("/").rpartition("/")
    if not name:
        return Opened(remote_store(text, options, read_only=read_only), "")
    query = f"?{found.query}" if found.query else ""
    store = remote_store(f"{found.scheme}://{found.netloc}{parent}{query}", options, read_only=read_only)
    return Opened(store, unescaped(name), lambda: (remote_store(text, options, read_only=read_only), ""))


def _s3_of(text: str, scheme: str, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    """`s3+https://server/bucket/key`: a bucket of another server than Amazon's."""
    from zarrite.stores.remote import remote_store

    found = urlsplit(text)
    bucket, _, path = found.path.lstrip("/").partition("/")
    if scheme not in ("s3+http", "s3+https") or not found.netloc or not bucket:
        raise UrlError(
            f"{text!r} names no bucket; write s3+https://server/bucket/key, or s3+http:// without encryption"
        )
    twice = {"endpoint_url", "endpoint"} & set(options or {})
    if twice:
        raise UrlError(f"{text!r} names the server, and so does the option {twice.pop()!r}; leave one of them out")
    told = {**(options or {}), "endpoint_url": f"{scheme[3:]}://{found.netloc}"}
    whole = remote_store(f"s3://{bucket}", told, read_only=read_only)
    root = f"{scheme}://{found.netloc}/{bucket}"
    path = normalize_path(unescaped(path))
    parent, _, name = path.rpartition("/")
    return Opened(
        whole.prefixed(parent, join_url(root, parent)), name, lambda: (whole.prefixed(path, join_url(root, path)), "")
    )


def _known_to_fsspec(scheme: str) -> bool:
    try:
        known = import_module("fsspec.registry")
    except ImportError:
        return False
    return scheme in known.known_implementations or scheme in known.registry


def _options_of(root: str, options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The options of a chain's root: fsspec's users put them under the name of each part."""
    scheme = scheme_of(root)[0]
    nested = (options or {}).get(scheme)
    return nested if scheme and isinstance(nested, Mapping) else options


def _from_fsspec(text: str, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> Store:
    """What fsspec reaches, which prints itself as it was written."""
    if text.startswith(("reference://", "reference::")):
        raise UrlError(f"{text}: {REFUSED['kerchunk']}")
    from zarrite.stores.filesystems import from_fsspec_url

    found = from_fsspec_url(text, options, read_only=read_only)
    return (found if isinstance(found, Store) else roots.thing(found)).prefixed("", text)


# ---------------------------------------------------------------- stages


def _stage(
    here: Opened, stage: Stage, before: Pipeline, roots: Roots, options: Mapping[str, Any] | None, read_only: bool
) -> Opened:
    scheme, body = stage.scheme, stage.body
    if scheme in FORMATS:
        store, path = here.folder() if here.folder else (here.store, here.path)
        return Opened(store, join(path, body))
    if scheme == "zip":
        return Opened(_zip(here), body)
    if scheme in ("gzip", "zstd"):
        return _unpacked(here, scheme)
    if scheme == "byte-range":
        start, stop = map(int, body.split("-"))
        return Opened(_engine.python_store(Window(here.store, here.path, start, stop)), _name(here))
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


def _zip(here: Opened) -> Store:
    if not here.path:
        raise UrlError(f"{here.url} is no file; name the archive that 'zip:' opens")
    opener, url = _other("archives", "zip_over"), f"{here.url}|zip:"
    if opener is not None:
        store: Store = opener(here.store, here.path)
        return store if store.url == url else store.prefixed("", url)
    if here.store.url.startswith("file://") and "|" not in here.store.url:
        return _engine.zip_store(file_path(here.url, here.url.removeprefix("file:"))).prefixed("", url)
    raise UrlError(f"{here.url}: archives are read from files of this machine; copy it there")


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
        store: where the file is.
        key: its key.
        start: the first byte.
        stop: one past the last.
    """

    read_only = True

    def __init__(self, store: Store, key: str, start: int, stop: int) -> None:
        self.store, self.key, self.start, self.stop = store, key, start, stop
        self.url = f"{join_url(store.url, key)}|byte-range:{start}-{stop}"
        self._name = key.rpartition("/")[2] or "file"

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


def _other(module: str, name: str) -> Any:
    """A function of another file of this folder, where that is there."""
    whole = f"zarrite.stores.{module}"
    try:
        return getattr(import_module(whole), name)
    except ModuleNotFoundError as error:
        if error.name != whole:
            raise
        return None
