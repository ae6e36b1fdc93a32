"""Profiles of the AWS tools: the files `~/.aws/config` and `~/.aws/credentials`."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from zarrite.errors import UrlError

__all__ = ["of_profile"]

_ROLE = ("role_arn", "sso_session", "sso_start_url", "credential_process", "source_profile", "login_session")


def of_profile(name: str | None) -> dict[str, str]:
    """The engine's options of a profile; of the one the environment names, or the default one, for `None`.

    Nothing when no profile is named and no file has a default one.

    Raises:
        UrlError: the profile is in neither file, or its keys come from a program or a role.
    """
    asked = name or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    wanted = asked or "default"
    config = _file("AWS_CONFIG_FILE", "config")
    keys = _file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    section = wanted if wanted == "default" else f"profile {wanted}"
    found: dict[str, str] = {}
    for file, title in ((config, section), (keys, wanted)):
        if file.has_section(title):
            found |= dict(file.items(title))
    if not found:
        if asked:
            raise UrlError(f"the profile {asked!r} is neither in ~/.aws/config nor in ~/.aws/credentials")
        return {}
    options = {
        "access_key_id": found.get("aws_access_key_id"),
        "secret_access_key": found.get("aws_secret_access_key"),
        "session_token": found.get("aws_session_token"),
        "region": found.get("region"),
        "endpoint": found.get("endpoint_url"),
    }
    lacks = not (options["access_key_id"] and options["secret_access_key"])
    other = next((word for word in _ROLE if word in found), None)
    if lacks and other:
        raise UrlError(
            f"the keys of the profile {wanted!r} come from {other}, which zarrite does not run; lend them: "
            "storage_options={'credentials': function}, where the function gives boto3's "
            "(see 'Read from S3 and other object stores' in the documentation)"
        )
    return {name: value for name, value in options.items() if value}


def _file(variable: str, name: str) -> configparser.RawConfigParser:
    """A file of the AWS tools; empty when there is none."""
    place = os.environ.get(variable)
    path = Path(place).expanduser() if place else Path.home() / ".aws" / name
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, RuntimeError):
        pass
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UrlError(f"{path} cannot be read as a file of profiles: {error.__class__.__name__}") from None
    return parser
