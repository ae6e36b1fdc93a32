"""Stores on a network: from a URL and the options people type to the engine's settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError
from zarrite.stores.paths import normalize_path

__all__ = ["options_of", "remote_store"]

# Buckets, containers and servers of this process, by what leads to them: who asks again gets their connections.
_lock = threading.Lock()
_roots: dict[tuple[str, bool, str], Store] = {}
_options: dict[str, dict[str, Any]] = {}

# What fsspec's users type, by kind of store, and the engine's name for it.
_S3 = {
    "key": "access_key_id",
    "secret": "secret_access_key",
    "token": "session_token",
    "endpoint_url": "endpoint",
    "region_name": "region",
    "anon": "skip_signature",
    "requester_pays": "request_payer",
}
_GOOGLE = {"anon": "skip_signature", "token": "service_account_path", "endpoint_url": "base_url"}
_AZURE = {
    "anon": "skip_signature",
    "account_name": "account_name",
    "account_key": "account_key",
    "sas_token": "sas_token",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "endpoint_url": "endpoint",
}
# fsspec hands these on to the client libraries below it; here they are said directly.
_NESTED = ("client_kwargs", "config_kwargs", "client_options")


def remote_store(url: str, options: Mapping[str, Any] | None = None, *, read_only: bool = False) -> Store:
    """The store whose root is the place that a URL names.

    Credentials and endpoints that `options` does not set are taken from the environment, as the tools of each cloud do.

    Args:
        url: `s3://bucket/path`, `gs://bucket/path`, `az://container/path` or `https://server/path`.
        options: by the names that fsspec's users type (`anon`, `key`, `secret`, `endpoint_url`, ...) or the clouds';
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
    if found.query or found.fragment:
        raise UrlError(f"{url!r}: what follows '?' or '#' would be lost for the keys below it; pass options instead")
    # A web server is only read.
    read_only = read_only or web
    root = f"{scheme}://{found.netloc}"
    key = (root, read_only, repr(sorted((options or {}).items())))
    with _lock:
        store = _roots.get(key)
    if store is None:
        asked = dict(options or {})
        cache = asked.pop("cache", None)
        store = _engine.remote_store(
            root, _settings(scheme, asked), from_environment=not web, read_only=read_only
        )
        if cache:
            from zarrite.stores.caching import cached_as_asked

            store = cached_as_asked(store, cache)
        with _lock:
            store = _roots.setdefault(key, store)
            _options[store.identity] = dict(options or {})
    path = normalize_path(unquote(found.path) if web else url.partition("://")[2].partition("/")[2])
    return store.prefixed(path) if path else store


def options_of(store: Store) -> dict[str, Any]:
    """The options a store on a network was opened with."""
    with _lock:
        return next((options for root, options in _options.items() if f"{store.identity}/".startswith(f"{root}/")), {})


def _settings(scheme: str, options: Mapping[str, Any]) -> dict[str, str]:
    names = _S3 if scheme.startswith("s3") else _GOOGLE if scheme.startswith("g") else _AZURE
    if scheme.startswith("http"):
        names = {}
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if name in _NESTED and isinstance(value, Mapping):
            flat.update(value)
        else:
            flat[name] = value
    settings = {names.get(name, name): _text(value) for name, value in flat.items() if value is not None}
    endpoint = settings.get("endpoint") or (os.environ.get("AWS_ENDPOINT_URL", "") if scheme.startswith("s3") else "")
    if endpoint.startswith("http://"):
        settings.setdefault("allow_http", "true")
    if scheme.startswith("s3") and endpoint and not {"AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ):
        # Servers other than Amazon's do not care, and signing needs one.
        settings.setdefault("region", "us-east-1")
    return settings


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
