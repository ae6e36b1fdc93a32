"""What S3 does with one object."""

from __future__ import annotations

from servers.conditions import check_read, check_write
from servers.contents import content, etag_of, kept_headers
from servers.http1 import Reply, Request
from servers.objects import Stored
from servers.ranges import UnsatisfiableError, span_of
from servers.refusals import RefusalError
from servers.state import Operation, State, copy_source, denied
from servers.xml import document, element, instant

XML = "Content-Type: application/xml\r\n"


def found(state: State, bucket: str, key: str) -> Stored:
    """The object, as a reader sees it just now."""
    stored = state.bucket(bucket).get(key, state.knobs.stale_reads)
    if stored is None:
        raise RefusalError("NoSuchKey" if state.knobs.missing_status == 404 else "AccessDenied")
    return stored


def read(state: State, request: Request, stored: Stored) -> Reply:
    """The answer to a GET or HEAD of an object that is there."""
    headers, knobs = request.headers, state.knobs
    check_read(headers, stored)
    data = stored.data
    size = len(data)
    status, lines = 200, f"{stored.head}Accept-Ranges: bytes\r\n"
    wish = headers.get("range")
    if not knobs.ranges:
        wish, lines = None, stored.head
    if wish is not None and headers.get("if-range", stored.etag) == stored.etag:
        try:
            span = span_of(wish, size, knobs.suffix_ranges)
        except UnsatisfiableError:
            limits = f"Content-Range: bytes */{size}\r\n"
            raise RefusalError("InvalidRange", headers=limits, RangeRequested=wish, ActualObjectSize=size) from None
        if span is not None:
            first, end = span
            status, lines = 206, f"{lines}Content-Range: bytes {first}-{end - 1}/{size}\r\n"
            size = end - first
            return Reply(status, memoryview(data)[first:end] if request.method == "GET" else b"", lines, size)
    return Reply(status, data if request.method == "GET" else b"", lines, size)


def get_object(state: State, request: Request) -> Reply:
    return read(state, request, found(state, request.bucket, request.key))


def put_object(state: State, request: Request) -> Reply:
    bucket = state.bucket(request.bucket)
    check_write(request.headers, bucket.get(request.key), state.knobs.conditional_puts)
    data = content(request)
    stored = Stored(data, etag_of(state, data), kept_headers(request))
    bucket.put(request.key, stored, state.knobs.remembers)
    return Reply(200, headers=f"ETag: {stored.etag}\r\n")


def copy_object(state: State, request: Request) -> Reply:
    name, key = copy_source(request)
    if denied(state, key):
        raise RefusalError("AccessDenied")
    source = found(state, name, key)
    check_read(request.headers, source, "x-amz-copy-source-")
    bucket = state.bucket(request.bucket)
    check_write(request.headers, bucket.get(request.key), state.knobs.conditional_puts)
    anew = request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
    stored = Stored(source.data, etag_of(state, source.data), kept_headers(request) if anew else source.headers)
    bucket.put(request.key, stored, state.knobs.remembers)
    told = element("LastModified", instant(stored.modified)) + element("ETag", stored.etag)
    return Reply(200, document("CopyObjectResult", told), XML)


def delete_object(state: State, request: Request) -> Reply:
    bucket = state.bucket(request.bucket)
    there = bucket.get(request.key)
    if "if-match" in request.headers:
        check_write({"if-match": request.headers["if-match"]}, there, state.knobs.conditional_puts)
    bucket.delete(request.key, state.knobs.remembers)
    return Reply(204)


OPERATIONS: dict[str, Operation] = {
    "GetObject": get_object,
    "HeadObject": get_object,
    "PutObject": put_object,
    "CopyObject": copy_object,
    "DeleteObject": delete_object,
}
