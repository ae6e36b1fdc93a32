"""What S3 does with a bucket: lists and deletions of many."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

from servers.http1 import Reply, Request
from servers.objects import Bucket, Page
from servers.refusals import RefusalError
from servers.s3_objects import XML
from servers.state import Operation, State, denied
from servers.xml import document, element, instant, parsed

MOST_DELETED = 1000


def list_buckets(state: State, request: Request) -> Reply:
    inside = "".join(
        f"<Bucket>{element('Name', name)}{element('CreationDate', instant(bucket.created))}</Bucket>"
        for name, bucket in sorted(state.buckets.items())
    )
    owner = "<Owner><ID>tests</ID><DisplayName>tests</DisplayName></Owner>"
    return Reply(200, document("ListAllMyBucketsResult", f"{owner}<Buckets>{inside}</Buckets>"), XML)


def head_bucket(state: State, request: Request) -> Reply:
    state.bucket(request.bucket)
    return Reply(200, headers="x-amz-bucket-region: us-east-1\r\n")


def get_bucket_location(state: State, request: Request) -> Reply:
    state.bucket(request.bucket)
    return Reply(200, document("LocationConstraint", ""), XML)


def create_bucket(state: State, request: Request) -> Reply:
    if request.bucket in state.buckets:
        raise RefusalError("BucketAlreadyOwnedByYou")
    state.buckets[request.bucket] = Bucket()
    return Reply(200, headers=f"Location: /{request.bucket}\r\n")


def delete_bucket(state: State, request: Request) -> Reply:
    if len(state.bucket(request.bucket)):
        raise RefusalError("BucketNotEmpty")
    del state.buckets[request.bucket]
    return Reply(204)


def _most(state: State, request: Request) -> int:
    wish = request.query.get("max-keys", "1000")
    if not wish.isdecimal() or len(wish) > 9:
        raise RefusalError("InvalidArgument", ArgumentName="max-keys", ArgumentValue=wish)
    return min(int(wish), 1000, state.knobs.page)


def _writer(request: Request) -> Callable[[str], str]:
    """How keys are written: escaped when the client asks for it."""
    coding = request.query.get("encoding-type", "")
    if coding not in {"", "url"}:
        raise RefusalError("InvalidArgument", ArgumentName="encoding-type", ArgumentValue=coding)
    return (lambda key: quote(key, safe="/*")) if coding else (lambda key: key)


def _listed(bucket: Bucket, page: Page, write: Callable[[str], str], ago: float) -> str:
    """The keys and common prefixes of one page."""
    parts = []
    for key in page.keys:
        stored = bucket.get(key, ago)
        assert stored is not None
        parts.append(
            f"<Contents>{element('Key', write(key))}{element('LastModified', instant(stored.modified))}"
            f"{element('ETag', stored.etag)}{element('Size', len(stored.data))}"
            "<StorageClass>STANDARD</StorageClass></Contents>"
        )
    parts += (f"<CommonPrefixes>{element('Prefix', write(each))}</CommonPrefixes>" for each in page.prefixes)
    return "".join(parts)


def _token(page: Page) -> str:
    return base64.urlsafe_b64encode(("p" if page.last_is_prefix else "k").encode() + page.last.encode()).decode()


def _from_token(token: str) -> tuple[str, bool]:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if text[:1] not in {"k", "p"}:
        raise RefusalError("InvalidArgument", ArgumentName="continuation-token", ArgumentValue=token)
    return text[1:], text[0] == "p"


def list_objects_v2(state: State, request: Request) -> Reply:
    bucket, query = state.bucket(request.bucket), request.query
    most, write, ago = _most(state, request), _writer(request), state.knobs.stale_lists
    prefix, delimiter, start = query.get("prefix", ""), query.get("delimiter", ""), query.get("start-after", "")
    token = query.get("continuation-token")
    after, is_prefix = (start, False) if token is None else _from_token(token)
    page = bucket.page(prefix, delimiter, after, is_prefix, most, ago)
    told = {
        "Name": request.bucket,
        "Prefix": write(prefix),
        "KeyCount": len(page.keys) + len(page.prefixes),
        "MaxKeys": most,
    }
    if delimiter:
        told["Delimiter"] = write(delimiter)
    if "encoding-type" in query:
        told["EncodingType"] = "url"
    if start:
        told["StartAfter"] = write(start)
    if token is not None:
        told["ContinuationToken"] = token
    told["IsTruncated"] = str(page.more).lower()
    if page.more:
        told["NextContinuationToken"] = _token(page)
    head = "".join(element(name, value) for name, value in told.items())
    return Reply(200, document("ListBucketResult", head + _listed(bucket, page, write, ago)), XML)


def list_objects(state: State, request: Request) -> Reply:
    bucket, query = state.bucket(request.bucket), request.query
    most, write, ago = _most(state, request), _writer(request), state.knobs.stale_lists
    prefix, delimiter, marker = query.get("prefix", ""), query.get("delimiter", ""), query.get("marker", "")
    is_prefix = bool(delimiter) and marker.endswith(delimiter)
    page = bucket.page(prefix, delimiter, marker, is_prefix, most, ago)
    told = {"Name": request.bucket, "Prefix": write(prefix), "Marker": write(marker), "MaxKeys": most}
    if delimiter:
        told["Delimiter"] = write(delimiter)
    if "encoding-type" in query:
        told["EncodingType"] = "url"
    told["IsTruncated"] = str(page.more).lower()
    if page.more:
        told["NextMarker"] = write(page.last)
    head = "".join(element(name, value) for name, value in told.items())
    return Reply(200, document("ListBucketResult", head + _listed(bucket, page, write, ago)), XML)


def delete_objects(state: State, request: Request) -> Reply:
    if not state.knobs.batch_deletes:
        raise RefusalError("NotImplemented")
    bucket = state.bucket(request.bucket)
    root = parsed(request.body)
    if root is None or root.tag != "Delete":
        raise RefusalError("MalformedXML")
    keys = [each.findtext("Key") or "" for each in root.findall("Object")]
    if not 0 < len(keys) <= MOST_DELETED or "" in keys:
        raise RefusalError("MalformedXML")
    quiet = (root.findtext("Quiet") or "").strip().lower() == "true"
    parts = []
    for key in keys:
        if denied(state, key):
            told = element("Key", key) + element("Code", "AccessDenied") + element("Message", "Access Denied")
            parts.append(f"<Error>{told}</Error>")
            continue
        bucket.delete(key, state.knobs.remembers)
        if not quiet:
            parts.append(f"<Deleted>{element('Key', key)}</Deleted>")
    return Reply(200, document("DeleteResult", "".join(parts)), XML)


OPERATIONS: dict[str, Operation] = {
    "ListBuckets": list_buckets,
    "HeadBucket": head_bucket,
    "GetBucketLocation": get_bucket_location,
    "CreateBucket": create_bucket,
    "DeleteBucket": delete_bucket,
    "ListObjectsV2": list_objects_v2,
    "ListObjects": list_objects,
    "DeleteObjects": delete_objects,
}
