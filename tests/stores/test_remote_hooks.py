"""Functions of the program that sign requests and lend credentials, and URLs that carry a query."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from stores.remotes import CELLS, made, opened
from zarrite.errors import StoreError


@pytest.fixture
def site(web: Server) -> str:
    """The URL of an array on a plain web server."""
    array = zarrite.create_array({}, shape=(64, 64), chunks=(16, 16), dtype="i4")
    array[...] = CELLS
    for key in array.store.list("").result():
        value = array.store.get(key).result()
        assert value is not None
        web.write(f"data.zarr/{key}", value)
    return f"{web.url}/data.zarr"


def test_a_query_goes_with_every_key_and_is_no_part_of_the_name(web: Server, site: str) -> None:
    array = zarrite.open_array(f"{site}?sig=abc&x=%2F", mode="r")
    np.testing.assert_array_equal(array[...], CELLS)
    web.settle()
    assert len(web.requests()) == 17
    assert all(line.query == {"sig": "abc", "x": "/"} for line in web.requests())
    assert array.store.url == site
    assert "abc" not in repr(array.store) + array.store.identity
    web.turn(faults=[{"kind": "status", "status": 404, "key": "data.zarr/c"}, {"kind": "status", "status": 403}])
    with pytest.raises(PermissionError) as caught:
        zarrite.open_array(f"{site}?sig=abc", mode="r")
    assert "abc" not in str(caught.value)


def test_headers_go_with_every_request(web: Server, site: str) -> None:
    for way in ({"headers": {"x-a": "b"}}, {"client_kwargs": {"headers": {"X-A": "b"}}}):
        web.forget()
        zarrite.open_array(site, mode="r", storage_options=way)
        web.settle()
        assert [line.headers["x-a"] for line in web.requests()] == ["b"]


def test_a_user_and_password_in_a_url_are_sent_and_not_shown(web: Server, site: str) -> None:
    array = zarrite.open_array(site.replace("http://", "http://me:pa%40ss@"), mode="r")
    assert array.store.url == site
    web.settle()
    assert web.requests()[-1].headers["authorization"] == "Basic bWU6cGFAc3M="


def signs_url(method: str, url: str) -> str:
    return f"{url}?method={method}&at={len(url)}"


def signs_headers(method: str, url: str) -> dict[str, str]:
    return {"x-signed": method, "authorization": "Bearer x"}


def signs_both(method: str, url: str) -> tuple[str, dict[str, str]]:
    return signs_url(method, url), signs_headers(method, url)


async def signs_later(method: str, url: str) -> tuple[str, dict[str, str]]:
    await asyncio.sleep(0.001)
    return signs_both(method, url)


@pytest.mark.parametrize("sign", [signs_url, signs_headers, signs_both, signs_later])
def test_every_request_is_shown_to_the_function_that_signs(web: Server, site: str, sign: Any) -> None:
    array = zarrite.open_array(site, mode="r", storage_options={"sign": sign})
    np.testing.assert_array_equal(array[...], CELLS)
    web.settle()
    for line in web.requests():
        assert line.query.get("method") == ("GET" if sign is not signs_headers else None)
        assert line.headers.get("x-signed") == ("GET" if sign is not signs_url else None)


def test_a_request_that_is_made_again_is_signed_again(web: Server, site: str) -> None:
    seen = []

    def sign(method: str, url: str) -> dict[str, str]:
        seen.append(url)
        return {"x-number": str(len(seen))}

    web.turn(faults=[{"kind": "status", "status": 503, "times": 2}])
    zarrite.open_array(site, mode="r", storage_options={"sign": sign})
    web.settle()
    assert [line.headers["x-number"] for line in web.requests()] == ["1", "2", "3"]
    assert seen == [f"{site}/zarr.json"] * 3


def test_an_event_loop_goes_on_while_requests_are_signed(web: Server, site: str) -> None:
    def slow(method: str, url: str) -> None:
        time.sleep(0.05)

    async def main() -> int:
        ticks = 0
        opening = asyncio.ensure_future(zarrite.open_array.aio(site, mode="r", storage_options={"sign": slow}))
        while not opening.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert (await opening).shape == (64, 64)
        return ticks

    assert asyncio.run(main()) >= 3


@pytest.mark.parametrize("wrong", [3, ("a", 3), b"x"])
def test_a_function_that_gives_something_else_is_told_so(site: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match="sign"):
        zarrite.open_array(site, mode="r", storage_options={"sign": lambda method, url: wrong})


def test_what_the_function_raises_arrives(site: str) -> None:
    def sign(method: str, url: str) -> str:
        raise LookupError("no token today")

    with pytest.raises(LookupError, match="no token today"):
        zarrite.open_array(site, mode="r", storage_options={"sign": sign})


@pytest.mark.parametrize("url", ["", "ftp://x/y", "/a", "http://"])
def test_a_signed_url_that_is_none_is_refused(site: str, url: str) -> None:
    with pytest.raises(StoreError, match="signed URL"):
        zarrite.open_array(site, mode="r", storage_options={"sign": lambda method, asked: url})


def lends(**more: Any) -> dict[str, Any]:
    return {"access_key_id": "lent", "secret_access_key": "s", "token": "tok"} | more


@pytest.mark.parametrize("later", [False, True], ids=["sync", "async"])
def test_credentials_are_lent_once_for_as_long_as_they_hold(s3: Server, later: bool) -> None:
    made(s3)
    s3.turn(access_key="lent", session_token="tok")
    calls = []

    def now() -> dict[str, Any]:
        calls.append(threading.get_ident())
        return lends(expires=time.time() + 3600)

    async def soon() -> dict[str, Any]:
        return now()

    given = {"endpoint_url": s3.url, "credentials": soon if later else now}
    array = zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options=given)
    np.testing.assert_array_equal(array[...], CELLS)
    assert len(calls) == 1


@pytest.mark.parametrize("form", ["number", "text", "datetime", "naive"])
def test_credentials_are_asked_for_again_before_they_end(s3: Server, form: str) -> None:
    made(s3)
    calls = []

    def lend() -> dict[str, Any]:
        calls.append(1)
        s3.turn(access_key=f"lent{len(calls)}")
        end = datetime.now(UTC) + timedelta(seconds=0.4)
        ends: dict[str, Any] = {
            "number": end.timestamp(),
            "text": end.isoformat(),
            "datetime": end,
            "naive": end.replace(tzinfo=None),
        }
        return lends(access_key_id=f"lent{len(calls)}", expires=ends[form])

    given = {"endpoint_url": s3.url, "credentials": lend}
    array = zarrite.open_array(f"s3://{s3.bucket}/a", mode="r", storage_options=given)
    assert array[0, 0] == 1
    first = len(calls)
    time.sleep(0.45)
    assert array[20, 20] == CELLS[20, 20]
    assert len(calls) > first


@pytest.mark.parametrize("wrong", [None, {}, {"access_key_id": "a"}, "key"])
def test_credentials_that_are_none_are_refused(s3: Server, wrong: Any) -> None:
    with pytest.raises(TypeError, match="credentials"):
        zarrite.open_array(
            f"s3://{s3.bucket}/a", mode="r", storage_options={"endpoint_url": s3.url, "credentials": lambda: wrong}
        )


def test_a_plain_web_server_is_read_and_not_written_or_listed(web: Server, site: str) -> None:
    store = zarrite.open_array(site, mode="r").store
    assert store.read_only
    assert store.get("c/9/9").result() is None
    with pytest.raises(PermissionError):
        store.put("k", b"").result()
    with pytest.raises(StoreError, match="list"):
        store.list("").result()


@pytest.mark.parametrize("knobs", [{"ranges": False}, {"suffix_ranges": "whole"}, {"suffix_ranges": "refuse"}], ids=str)
def test_shards_are_read_from_web_servers_of_every_kind(web: Server, knobs: dict[str, Any]) -> None:
    array = zarrite.create_array({}, shape=(64, 64), chunks=(16, 16), shards=(64, 64), dtype="i4")
    array[...] = CELLS
    for key in array.store.list("").result():
        web.write(f"s/{key}", array.store.get(key).result() or b"")
    web.turn(**knobs)
    found = zarrite.open_array(f"{web.url}/s", mode="r")
    np.testing.assert_array_equal(found[20:40, 3], CELLS[20:40, 3])


def test_an_s3_store_may_be_signed_by_a_function(s3: Server) -> None:
    made(s3)
    array = opened(s3, sign=lambda method, url: {"authorization": "mine"})
    assert array[0, 0] == 1
    s3.settle()
    assert {line.headers["authorization"] for line in s3.requests()} == {"mine"}
