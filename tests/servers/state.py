"""What a server holds, and the way from a request to the thing it is about."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from servers.http1 import Reply, Request
from servers.knobs import Knobs
from servers.ledger import Ledger
from servers.objects import Bucket
from servers.refusals import RefusalError

DOMAINS = (".s3.localhost", ".localhost")
"""What a host's name ends with when it starts with a bucket's."""

MOST_KEY = 1024
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/|^AWS ([^:]+):")
_SUBRESOURCES = {
    "acl",
    "attributes",
    "cors",
    "encryption",
    "lifecycle",
    "policy",
    "replication",
    "restore",
    "select",
    "tagging",
    "torrent",
    "versioning",
    "versions",
    "website",
}


@dataclass(slots=True)
class Upload:
    """A multipart upload that is not complete: parts by number."""

    bucket: str
    key: str
    headers: dict[str, str]
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """Everything that requests read and change."""

    first: str
    knobs: Knobs = field(default_factory=Knobs)
    ledger: Ledger = field(default_factory=Ledger)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.buckets.setdefault(self.first, Bucket())

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name."""
        found = self.buckets.get(name)
        if found is None:
            raise RefusalError("NoSuchBucket")
        return found


Operation = Callable[[State, Request], Reply]


def place(request: Request, plain: str) -> None:
    """Finds bucket, key and operation of a request; `plain` names the bucket that a plain web server serves."""
    if plain:
        request.bucket, request.key = plain, unescaped(request.path[1:])
        request.operation = {"GET": "PlainGet", "HEAD": "PlainHead"}.get(request.method, "")
        return
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    path = request.path[1:]
    for domain in DOMAINS:
        if host.endswith(domain):
            request.bucket = host.removesuffix(domain)
            break
    else:
        request.bucket, _, path = path.partition("/")
    request.key = unescaped(path)
    request.operation = _operation(request)


def unescaped(escaped: str) -> str:
    """A key out of its escaped form; bytes that are no text stay as surrogates and are refused later."""
    if "%" not in escaped and escaped.isascii():
        return escaped
    return unquote(escaped.encode("latin-1").decode("utf-8", "surrogateescape"), errors="surrogateescape")


def _operation(request: Request) -> str:
    """The name that S3 gives to what is asked for; empty when there is none here."""
    query, method = request.query, request.method
    if query and _SUBRESOURCES & query.keys():
        return ""
    if request.key:
        if "uploadId" in query or "uploads" in query:
            if method == "PUT":
                return "UploadPartCopy" if "x-amz-copy-source" in request.headers else "UploadPart"
            if method == "POST":
                return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"
            return {"GET": "ListParts", "DELETE": "AbortMultipartUpload"}.get(method, "")
        if method == "PUT":
            return "CopyObject" if "x-amz-copy-source" in request.headers else "PutObject"
        return {"GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(method, "")
    if not request.bucket:
        return "ListBuckets" if method == "GET" else ""
    if method == "GET":
        if "location" in query:
            return "GetBucketLocation"
        if "uploads" in query:
            return "ListMultipartUploads"
        return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
    if method == "POST":
        return "DeleteObjects" if "delete" in query else ""
    return {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(method, "")


def admit(state: State, request: Request) -> None:
    """Refuses who may not come in, and keys that cannot be."""
    knobs = state.knobs
    headers = request.headers
    if knobs.access_key:
        found = _CREDENTIAL.search(headers.get("authorization", ""))
        key = (found[1] or found[2]) if found else request.query.get("X-Amz-Credential", "").partition("/")[0]
        if key != knobs.access_key:
            raise RefusalError("InvalidAccessKeyId" if key else "AccessDenied")
    if knobs.session_token:
        token = headers.get("x-amz-security-token") or request.query.get("X-Amz-Security-Token", "")
        if token != knobs.session_token:
            raise RefusalError("ExpiredToken")
    if knobs.requester_pays and headers.get("x-amz-request-payer", "").lower() != "requester":
        raise RefusalError("AccessDenied")
    if request.key:
        check_key(state, request.key)


def check_key(state: State, key: str) -> None:
    """Refuses keys that nobody may touch, that are too long, and that are no text."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise RefusalError("InvalidURI") from None
    if length > MOST_KEY:
        raise RefusalError("KeyTooLongError")
    if denied(state, key):
        raise RefusalError("AccessDenied")


def denied(state: State, key: str) -> bool:
    """Whether a key is one that nobody may touch."""
    return any(key.startswith(prefix) for prefix in state.knobs.denied)


def copy_source(request: Request) -> tuple[str, str]:
    """Bucket and key that a copy is made of."""
    name = unquote_plus(request.headers["x-amz-copy-source"].partition("?")[0]).removeprefix("/")
    bucket, _, key = name.partition("/")
    if not key:
        raise RefusalError("InvalidArgument", ArgumentName="x-amz-copy-source")
    return bucket, key
