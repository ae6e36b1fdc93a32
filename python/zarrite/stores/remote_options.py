"""What people type as `storage_options`, by kind of place, and the engine's names for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from zarrite.errors import UrlError, meant
from zarrite.stores.profiles import of_profile

__all__ = ["Told", "kind_of", "told"]


class Told(NamedTuple):
    """Options in the engine's words.

    Attributes:
        options: what the kind of place knows.
        rules: how requests are made.
        functions: who signs each request (`sign`) and who lends credentials (`credentials`).
    """

    options: dict[str, str]
    rules: dict[str, str]
    functions: dict[str, Callable[..., Any]]


_RULES = ("timeout", "connect_timeout", "retries", "retry_timeout", "missing_status")
"""How requests are made, for every kind of place."""

# What fsspec's users type, and the engine's name for it. Every name on the right may be typed too.
_S3 = {
    "key": "access_key_id",
    "username": "access_key_id",
    "aws_access_key_id": "access_key_id",
    "secret": "secret_access_key",
    "password": "secret_access_key",
    "aws_secret_access_key": "secret_access_key",
    "token": "session_token",
    "aws_session_token": "session_token",
    "endpoint_url": "endpoint",
    "aws_endpoint_url": "endpoint",
    "region_name": "region",
    "aws_region": "region",
    "anon": "skip_signature",
    "requester_pays": "request_payer",
}
_GOOGLE = {"anon": "skip_signature", "endpoint_url": "base_url"}
_AZURE = {
    "anon": "skip_signature",
    "endpoint_url": "endpoint",
    "account_host": "endpoint",
    "azure_storage_account_name": "account_name",
    "azure_storage_account_key": "account_key",
}
_CLIENT = (
    "allow_http",
    "allow_invalid_certificates",
    "http1_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "user_agent",
)
_MORE = {
    "s3": (
        "bucket",
        "checksum_algorithm",
        "conditional_put",
        "default_region",
        "disable_bulk_delete",
        "imdsv1_fallback",
        "metadata_endpoint",
        "role_arn",
        "s3_express",
        "server_side_encryption",
        "sse_bucket_key_enabled",
        "sse_customer_key_base64",
        "sse_kms_key_id",
        "unsigned_payload",
        "virtual_hosted_style_request",
        "web_identity_token_file",
    ),
    "gs": ("application_credentials", "bearer_token", "service_account_key", "service_account_path"),
    "az": (
        "account_key",
        "account_name",
        "authority_host",
        "bearer_token",
        "client_id",
        "client_secret",
        "federated_token_file",
        "msi_endpoint",
        "sas_token",
        "tenant_id",
        "use_azure_cli",
        "use_emulator",
    ),
    "http": (),
}
# Words that are told in a way of their own, below.
_OWN = {
    "s3": ("profile", "use_ssl", "addressing_style", "client_kwargs", "config_kwargs", "verify"),
    "gs": ("token", "project", "requester_pays"),
    "az": ("connection_string", "credential"),
    "http": ("headers", "client_kwargs", "query"),
}
# fsspec's words for its own caches, threads and loops: there is nothing here that they could change.
_UNUSED = frozenset(
    (
        "access",
        "asynchronous",
        "batch_size",
        "block_size",
        "cache_options",
        "cache_regions",
        "cache_timeout",
        "cache_type",
        "check_connection",
        "consistency",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
        "dircache",
        "fixed_upload_size",
        "listings_expiry_time",
        "loop",
        "max_block_size",
        "max_concurrency",
        "max_paths",
        "s3_additional_kwargs",
        "session_kwargs",
        "simple_links",
        "skip_instance_cache",
        "trust_env",
        "use_listings_cache",
        "version_aware",
    )
)


def kind_of(scheme: str) -> str:
    """The kind of place behind a scheme: "s3", "gs", "az" or "http"."""
    if scheme in ("s3", "s3a"):
        return "s3"
    if scheme in ("gs", "gcs"):
        return "gs"
    return "http" if scheme in ("http", "https") else "az"


def told(scheme: str, given: Mapping[str, Any]) -> Told:
    """Options in the engine's words.

    Raises:
        UrlError: an option that this kind of place has not, or a value that none has.
    """
    kind = kind_of(scheme)
    names: dict[str, str] = {"s3": _S3, "gs": _GOOGLE, "az": _AZURE, "http": {}}[kind]
    known = {*names.values(), *_MORE[kind], *_CLIENT}
    words = Told({}, {}, {})
    options, rules, functions = words
    special: dict[str, Any] = {}
    for name, value in given.items():
        plain = names.get(name, name)
        if name in ("sign", "credentials"):
            if value is not None and not callable(value):
                raise UrlError(f"storage_options: {name} is a function, not {type(value).__name__}")
            if value is not None:
                functions[name] = value
        elif name in _UNUSED:
            continue
        elif name in _RULES:
            if value is not None:
                rules[name] = _rule(name, value)
        elif name in _OWN[kind]:
            special[name] = value
        elif plain not in known:
            raise UrlError(_unknown(scheme, name, {*names, *known, *_OWN[kind], *_RULES, "sign", "credentials"}))
        elif value is not None:
            options[plain] = _text(name, value)
    {"s3": _s3, "gs": _google, "az": _azure, "http": _http}[kind](special, words)
    if "sign" in functions and kind != "http":
        # One signature is enough.
        options["skip_signature"] = "true"
    return words


def _unknown(scheme: str, name: str, known: set[str]) -> str:
    ways = meant(name, sorted(known)) or f"; it has {', '.join(sorted(known))}"
    return f"storage_options: {scheme}:// has no option {name!r}{ways}"


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | os.PathLike):
        return str(os.fspath(value)) if isinstance(value, os.PathLike) else str(value)
    # The value may be a secret: it is not repeated.
    raise UrlError(f"storage_options: {name} is a text, a number or a truth, not {type(value).__name__}")


def _rule(name: str, value: object) -> str:
    if name == "missing_status" and isinstance(value, set | frozenset | list | tuple):
        return ",".join(sorted(map(str, value)))
    return _text(name, value)


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UrlError(f"storage_options: {name} is a mapping, not {type(value).__name__}")
    return value


def _s3(special: dict[str, Any], words: Told) -> None:
    options, rules, functions = words
    for name, value in _mapping("client_kwargs", special.get("client_kwargs")).items():
        if name in ("verify", "use_ssl"):
            special.setdefault(name, value)
        elif name in _S3:
            options.setdefault(_S3[name], _text(name, value))
        else:
            raise UrlError(_unknown("s3", f"client_kwargs.{name}", {f"client_kwargs.{known}" for known in _S3}))
    for name, value in _mapping("config_kwargs", special.get("config_kwargs")).items():
        _s3_config(name, value, special, options, rules)
    if special.get("verify") is False:
        options["allow_invalid_certificates"] = "true"
    style = special.get("addressing_style")
    if style is not None:
        if style not in ("path", "virtual", "auto"):
            raise UrlError(f"storage_options: addressing_style is 'path', 'virtual' or 'auto', not {style!r}")
        options["virtual_hosted_style_request"] = "true" if style == "virtual" else "false"
    environment = os.environ
    asked = special.get("profile")
    has_keys = "access_key_id" in options or "AWS_ACCESS_KEY_ID" in environment
    has_other = "AWS_WEB_IDENTITY_TOKEN_FILE" in environment or options.get("skip_signature") == "true"
    if asked or not (has_keys or has_other or functions):
        for name, value in of_profile(asked).items():
            options.setdefault(name, value)
    endpoint = (
        options.get("endpoint") or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL", "")
    )
    endpoint = endpoint or ""
    if endpoint and "://" not in endpoint:
        endpoint = f"{'http' if special.get('use_ssl') is False else 'https'}://{endpoint}"
    if endpoint:
        options["endpoint"] = endpoint
    if endpoint.startswith("http://"):
        options.setdefault("allow_http", "true")
    if endpoint and not {"AWS_REGION", "AWS_DEFAULT_REGION"} & set(environment):
        # Servers other than Amazon's do not care, and signing needs one.
        options.setdefault("region", "us-east-1")


def _s3_config(name: str, value: Any, special: dict[str, Any], options: dict[str, str], rules: dict[str, str]) -> None:
    """One of botocore's `Config`."""
    if name == "s3":
        style = _mapping("config_kwargs.s3", value).get("addressing_style")
        special.setdefault("addressing_style", style)
    elif name == "signature_version":
        if "UNSIGNED" in repr(value).upper():
            options["skip_signature"] = "true"
    elif name == "read_timeout":
        rules.setdefault("timeout", _text(name, value))
    elif name == "connect_timeout":
        rules.setdefault("connect_timeout", _text(name, value))
    elif name == "region_name":
        options.setdefault("region", _text(name, value))
    elif name == "retries":
        most = _mapping("config_kwargs.retries", value).get("max_attempts")
        if most is not None:
            rules.setdefault("retries", _text(name, most))
    elif name not in ("max_pool_connections", "tcp_keepalive", "user_agent", "user_agent_extra"):
        raise UrlError(f"storage_options: config_kwargs.{name} would not be heeded")


