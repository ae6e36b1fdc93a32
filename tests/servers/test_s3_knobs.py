"""What the server of the tests does wrong when told to, and what its ledger tells."""

from __future__ import annotations

import http.client
import socket
import threading
import time

import pytest

from servers.asking import ask, talk
from servers.s3 import Server
from servers.steer import ServerProcess

TEN = b"0123456789"


def statuses(server: Server, count: int, method: str = "GET") -> list[int]:
    return [ask(server, method, "/bucket/a").status for _ in range(count)]


def test_latency_is_before_each_answer_and_many_wait_together(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(latency=0.1)
    begun = time.monotonic()
    threads = [threading.Thread(target=ask, args=(s3, "GET", "/bucket/a")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.1
    entries = s3.requests()
    assert all(entry.ended - entry.begun >= 0.095 for entry in entries)
    assert s3.summary()["most_in_flight"] == max(entry.in_flight for entry in entries) > 1


def test_bandwidth_bounds_each_connection_and_all_of_them(s3: Server) -> None:
    s3.write("a", bytes(100_000))

    def seconds() -> float:
        begun = time.monotonic()
        threads = [threading.Thread(target=ask, args=(s3, "GET", "/bucket/a")) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - begun

    s3.turn(bandwidth_per_connection=500_000)
    alone = seconds()
    assert alone > 0.19
    s3.turn(bandwidth_per_connection=0, bandwidth=500_000)
    assert seconds() > max(0.39, alone)
    begun = time.monotonic()
    assert ask(s3, "PUT", "/bucket/b", bytes(100_000)).status == 200
    assert time.monotonic() - begun > 0.15
    begun = time.monotonic()
    s3.write("c", bytes(1_000_000))
    assert time.monotonic() - begun < 1.9
    assert s3.keys() == ["a", "b", "c"]
    assert s3.read("b") == bytes(100_000)


def test_every_nth_request_fails(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(faults=[{"status": 503, "every": 3, "retry_after": 2}])
    assert statuses(s3, 7) == [200, 200, 503, 200, 200, 503, 200]
    s3.turn(faults=[{"status": 429, "skip": 1, "times": 2}])
    assert statuses(s3, 5) == [200, 429, 429, 200, 200]
    s3.turn(faults=[{"status": 500, "method": "HEAD"}, {"status": 403, "key": "b"}])
    assert statuses(s3, 2) == [200, 200]
    assert statuses(s3, 2, "HEAD") == [500, 500]
    assert ask(s3, "GET", "/bucket/b").code == "AccessDenied"
    s3.calm()
    assert statuses(s3, 2) == [200, 200]


def test_an_error_is_told_as_s3_tells_it(s3: Server) -> None:
    s3.turn(faults=[{"status": 503, "retry_after": 2}])
    answer = ask(s3, "GET", "/bucket/a")
    assert (answer.code, answer.headers["retry-after"]) == ("SlowDown", "2")
    s3.turn(faults=[{"status": 400, "code": "ExpiredToken"}])
    answer = ask(s3, "GET", "/bucket/a")
    assert (answer.status, answer.code) == (400, "ExpiredToken")
    s3.turn(faults=[{"kind": "page"}])
    answer = ask(s3, "GET", "/bucket/a")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")


def test_chance_is_the_same_each_time(s3: Server) -> None:
    s3.write("a", TEN)
    runs = []
    for _ in range(2):
        s3.turn(faults=[{"chance": 0.5, "seed": 7}])
        runs.append(statuses(s3, 20))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_a_connection_is_reset(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(faults=[{"kind": "reset", "method": "GET"}])
    with pytest.raises(ConnectionResetError):
        ask(s3, "GET", "/bucket/a")
    s3.turn(faults=[{"kind": "reset", "method": "PUT"}])
    with pytest.raises(ConnectionResetError):
        ask(s3, "PUT", "/bucket/b", b"x")
    assert s3.read("b") is None
    assert [entry.status for entry in s3.requests()] == [0, 0]


@pytest.mark.parametrize("fault", [{"kind": "reset", "acts": True}, {"status": 500, "acts": True}])
def test_a_write_may_be_done_and_its_answer_lost(s3: Server, fault: dict[str, object]) -> None:
    s3.turn(faults=[fault | {"times": 1}])
    try:
        assert ask(s3, "PUT", "/bucket/a", b"x", If_None_Match="*").status == 500
    except ConnectionResetError:
        assert fault["kind"] == "reset"
    assert s3.read("a") == b"x"
    assert ask(s3, "PUT", "/bucket/a", b"x", If_None_Match="*").status == 412


def test_a_body_is_torn(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(faults=[{"kind": "torn"}])
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(s3, "GET", "/bucket/a")
    assert caught.value.partial == TEN[:5]
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(s3, "PUT", "/bucket/b", b"x")


def test_a_length_is_wrong(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(faults=[{"kind": "short"}])
    answer = ask(s3, "GET", "/bucket/a", Range="bytes=2-7")
    assert (answer.body, answer.headers["content-range"]) == (b"234", "bytes 2-7/10")
    s3.turn(faults=[{"kind": "long"}])
    with pytest.raises(http.client.IncompleteRead):
        ask(s3, "GET", "/bucket/a")


def test_an_answer_stalls(s3: Server) -> None:
    s3.write("a", TEN)
    s3.turn(faults=[{"kind": "stall"}])
    heard = talk(s3, b"GET /bucket/a HTTP/1.1\r\n\r\n")
    assert heard.endswith(b"\r\n\r\n" + TEN[:5])
    s3.settle()


def test_reads_and_lists_lag_behind(s3: Server) -> None:
    s3.write("a", b"1")
    s3.turn(stale_reads=60, stale_lists=60)
    ask(s3, "PUT", "/bucket/a", b"2")
    ask(s3, "PUT", "/bucket/b", b"new")
    assert ask(s3, "GET", "/bucket/a").body == b"1"
    assert ask(s3, "GET", "/bucket/b").status == 404
    ask(s3, "DELETE", "/bucket/a")
    assert ask(s3, "HEAD", "/bucket/a").status == 200
    assert ask(s3, "GET", "/bucket?list-type=2").told("Key") == ["a"]
    # Conditions of writes hold for what is there, not for what readers see.
    assert ask(s3, "PUT", "/bucket/a", b"3", If_None_Match="*").status == 200
    time.sleep(0.1)
    s3.turn(stale_reads=0.05, stale_lists=0.05)
    assert ask(s3, "GET", "/bucket/a").body == b"3"
    assert ask(s3, "GET", "/bucket?list-type=2").told("Key") == ["a", "b"]


def test_who_may_come_in(s3: Server) -> None:
    s3.write("a", TEN)
    signed = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"
    assert ask(s3, "GET", "/bucket/a", Authorization=signed.format("anyone")).status == 200
    s3.turn(access_key="me")
    assert ask(s3, "GET", "/bucket/a").code == "AccessDenied"
    assert ask(s3, "GET", "/bucket/a", Authorization=signed.format("you")).code == "InvalidAccessKeyId"
    assert ask(s3, "GET", "/bucket/a", Authorization=signed.format("me")).status == 200
    assert ask(s3, "GET", "/bucket/a", Authorization="AWS me:00").status == 200
    assert ask(s3, "GET", "/bucket/a?X-Amz-Credential=me%2F20260101&X-Amz-Signature=00").status == 200
    s3.turn(access_key="", session_token="new")
    assert ask(s3, "GET", "/bucket/a", x_amz_security_token="old").code == "ExpiredToken"
    assert ask(s3, "GET", "/bucket/a", x_amz_security_token="new").status == 200
    s3.turn(session_token="", requester_pays=True)
    assert ask(s3, "GET", "/bucket/a").status == 403
    assert ask(s3, "GET", "/bucket/a", x_amz_request_payer="requester").status == 200
    s3.calm()
    s3.turn(missing_status=403, denied=["private/"])
    assert ask(s3, "GET", "/bucket/none").code == "AccessDenied"
    assert ask(s3, "PUT", "/bucket/private/a", b"").code == "AccessDenied"
    assert ask(s3, "GET", "/bucket/a").status == 200


@pytest.mark.parametrize(("setting", "status"), [("yes", 206), ("whole", 200), ("refuse", 416)])
def test_a_server_may_not_know_suffixes(web: Server, setting: str, status: int) -> None:
    web.write("a", TEN)
    web.turn(suffix_ranges=setting)
    assert ask(web, "GET", "/a", Range="bytes=-2").status == status
    assert ask(web, "GET", "/a", Range="bytes=2-3").body == b"23"


def test_a_plain_web_server_has_files_and_nothing_else(web: Server) -> None:
    web.write("b/a c", TEN)
    assert ask(web, "GET", "/b/a%20c").body == TEN
    assert ask(web, "HEAD", "/b/a%20c").headers["content-length"] == "10"
    assert ask(web, "GET", "/b/a%20c?token=1").body == TEN
    missing = ask(web, "GET", "/b/")
    assert (missing.status, missing.headers["content-type"]) == (404, "text/html")
    assert ask(web, "PUT", "/b/d", b"").status == 405
    web.turn(ranges=False)
    whole = ask(web, "GET", "/b/a%20c", Range="bytes=0-1")
    assert (whole.status, whole.body, whole.headers.get("accept-ranges")) == (200, TEN, None)


def test_the_ledger_has_a_line_for_every_request(s3: Server) -> None:
    s3.write("a/1", TEN)
    ask(s3, "GET", "/bucket/a/1", Range="bytes=0-3")
    ask(s3, "PUT", "/bucket/b", b"xyz")
    ask(s3, "GET", "/bucket/none")
    ask(s3, "GET", "/bucket?list-type=2&prefix=a/")
    s3.settle()
    got, put, missing, listing = s3.requests()
    assert (got.operation, got.bucket, got.key, got.range, got.status, got.sent) == (
        "GetObject",
        "bucket",
        "a/1",
        "bytes=0-3",
        206,
        4,
    )
    assert (put.method, put.operation, put.received, put.status) == ("PUT", "PutObject", 3, 200)
    assert (missing.status, listing.operation, listing.query["prefix"]) == (404, "ListObjectsV2", "a/")
    assert got.begun <= got.ended <= put.begun
    assert s3.counts() == {"GetObject": 2, "PutObject": 1, "ListObjectsV2": 1}
    assert s3.counts("status", method="GET") == {"206": 1, "404": 1, "200": 1}
    assert [entry.key for entry in s3.requests(key="a/")] == ["a/1"]
    assert s3.summary()["requests"] == 4
    s3.forget()
    assert (s3.requests(), s3.counts()) == ([], {})
    with pytest.raises(ValueError, match="no 'colour'"):
        s3.counts("colour")


def test_what_is_under_way_is_counted(s3: Server) -> None:
    s3.turn(latency=1)
    with socket.create_connection(("127.0.0.1", s3.port)) as wire:
        wire.sendall(b"GET /bucket/a HTTP/1.1\r\n\r\n")
        while not (entries := s3.requests()):
            time.sleep(0.005)
        assert (entries[0].ended, s3.summary()["in_flight"]) == (0.0, 1)
    s3.settle()
    assert s3.requests()[0].ended > 0


def test_a_knob_that_is_none_is_refused(s3: Server) -> None:
    for wrong in (
        {"colour": 1},
        {"latency": "x"},
        {"etags": "x"},
        {"missing_status": 200},
        {"faults": [{"kind": "x"}]},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            s3.turn(**wrong)
    assert s3.knobs()["latency"] == 0


def test_a_server_goes_away_and_comes_back_at_its_port() -> None:
    with Server() as first:
        wire = socket.create_connection(("127.0.0.1", first.port), timeout=10)
    with wire:
        assert wire.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        ask(first, "HEAD", "/bucket")
    with Server(port=first.port) as second:
        assert ask(first, "HEAD", "/bucket").status == 200
        with pytest.raises(OSError, match=str(second.port)):
            Server(port=second.port)


def test_a_server_lives_in_a_process_of_its_own() -> None:
    with ServerProcess(latency=0.01) as server:
        assert server.knobs()["latency"] == 0.01
        server.write("a", TEN)
        assert ask(server, "GET", "/bucket/a").body == TEN
        assert server.counts() == {"GetObject": 1}
        server.clear()
        assert server.keys() == []
