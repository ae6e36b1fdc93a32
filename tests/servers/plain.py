"""A plain web server: files and nothing else."""

from __future__ import annotations

from servers.http1 import Reply, Request
from servers.refusals import RefusalError
from servers.s3_objects import read
from servers.state import Operation, State

PAGE = "Content-Type: text/html\r\n"


def page(request: Request, status: int, words: str, headers: str = "") -> Reply:
    """A page for people, as web servers answer where there is no file."""
    body = f"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>\n".encode()
    return Reply(status, b"" if request.method == "HEAD" else body, PAGE + headers, len(body))


def get(state: State, request: Request) -> Reply:
    stored = state.bucket(request.bucket).get(request.key, state.knobs.stale_reads)
    if stored is None:
        missing = state.knobs.missing_status
        return page(request, missing, "404 Not Found" if missing == 404 else "403 Forbidden")
    try:
        return read(state, request, stored)
    except RefusalError as refusal:
        if refusal.code == "NotModified":
            raise
        status = 416 if refusal.code == "InvalidRange" else 412
        return page(request, status, f"{status} {refusal.code}", refusal.headers)


OPERATIONS: dict[str, Operation] = {"PlainGet": get, "PlainHead": get}
