"""What a 403 means: an error, unless the user says otherwise; and never fill values for a credential that has ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from stores.remotes import asked, made, opened, options, store_at
from zarrite.errors import StoreError, StorePermissionError, UrlError


@pytest.fixture
def hole(s3: Server) -> Server:
    """A server that answers 403 for keys that are not there, and lacks one chunk of `a`."""
    made(s3)
    s3.remove("a/c/1/1")
    s3.turn(missing_status=403)
    return s3


def test_a_403_is_an_error_that_names_the_way_out(hole: Server) -> None:
    array = opened(hole)
    with pytest.raises(PermissionError, match=r"403 Forbidden, AccessDenied.*missing_status.*auto") as caught:
        array[...]
    assert isinstance(caught.value, StorePermissionError)
    assert array[0, 0] == 1


@pytest.mark.parametrize("codes", [{404, 403}, [403, 404], (403,), "403,404", "auto"])
def test_a_403_is_a_missing_chunk_where_the_user_says_so(hole: Server, codes: Any) -> None:
    array = opened(hole, missing_status=codes)
    assert not array[16:32, 16:32].any()
    assert array[0, 0] == 1


def test_auto_takes_a_403_for_missing_only_while_another_key_can_be_read(hole: Server) -> None:
    array = opened(hole, missing_status="auto")
    requests = asked(hole, lambda: array[16:32, 16:32])
    assert requests == [("GET", "a/c/1/1", "", 403), ("GET", "a/zarr.json", "bytes=0-0", 206)]
    # The credential ends: what could be read once can no longer be.
    hole.turn(denied=[""])
    with pytest.raises(PermissionError, match="no key of this place could be read since"):
        array[16:32, 16:32]
    with pytest.raises(PermissionError):
        array[0, 0]


def test_auto_shares_one_probe_among_those_who_wait(hole: Server) -> None:
    for at in np.ndindex(4, 4):
        hole.remove(f"a/c/{at[0]}/{at[1]}")
    array = opened(hole, missing_status="auto")
    requests = asked(hole, lambda: array[...])
    assert sum(status == 403 for *_, status in requests) == 16
    assert 1 <= sum(status == 206 for *_, status in requests) <= 16
    assert not array[...].any()


def test_auto_opens_format_2_where_the_format_is_named(s3: Server) -> None:
    array = zarrite.create_array(store_at(s3, "a"), shape=(4,), chunks=(2,), dtype="i4", zarr_format=2)
    array[:2] = 5
    s3.turn(missing_status=403)
    place, given = f"s3://{s3.bucket}/a", options(s3, missing_status="auto")
    found = zarrite.open_array(place, mode="r", zarr_format=2, storage_options=given)
    assert found[...].tolist() == [5, 5, 0, 0]


def test_auto_refuses_where_nothing_was_read_yet(s3: Server) -> None:
    s3.turn(missing_status=403)
    with pytest.raises(PermissionError):
        zarrite.open_array(store_at(s3, missing_status="auto"), mode="r")


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "RequestExpired"])
@pytest.mark.parametrize("codes", [None, "auto", {404, 403, 401, 400}])
def test_a_credential_that_has_ended_never_reads_as_fill_values(s3: Server, status: int, code: str, codes: Any) -> None:
    made(s3)
    array = opened(s3, missing_status=codes)
    s3.turn(faults=[{"kind": "status", "status": status, "code": code}])
    with pytest.raises(PermissionError, match="credentials are wrong or have ended"):
        array[...]


def test_a_refused_listing_is_never_an_empty_one(s3: Server) -> None:
    store = store_at(s3, missing_status={404, 403})
    store.put("a/zarr.json", b"{}").result()
    s3.turn(faults=[{"kind": "status", "status": 403, "operation": "ListObjectsV2"}])
    with pytest.raises(PermissionError):
        store.list("").result()
    with pytest.raises(PermissionError):
        store.list_dir("").result()


def test_a_wrong_key_is_refused_and_not_empty(s3: Server) -> None:
    made(s3)
    s3.turn(access_key="another")
    with pytest.raises(PermissionError):
        opened(s3, key="wrong")


def test_a_bucket_that_is_not_there_is_told_when_written(s3: Server) -> None:
    with pytest.raises(StoreError, match="NoSuchBucket"):
        zarrite.create_group("s3://elsewhere/g", storage_options=options(s3))


@pytest.mark.parametrize("codes", ["sometimes", {500}, "", 200])
def test_a_setting_that_makes_no_sense_is_refused(s3: Server, codes: Any) -> None:
    with pytest.raises(UrlError, match="missing_status"):
        opened(s3, missing_status=codes)
