"""The S3 server of the tests answers as S3 does: one object at a time."""

from __future__ import annotations

import base64
import hashlib
import threading

import pytest

from servers.asking import ask, talk
from servers.s3 import Server

TEN = b"0123456789"


def test_what_is_put_is_got(s3: Server) -> None:
    put = ask(s3, "PUT", "/bucket/a/b%20c", TEN, Content_Type="image/png", x_amz_meta_who="me")
    assert (put.status, put.headers["etag"]) == (200, f'"{hashlib.md5(TEN).hexdigest()}"')
    got = ask(s3, "GET", "/bucket/a/b%20c")
    assert (got.status, got.body) == (200, TEN)
    assert got.headers["etag"] == put.headers["etag"]
    assert got.headers["content-type"] == "image/png"
    assert got.headers["x-amz-meta-who"] == "me"
    assert got.headers["accept-ranges"] == "bytes"
    head = ask(s3, "HEAD", "/bucket/a/b%20c")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "10")
    assert s3.read("a/b c") == TEN


def test_keys_are_taken_as_they_are(s3: Server) -> None:
    for path, key in {
        "a//b": "a//b",
        "a/": "a/",
        "%2Fa": "/a",
        "a%2Bb+c": "a+b+c",
        "..%2F..": "../..",
        "é": "é",
    }.items():
        raw = path.encode().decode("latin-1")
        assert talk(s3, f"PUT /bucket/{raw} HTTP/1.1\r\nContent-Length: 1\r\n\r\nx".encode("latin-1"))
        assert s3.read(key) == b"x", key
    assert ask(s3, "GET", "/bucket/%ff").code == "InvalidURI"
    assert ask(s3, "PUT", "/bucket/" + "a" * 1025, b"").code == "KeyTooLongError"


def test_a_bucket_may_stand_in_the_host(s3: Server) -> None:
    s3.write("a/b", TEN)
    for host in (f"bucket.localhost:{s3.port}", "bucket.localhost", "bucket.s3.localhost"):
        assert ask(s3, "GET", "/a/b", Host=host).body == TEN
    assert ask(s3, "GET", "/a/b", Host="other.localhost").code == "NoSuchBucket"


@pytest.mark.parametrize(
    ("wish", "status", "body", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=7-99", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, TEN, "bytes 0-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=99-100", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=4-2", 200, TEN, None),
        ("bytes=0-1,3-4", 200, TEN, None),
        ("bytes=-", 200, TEN, None),
        ("bytes=a-b", 200, TEN, None),
        ("cells=0-1", 200, TEN, None),
    ],
)
def test_ranges(s3: Server, wish: str, status: int, body: bytes | None, told: str | None) -> None:
    s3.write("a", TEN)
    got = ask(s3, "GET", "/bucket/a", Range=wish)
    assert (got.status, got.headers.get("content-range")) == (status, told)
    if body is None:
        assert got.code == "InvalidRange"
        assert got.told("ActualObjectSize") == ["10"]
    else:
        assert got.body == body
    head = ask(s3, "HEAD", "/bucket/a", Range=wish)
    assert (head.status, head.headers.get("content-range"), head.body) == (status, told, b"")


def test_an_empty_object_has_no_range(s3: Server) -> None:
    s3.write("a", b"")
    assert ask(s3, "GET", "/bucket/a").body == b""
    for wish in ("bytes=0-0", "bytes=0-", "bytes=-1"):
        assert ask(s3, "GET", "/bucket/a", Range=wish).status == 416


