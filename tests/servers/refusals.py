"""The errors of S3: code, status and words."""

from __future__ import annotations

from servers.http1 import Reply, Request
from servers.xml import element

KNOWN = {
    "AccessDenied": (403, "Access Denied"),
    "BadDigest": (400, "The Content-MD5 or checksum you specified did not match what we received."),
    "BucketAlreadyOwnedByYou": (
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty"),
    "ConditionalRequestConflict": (409, "The conditional request cannot succeed due to a conflicting operation."),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size"),
    "ExpiredToken": (400, "The provided token has expired."),
    "IncompleteBody": (400, "You did not provide the number of bytes specified by the Content-Length HTTP header."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The AWS Access Key Id you provided does not exist in our records."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidPart": (400, "One or more of the specified parts could not be found or its entity tag did not match."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order. Parts must be ordered by part number."),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long"),
    "MalformedXML": (400, "The XML you provided was not well-formed or did not validate against our published schema"),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchUpload": (404, "The specified upload does not exist. It may have been aborted or completed."),
    "NotImplemented": (501, "A header or query you provided implies functionality that is not implemented."),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold"),
    "SlowDown": (503, "Please reduce your request rate."),
    "TooManyRequests": (429, "Please reduce your request rate."),
}
BY_STATUS = {400: "InvalidArgument", 403: "AccessDenied", 404: "NoSuchKey", 409: "ConditionalRequestConflict"} | {
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}


class RefusalError(Exception):
    """A request that is answered by an error; `told` are further elements of its document."""

    def __init__(self, code: str, *, headers: str = "", **told: object) -> None:
        super().__init__(code)
        self.code, self.headers, self.told = code, headers, told


def refusal(
    request: Request, code: str, status: int = 0, headers: str = "", told: dict[str, object] | None = None
) -> Reply:
    """The answer that says an error."""
    usual, message = KNOWN.get(code, (status or 500, code))
    status = status or usual
    if status == 304:
        return Reply(304, headers=headers)
    words = {"Code": code, "Message": message, **(told or {})}
    if request.bucket:
        words["BucketName"] = request.bucket
    if request.key:
        words["Key"] = request.key
    words |= {"Resource": request.path, "RequestId": "0123456789ABCDEF", "HostId": "tests"}
    inside = "".join(element(name, value) for name, value in words.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'.encode(errors="replace")
    headers = f"Content-Type: application/xml\r\nx-amz-request-id: 0123456789ABCDEF\r\n{headers}"
    if request.method == "HEAD":
        return Reply(status, b"", headers, length=0)
    return Reply(status, body, headers)
