"""Stores on a network: from a URL and the options people type to the engine's settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from zarrite import _engine
from zarrite._engine import Store
from zarrite.errors import UrlError

__all__ = ["SCHEMES", "remote_path", "remote_store"]

SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https")
"""The schemes that lead to a network."""

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


def remote_store(url: str, options: Mapping[str, Any] | None = None, *, read_only: bool = False) -> tuple[Store, str]:
    """The store and the path in it that a URL names: the bucket, the container or the server, and the rest.

    Credentials and endpoints that `options` does not set are taken from the environment, as the tools of each cloud do.

    Args:
        url: `s3://bucket/path`, `gs://bucket/path`, `az://container/path` or `https://server/path`.
        options: by the names that fsspec's users type (`anon`, `key`, `secret`, `endpoint_url`, ...) or the clouds' own.
        read_only: give a store that refuses writes.

    Raises:
        UrlError: a URL without a bucket, or an option that this kind of store has not.
    """
    found = urlsplit(url)
    scheme = found.scheme.lower()
    if not found.netloc:
        raise UrlError(f"{url!r} names no {'server' if scheme.startswith('http') else 'bucket'}; write it behind the '//'")
    if found.query or found.fragment:
        raise UrlError(f"{url!r}: what follows '?' or '#' would be lost for the keys below it; pass options instead")
    web = scheme.startswith("http")
    settings = _settings(scheme, url, options or {})
    # A web server is only read.
    store = _engine.remote_store(
        f"{scheme}://{found.netloc}", settings, from_environment=not web, read_only=read_only or web
    )
    return store, remote_path(url)


def remote_path(url: str) -> str:
    """The path below the bucket, the container or the server."""
    path = url.partition("://")[2].partition("/")[2].strip("/")
    return unquote(path) if url.lower().startswith("http") else path


def _settings(scheme: str, url: str, options: Mapping[str, Any]) -> dict[str, str]:
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