def test_conditions_of_reads(s3: Server) -> None:
    s3.write("a", TEN)
    etag = ask(s3, "HEAD", "/bucket/a").headers["etag"]
    same, other = etag, '"other"'
    assert ask(s3, "GET", "/bucket/a", If_Match=same).body == TEN
    assert ask(s3, "GET", "/bucket/a", If_Match=same.strip('"')).body == TEN
    assert ask(s3, "GET", "/bucket/a", If_Match="*").body == TEN
    assert ask(s3, "GET", "/bucket/a", If_Match=other).code == "PreconditionFailed"
    unchanged = ask(s3, "GET", "/bucket/a", If_None_Match=f"{other}, {same}")
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)
    assert ask(s3, "GET", "/bucket/a", If_None_Match=other).body == TEN
    assert ask(s3, "GET", "/bucket/a", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT").status == 304
    assert ask(s3, "GET", "/bucket/a", If_Unmodified_Since="Sat, 01 Jan 2000 00:00:00 GMT").status == 412
    assert ask(s3, "GET", "/bucket/a", Range="bytes=0-1", If_Range=other).body == TEN
    assert ask(s3, "GET", "/bucket/a", Range="bytes=0-1", If_Range=same).body == b"01"


def test_conditions_of_writes(s3: Server) -> None:
    created = ask(s3, "PUT", "/bucket/a", b"1", If_None_Match="*")
    assert created.status == 200
    again = ask(s3, "PUT", "/bucket/a", b"2", If_None_Match="*")
    assert (again.status, again.code) == (412, "PreconditionFailed")
    changed = ask(s3, "PUT", "/bucket/a", b"3", If_Match=created.headers["etag"])
    assert changed.status == 200
    stale = ask(s3, "PUT", "/bucket/a", b"4", If_Match=created.headers["etag"])
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    assert s3.read("a") == b"3"
    missing = ask(s3, "PUT", "/bucket/b", b"5", If_Match=created.headers["etag"])
    assert (missing.status, missing.code) == (404, "NoSuchKey")
    assert ask(s3, "PUT", "/bucket/a", b"6", If_None_Match='"x"').status == 501
    assert ask(s3, "DELETE", "/bucket/a", If_Match=created.headers["etag"]).status == 412
    assert ask(s3, "DELETE", "/bucket/a", If_Match=changed.headers["etag"]).status == 204
    assert s3.keys() == []


def test_of_many_who_create_or_replace_one_wins(s3: Server) -> None:
    def race(**condition: str) -> list[int]:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(ask(s3, "PUT", "/bucket/a", b"x", **condition).status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(statuses)

    s3.turn(latency=0.01, etags="counter")
    assert race(If_None_Match="*") == [200] + [412] * 7
    assert race(If_Match=ask(s3, "HEAD", "/bucket/a").headers["etag"]) == [200] + [412] * 7


def test_a_conditional_put_can_be_unknown_to_a_server(s3: Server) -> None:
    s3.write("a", b"1")
    s3.turn(conditional_puts="refuse")
    assert ask(s3, "PUT", "/bucket/a", b"2", If_None_Match="*").code == "NotImplemented"
    s3.turn(conditional_puts="ignore")
    assert ask(s3, "PUT", "/bucket/a", b"3", If_None_Match="*").status == 200
    assert s3.read("a") == b"3"


def test_bodies_come_wrapped_and_in_pieces(s3: Server) -> None:
    wrapped = b"4;chunk-signature=ab\r\n0123\r\n6;chunk-signature=cd\r\n456789\r\n0;chunk-signature=ef\r\n\r\n"
    told = {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content_Encoding": "aws-chunked,gzip"}
    assert ask(s3, "PUT", "/bucket/a", wrapped, x_amz_decoded_content_length="10", **told).status == 200
    assert s3.read("a") == TEN
    assert ask(s3, "HEAD", "/bucket/a").headers["content-encoding"] == "gzip"
    assert ask(s3, "PUT", "/bucket/a", wrapped, x_amz_decoded_content_length="11", **told).code == "IncompleteBody"
    assert ask(s3, "PUT", "/bucket/a", wrapped[:20], **told).code == "IncompleteBody"
    pieces = b"3\r\n012\r\n7;x=y\r\n3456789\r\n0\r\nTrailer: t\r\n\r\n"
    head = b"PUT /bucket/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert talk(s3, head + pieces).startswith(b"HTTP/1.1 200 ")
    assert s3.read("b") == TEN


def test_checksums_are_checked_where_they_are_known(s3: Server) -> None:
    right = base64.b64encode(hashlib.sha256(TEN).digest()).decode()
    assert ask(s3, "PUT", "/bucket/a", TEN, x_amz_checksum_sha256=right).status == 200
    assert ask(s3, "PUT", "/bucket/a", TEN, x_amz_checksum_crc64nvme="anything").status == 200
    for name in ("x_amz_checksum_sha256", "x_amz_checksum_crc32", "x_amz_checksum_sha1", "Content_MD5"):
        assert ask(s3, "PUT", "/bucket/b", TEN, **{name: "AAAA"}).code == "BadDigest"
    assert s3.keys() == ["a"]


def test_a_copy_is_made_on_the_server(s3: Server) -> None:
    ask(s3, "PUT", "/bucket/a%20b", TEN, Content_Type="text/plain")
    copied = ask(s3, "PUT", "/bucket/c", x_amz_copy_source="/bucket/a%20b")
    assert (copied.status, len(copied.told("ETag"))) == (200, 1)
    assert ask(s3, "GET", "/bucket/c").headers["content-type"] == "text/plain"
    assert s3.read("c") == TEN
    anew = {"x_amz_metadata_directive": "REPLACE", "Content_Type": "image/png"}
    ask(s3, "PUT", "/bucket/d", x_amz_copy_source="bucket/a%20b", **anew)
    assert ask(s3, "GET", "/bucket/d").headers["content-type"] == "image/png"
    assert ask(s3, "PUT", "/bucket/e", x_amz_copy_source="bucket/none").code == "NoSuchKey"
    refused = ask(s3, "PUT", "/bucket/e", x_amz_copy_source="bucket/c", x_amz_copy_source_if_match='"x"')
    assert refused.status == 412
    assert ask(s3, "PUT", "/bucket/c", x_amz_copy_source="bucket/d", If_None_Match="*").status == 412


def test_what_is_not_there_is_said_so(s3: Server) -> None:
    got = ask(s3, "GET", "/bucket/none%26")
    assert (got.status, got.code, got.told("Key")) == (404, "NoSuchKey", ["none&amp;"])
    assert got.headers["content-type"] == "application/xml"
    head = ask(s3, "HEAD", "/bucket/none")
    assert (head.status, head.body) == (404, b"")
    assert ask(s3, "GET", "/none/a").code == "NoSuchBucket"
    assert ask(s3, "PUT", "/none/a", b"").code == "NoSuchBucket"
    assert ask(s3, "DELETE", "/bucket/none").status == 204
    assert ask(s3, "GET", "/bucket/a?tagging").code == "NotImplemented"
    assert ask(s3, "PATCH", "/bucket/a").code == "MethodNotAllowed"


def test_buckets_come_and_go(s3: Server) -> None:
    assert ask(s3, "PUT", "/more").status == 200
    assert ask(s3, "PUT", "/more").code == "BucketAlreadyOwnedByYou"
    assert ask(s3, "GET", "/").told("Name") == ["bucket", "more"]
    assert ask(s3, "HEAD", "/more").status == 200
    ask(s3, "PUT", "/more/a", b"")
    assert ask(s3, "DELETE", "/more").code == "BucketNotEmpty"
    ask(s3, "DELETE", "/more/a")
    assert ask(s3, "DELETE", "/more").status == 204
    assert ask(s3, "HEAD", "/more").status == 404


def test_a_connection_serves_many_requests(s3: Server) -> None:
    s3.write("a", TEN)
    one = b"GET /bucket/a HTTP/1.1\r\nHost: x\r\n\r\n"
    heard = talk(s3, one * 3)
    assert heard.count(b"HTTP/1.1 200 OK") == heard.count(TEN) == 3
    assert s3.summary()["connections"] == 1
    assert talk(s3, b"GET /bucket/a HTTP/1.0\r\n\r\n" + one).count(TEN) == 1
    assert talk(s3, one.replace(b"x\r\n", b"x\r\nConnection: close\r\n") + one).count(TEN) == 1
    s3.turn(requests_per_connection=2)
    assert talk(s3, one * 3).count(TEN) == 2


def test_a_client_may_wait_for_leave_to_send(s3: Server) -> None:
    heard = talk(s3, b"PUT /bucket/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert heard == b"HTTP/1.1 100 Continue\r\n\r\n"
    heard = talk(s3, b"PUT /bucket/a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy")
    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"GET /bucket/a HTTP/1.1\r\nno colon\r\n\r\n",
        b"PUT /bucket/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT /bucket/a HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"PUT /bucket/a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PUT /bucket/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n",
        b"GET /" + b"a" * 100_000,
    ],
)
def test_what_is_no_http_is_refused_and_the_server_lives(s3: Server, said: bytes) -> None:
    assert talk(s3, said).startswith(b"HTTP/1.1 400 ")
    assert ask(s3, "HEAD", "/bucket").status == 200


def test_a_write_that_breaks_off_is_no_write(s3: Server) -> None:
    s3.write("a", b"old")
    talk(s3, b"PUT /bucket/a HTTP/1.1\r\nContent-Length: 100\r\n\r\nnew", 0.3)
    s3.settle()
    assert s3.read("a") == b"old"
    assert [entry.status for entry in s3.requests(method="PUT")] == [0]
