"""Stores on a network: from a URL and the options people type to the engine's settings."""

from __future__ import annotations

import hashlib
import os
import threading
from base64 import b64encode
from collections.abc import Mapping
from operator import itemgetter
from typing import Any
from urllib.parse import unquote, urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError
from zarrite.stores.caching import cached_as_asked
from zarrite.stores.paths import normalize_path, unescaped
from zarrite.stores.remote_options import kind_of, told

__all__ = ["options_of", "place_name", "remote_store"]

# Buckets, containers and servers of this process, by what leads to them: who asks again gets their connections.
_lock = threading.Lock()
_roots: dict[tuple[object, ...], Store] = {}
_options: dict[str, dict[str, Any]] = {}

# What the environment says of each kind of place.
_ENVIRONMENT = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}


def remote_store(url: str, options: Mapping[str, Any] | None = None, *, read_only: bool = False) -> Store:
    """The store whose root is the place that a URL names.

    Credentials and endpoints that `options` does not set are taken from the environment, as the tools of each cloud do.

    Args:
        url: `s3://bucket/path`, `gs://bucket/path`, `az://container/path` or `https://server/path`.
        options: by the names that fsspec's users type (`anon`, `key`, `secret`, `endpoint_url`, ...) or the clouds';
            and `missing_status`, `timeout`, `connect_timeout`, `retries`, `retry_timeout`, `sign`, `credentials`;
            `cache` keeps what is read: `True`, or the keywords of `zarrite.storage.CacheStore`.
        read_only: give a store that refuses writes.

    Raises:
        UrlError: a URL without a bucket, or an option that this kind of store has not.
    """
    found = urlsplit(url)
    scheme = found.scheme.lower()
    web = scheme.startswith("http")
    if not found.netloc:
        raise UrlError(f"{url!r} names no {'server' if web else 'bucket'}; write it behind the '//'")
    given = {name: value for name, value in (options or {}).items() if value is not None}
    # What is kept of a place does not change which place it is.
    cache = given.pop("cache", None)
    netloc = found.netloc
    if web:
        # What follows the '?' goes with every key; who may read is no part of the place's name.
        if found.query:
            given["query"] = "&".join(filter(None, (found.query, str(given.get("query", "")).lstrip("?"))))
        user, at, netloc = found.netloc.rpartition("@")
        if at:
            headers = {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"}
            given["headers"] = headers | dict(given.get("headers") or {})
    if found.fragment or (found.query and not web):
        raise UrlError(f"{url!r}: what follows '?' or '#' would be lost for the keys below it; pass options instead")
    # A web server is only read.
    read_only = read_only or web
    root = f"{scheme}://{netloc}"
    kind = kind_of(scheme)
    start = _ENVIRONMENT.get(kind)
    surroundings = [pair for pair in os.environ.items() if start and pair[0].startswith(start)]
    # Functions are told apart by what they are and not by what they do.
    distinct = repr((sorted(given.items(), key=itemgetter(0)), sorted(surroundings)))
    key = (root, read_only, f"{distinct} {cache!r}")
    with _lock:
        store = _roots.get(key)
    if store is None:
        settings = told(scheme, given)
        store = _engine.remote_store(
            root,
            settings.options,
            settings.rules,
            sign=settings.functions.get("sign"),
            credentials=settings.functions.get("credentials"),
            distinct=distinct,
            from_environment=not web,
            read_only=read_only,
        )
        with _lock:
            _options[store.identity] = {**given, "cache": cache} if cache else given
        if cache:
            store = cached_as_asked(store, cache, place_name(store))
        with _lock:
            store = _roots.setdefault(key, store)
    path = normalize_path(unescaped(found.path))
    return store.prefixed(path) if path else store


# Who may read, and how, is no part of which place is meant.
_PERSONAL = (
    "key",
    "secret",
    "token",
    "credential",
    "sas",
    "anon",
    "skip_signature",
    "headers",
    "sign",
    "profile",
    "cache",
)


def place_name(store: Store) -> str:
    """Names a store on a network for every process of this machine; "" for any other store."""
    options = _known_options(store)
    if options is None:
        return ""
    plain = {name: value for name, value in options.items() if not any(word in name for word in _PERSONAL)}
    words = ("ENDPOINT", "ACCOUNT_NAME", "STORAGE_ACCOUNT")
    around = {name: value for name, value in os.environ.items() if name.endswith(words)}
    digest = hashlib.sha256(repr((sorted(plain.items()), sorted(around.items()))).encode()).hexdigest()[:16]
    return f"{store.url}#{digest}"


def options_of(store: Store) -> dict[str, Any]:
    """The options a store on a network was opened with."""
    return _known_options(store) or {}


def _known_options(store: Store) -> dict[str, Any] | None:
    with _lock:
        return next((given for root, given in _options.items() if f"{store.identity}/".startswith(f"{root}/")), None)
