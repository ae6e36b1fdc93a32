"""What is before the first stage of a pipeline: files, memory, buckets and servers, and what only fsspec reaches."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError
from zarrite.stores.paths import escaped, file_path, join_url, normalize_path, scheme_of, unescaped
from zarrite.stores.pipelines import FILES, is_chain

__all__ = ["KERCHUNK", "Opened", "Roots", "file_of", "from_fsspec", "kept", "options_in", "options_of", "root_of"]

KERCHUNK = "references of kerchunk are not read; write them to an Icechunk repository with VirtualiZarr"
"""The way out for who has references of kerchunk."""

REMOTE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https"))
"""The schemes of roots that lead to a network."""


class Roots(NamedTuple):
    """What opens the places that are not opened here.

    Attributes:
        text: plain paths, `file:` and `memory:` URLs.
    """

    text: Callable[[str], tuple[Store, str]]


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
        """How this place is written. The file that a file became has no name of its own."""
        last = self.store.url.rpartition("|")[2].partition(":")[0]
        return self.store.url if last in FILES else join_url(self.store.url, self.path)


# The options that stores behind a network were opened with: who finds one again by its URL needs them.
_options: dict[str, dict[str, Any]] = {}


def kept(store: Store, options: Mapping[str, Any] | None) -> Store:
    """The store, whose options are remembered for whoever finds it again by its URL."""
    if options:
        _options[store.url] = dict(options)
    return store


def options_of(store: Store) -> dict[str, Any]:
    """The options that a pipeline was opened with, and that its URL does not say."""
    url = store.url
    return next((options for place, options in _options.items() if url.startswith(place)), {})


def root_of(text: str, roots: Roots, options: Mapping[str, Any] | None, read_only: bool) -> Opened:
    """The place that the root of a pipeline names.

    Args:
        text: a path or a URL.
        roots: opens what is not opened here.
        options: the options of the place.
        read_only: give a store that refuses writes.
    """
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
        return Opened(from_fsspec(text, options, read_only), "")
    parent = from_fsspec(above, options, read_only)
    return Opened(parent, file, lambda: (from_fsspec(text, options, read_only), ""))


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


def options_in(root: str, options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The options of a chain's root: fsspec's users put them under the name of each part."""
    scheme = scheme_of(root)[0]
    nested = (options or {}).get(scheme)
    return nested if scheme and isinstance(nested, Mapping) else options


def from_fsspec(text: str, options: Mapping[str, Any] | None, read_only: bool) -> Store:
    """What fsspec reaches, which prints itself as it was written."""
    from zarrite.stores.filesystems import from_fsspec_url

    return from_fsspec_url(text, options, read_only=read_only).prefixed("", text)


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
    store, path, _ = root_of(place, Roots(_nothing), options, read_only=True)
    return (store, path) if path else None


def _nothing(place: Any) -> Any:
    raise UrlError(f"{place!r} is no path")
