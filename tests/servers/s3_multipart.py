"""An object in parts: nothing of it is seen before it is complete."""

from __future__ import annotations

import hashlib

from servers.conditions import check_read, check_write
from servers.contents import content, etag_of, kept_headers
from servers.http1 import Reply, Request
from servers.objects import Stored
from servers.ranges import UnsatisfiableError, span_of
from servers.refusals import RefusalError
from servers.s3_objects import XML, found
from servers.state import Operation, State, Upload, copy_source, denied
from servers.xml import document, element, instant, parsed

MOST_PARTS = 10_000


def _upload(state: State, request: Request) -> Upload:
    upload = state.uploads.get(request.query.get("uploadId", ""))
    if upload is None or (upload.bucket, upload.key) != (request.bucket, request.key):
        raise RefusalError("NoSuchUpload")
    return upload


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 5 or not 1 <= int(text) <= MOST_PARTS:
        raise RefusalError("InvalidArgument", ArgumentName="partNumber", ArgumentValue=text)
    return int(text)


def create(state: State, request: Request) -> Reply:
    state.bucket(request.bucket)
    name = f"upload-{next(state.numbers):08x}"
    state.uploads[name] = Upload(request.bucket, request.key, kept_headers(request))
    told = element("Bucket", request.bucket) + element("Key", request.key) + element("UploadId", name)
    return Reply(200, document("InitiateMultipartUploadResult", told), XML)


def put_part(state: State, request: Request) -> Reply:
    upload, number = _upload(state, request), _number(request.query.get("partNumber", ""))
    data = content(request)
    upload.parts[number] = (etag_of(state, data), data)
    return Reply(200, headers=f"ETag: {upload.parts[number][0]}\r\n")


def copy_part(state: State, request: Request) -> Reply:
    upload, number = _upload(state, request), _number(request.query.get("partNumber", ""))
    name, key = copy_source(request)
    if denied(state, key):
        raise RefusalError("AccessDenied")
    source = found(state, name, key)
    check_read(request.headers, source, "x-amz-copy-source-")
    data = source.data
    if wish := request.headers.get("x-amz-copy-source-range"):
        try:
            first, end = span_of(wish, len(data), "refuse") or (0, len(data))
        except UnsatisfiableError:
            raise RefusalError("InvalidArgument", ArgumentName="x-amz-copy-source-range") from None
        data = data[first:end]
    upload.parts[number] = (etag_of(state, data), data)
    told = element("LastModified", instant(source.modified)) + element("ETag", upload.parts[number][0])
    return Reply(200, document("CopyPartResult", told), XML)


def complete(state: State, request: Request) -> Reply:
    upload, bucket = _upload(state, request), state.bucket(request.bucket)
    root = parsed(request.body)
    if root is None or root.tag != "CompleteMultipartUpload" or not root.findall("Part"):
        raise RefusalError("MalformedXML")
    asked = [(_number(part.findtext("PartNumber") or ""), part.findtext("ETag") or "") for part in root.findall("Part")]
    numbers = [number for number, _ in asked]
    if numbers != sorted(set(numbers)):
        raise RefusalError("InvalidPartOrder")
    for number, etag in asked:
        there = upload.parts.get(number)
        if there is None or there[0].strip('"') != etag.strip().strip('"'):
            raise RefusalError("InvalidPart", PartNumber=number)
        if number != numbers[-1] and len(there[1]) < state.knobs.smallest_part:
            raise RefusalError("EntityTooSmall", PartNumber=number, ProposedSize=len(there[1]))
    check_write(request.headers, bucket.get(request.key), state.knobs.conditional_puts)
    # The tag of the whole is the digest of the parts' digests, and their count.
    digests = b"".join(bytes.fromhex(upload.parts[number][0].strip('"')) for number in numbers)
    etag = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(numbers)}"'
    data = b"".join(upload.parts[number][1] for number in numbers)
    bucket.put(request.key, Stored(data, etag, upload.headers), state.knobs.remembers)
    del state.uploads[request.query["uploadId"]]
    told = element("Bucket", request.bucket) + element("Key", request.key) + element("ETag", etag)
    return Reply(200, document("CompleteMultipartUploadResult", told), XML)


def abort(state: State, request: Request) -> Reply:
    _upload(state, request)
    del state.uploads[request.query["uploadId"]]
    return Reply(204)


def list_parts(state: State, request: Request) -> Reply:
    upload = _upload(state, request)
    told = (
        element("Bucket", request.bucket) + element("Key", request.key) + element("UploadId", request.query["uploadId"])
    )
    for number, (etag, data) in sorted(upload.parts.items()):
        told += f"<Part>{element('PartNumber', number)}{element('ETag', etag)}{element('Size', len(data))}</Part>"
    return Reply(200, document("ListPartsResult", told + element("IsTruncated", "false")), XML)


def list_uploads(state: State, request: Request) -> Reply:
    state.bucket(request.bucket)
    told = element("Bucket", request.bucket) + element("IsTruncated", "false")
    for name, upload in state.uploads.items():
        if upload.bucket == request.bucket and upload.key.startswith(request.query.get("prefix", "")):
            told += f"<Upload>{element('Key', upload.key)}{element('UploadId', name)}</Upload>"
    return Reply(200, document("ListMultipartUploadsResult", told), XML)


OPERATIONS: dict[str, Operation] = {
    "CreateMultipartUpload": create,
    "UploadPart": put_part,
    "UploadPartCopy": copy_part,
    "CompleteMultipartUpload": complete,
    "AbortMultipartUpload": abort,
    "ListParts": list_parts,
    "ListMultipartUploads": list_uploads,
}