def _google(special: dict[str, Any], words: Told) -> None:
    options, rules, _ = words
    token = special.get("token")
    match token:
        case None | "google_default" | "cloud":
            pass
        case "anon":
            options["skip_signature"] = "true"
        case "cache" | "browser":
            raise UrlError(
                f"storage_options: token={token!r} asks a person; use 'google_default', or a function as `credentials`"
            )
        case Mapping():
            options["service_account_key"] = json.dumps(dict(token))
        case str() | os.PathLike() if os.path.isfile(token):
            options["application_credentials"] = os.fspath(token)
        case _:
            # It may be a secret: it is not repeated.
            raise UrlError(
                "storage_options: token is 'anon', 'google_default', 'cloud', a mapping or an existing file; "
                "for tokens of your own pass a function as `credentials` that gives {'token': ..., 'expires': ...}"
            )
    payer = special.get("requester_pays")
    if payer is True and not special.get("project"):
        raise UrlError("storage_options: requester_pays needs a project, which pays")
    if payer:
        rules["header:x-goog-user-project"] = str(special["project"] if payer is True else payer)
    if options.get("base_url", "").startswith("http://"):
        options.setdefault("allow_http", "true")


def _azure(special: dict[str, Any], words: Told) -> None:
    options, _, functions = words
    text = special.get("connection_string")
    if text is not None:
        parts = dict(part.split("=", 1) for part in str(text).strip(";").split(";") if "=" in part)
        found = {
            "account_name": parts.get("AccountName"),
            "account_key": parts.get("AccountKey"),
            "sas_token": parts.get("SharedAccessSignature"),
            "endpoint": parts.get("BlobEndpoint"),
        }
        suffix = parts.get("EndpointSuffix")
        if not found["endpoint"] and suffix and suffix != "core.windows.net" and found["account_name"]:
            protocol = parts.get("DefaultEndpointsProtocol", "https")
            found["endpoint"] = f"{protocol}://{found['account_name']}.blob.{suffix}"
        for name, value in found.items():
            if value:
                options.setdefault(name, value)
    credential = special.get("credential")
    if isinstance(credential, str):
        options.setdefault("sas_token" if "sig=" in credential else "account_key", credential)
    elif hasattr(credential, "get_token"):
        functions.setdefault("credentials", _TokenOf(credential))
    elif callable(credential):
        functions.setdefault("credentials", credential)
    elif credential is not None:
        raise UrlError(
            "storage_options: a credential is a text, a function, or has get_token, "
            f"which {type(credential).__name__} has not"
        )
    if options.get("endpoint", "").startswith("http://") or options.get("use_emulator") == "true":
        options.setdefault("allow_http", "true")


class _TokenOf:
    """Asks a credential of the package azure-identity (sync or async) for a token."""

    def __init__(self, credential: Any) -> None:
        self.credential = credential

    def __call__(self) -> Any:
        return self.credential.get_token("https://storage.azure.com/.default")


def _http(special: dict[str, Any], words: Told) -> None:
    rules = words.rules
    nested = dict(_mapping("client_kwargs", special.get("client_kwargs")))
    headers = {
        **_mapping("client_kwargs.headers", nested.pop("headers", None)),
        **_mapping("headers", special.get("headers")),
    }
    nested = {name: value for name, value in nested.items() if name not in _UNUSED and value is not None}
    if nested:
        raise UrlError(
            f"storage_options: client_kwargs.{', client_kwargs.'.join(sorted(nested))} would not be heeded; "
            "of client_kwargs, headers are known"
        )
    for name, value in headers.items():
        rules[f"header:{name}"] = str(value)
    if special.get("query"):
        rules["query"] = str(special["query"]).lstrip("?")
