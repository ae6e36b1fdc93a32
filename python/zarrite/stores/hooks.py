"""What functions of the program give the engine: signed requests and lent credentials, in the forms it takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC
from typing import Any

__all__ = ["lent", "signed"]


def signed(answer: object) -> tuple[str | None, list[tuple[str, str]]]:
    """The URL (`None` to keep it) and the headers of a request, as a function `sign` gave them.

    Raises:
        TypeError: it gave neither a URL, nor headers, nor both.
    """
    url: object = None
    headers: object = {}
    match answer:
        case None:
            pass
        case str():
            url = answer
        case Mapping():
            headers = answer
        case (one, other):
            url, headers = one, other
        case _:
            url = 0
    if not (url is None or isinstance(url, str)) or not isinstance(headers, Mapping):
        raise TypeError(
            "`sign` gives a URL, headers as a mapping, or both as a tuple (url, headers); "
            f"this one gave {type(answer).__name__}"
        )
    return url, [(str(name), str(value)) for name, value in headers.items()]


# What the libraries of the clouds call the parts of a credential.
_KEY = ("access_key_id", "aws_access_key_id", "accessKeyId", "AccessKeyId", "key")
_SECRET = ("secret_access_key", "aws_secret_access_key", "secretAccessKey", "SecretAccessKey", "secret")
_TOKEN = ("token", "session_token", "aws_session_token", "sessionToken", "SessionToken", "Token")
_ENDS = ("expires", "expires_at", "expires_on", "expiration", "Expiration", "expiry_time")


def lent(answer: object) -> tuple[str, str, str | None, float | None]:
    """Key, secret, token and the seconds that they hold, as a function `credentials` gave them.

    Raises:
        TypeError: it gave no mapping, or one without a key or a token.
    """
    if not isinstance(answer, Mapping) and hasattr(answer, "token") and hasattr(answer, "expires_on"):
        answer = {"token": answer.token, "expires": answer.expires_on}  # a token of azure-identity
    if not isinstance(answer, Mapping):
        raise TypeError(
            "`credentials` gives a mapping with access_key_id, secret_access_key, token and expires; "
            f"this one gave {type(answer).__name__}"
        )

    def found(names: tuple[str, ...]) -> Any:
        return next((answer[name] for name in names if answer.get(name) is not None), None)

    key, secret, token = found(_KEY), found(_SECRET), found(_TOKEN)
    if token is None and (key is None or secret is None):
        raise TypeError(
            "`credentials` gave neither access_key_id and secret_access_key nor token; "
            f"it gave {', '.join(sorted(map(str, answer))) or 'nothing'}"
        )
    return str(key or ""), str(secret or ""), None if token is None else str(token), _lasts(found(_ENDS))


def _lasts(ends: Any) -> float | None:
    """Seconds from now until a time: a number of seconds since 1970, a text, or a `datetime`."""
    if ends is None:
        return None
    if isinstance(ends, str):
        from datetime import datetime

        ends = datetime.fromisoformat(ends)
    if not isinstance(ends, int | float):
        if ends.tzinfo is None:
            ends = ends.replace(tzinfo=UTC)
        ends = ends.timestamp()
    return max(float(ends) - time.time(), 0.0)
