"""Steering over HTTP, below a path that no bucket can have. The ledger does not hear of it, and no knob touches it.

| request | what it does |
| --- | --- |
| `GET /_admin/knobs`, `PATCH /_admin/knobs` with JSON | tells the knobs, turns some |
| `PUT /_admin/knobs` with JSON | the rest go back to their defaults |
| `GET /_admin/ledger?status=404` | the lines of the ledger whose fields are as the query says, as JSON |
| `GET /_admin/counts?by=operation&method=GET` | how many lines each value of a field has |
| `GET /_admin/summary` | sums over every line |
| `DELETE /_admin/ledger` | empties the ledger |
| `GET`, `PUT`, `DELETE /_admin/objects/KEY` | an object of the first bucket |
| `GET /_admin/objects?prefix=` | the keys of the first bucket |
| `DELETE /_admin/objects` | empties every bucket |
"""

from __future__ import annotations

import json
from typing import Any

from servers.contents import etag_of, kept_headers
from servers.http1 import Reply, Request
from servers.knobs import Knobs
from servers.objects import Bucket, Stored
from servers.state import State, unescaped

PATH = "/_admin/"


def steer(state: State, request: Request) -> Reply:
    """The answer to a request below the path."""
    what, slash, name = request.path.removeprefix(PATH).partition("/")
    try:
        if what == "objects" and slash:
            return _object(state, request, unescaped(name))
        return _told(_steer(state, request, what))
    except (ValueError, TypeError, KeyError) as error:
        return _told({"error": str(error)}, 400)


def _told(answer: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(answer).encode(), "Content-Type: application/json\r\n")


def _steer(state: State, request: Request, what: str) -> Any:
    ledger = state.ledger
    match request.method, what:
        case "GET", "knobs":
            return state.knobs.as_json()
        case "PATCH" | "PUT", "knobs":
            before = state.knobs if request.method == "PATCH" else Knobs()
            state.knobs = before.told(json.loads(request.body or b"{}"))
            return state.knobs.as_json()
        case "GET", "ledger":
            return ledger.rows(request.query)
        case "DELETE", "ledger":
            ledger.reset()
            return {}
        case "GET", "counts":
            wanted = dict(request.query)
            return ledger.counts(wanted.pop("by", "operation"), wanted)
        case "GET", "summary":
            return ledger.summary()
        case "GET", "objects":
            prefix = request.query.get("prefix", "")
            return [key for key in state.bucket(state.first).names() if key.startswith(prefix)]
        case "DELETE", "objects":
            state.uploads.clear()
            for bucket in state.buckets:
                state.buckets[bucket] = Bucket()
            return {}
    raise ValueError(f"no such steering: {request.method} {request.path}")


def _object(state: State, request: Request, key: str) -> Reply:
    bucket = state.bucket(state.first)
    if request.method == "PUT":
        bucket.put(
            key, Stored(request.body, etag_of(state, request.body), kept_headers(request)), state.knobs.remembers
        )
        return Reply(200)
    if request.method == "DELETE":
        bucket.delete(key, state.knobs.remembers)
        return Reply(204)
    stored = bucket.get(key)
    return _told({"error": "no such key"}, 404) if stored is None else Reply(200, stored.data, stored.head)
