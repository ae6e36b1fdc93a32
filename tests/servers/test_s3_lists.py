"""The S3 server of the tests answers as S3 does: lists, deletions of many, objects in parts."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings, strategies as st

from servers.asking import Answer, ask
from servers.objects import Bucket, Stored
from servers.s3 import Server

KEYS = ["a", "b/1", "b/2", "b/c/3", "b0", "d//e", "é/x"]


@pytest.fixture
def filled(s3: Server) -> Server:
    for key in KEYS:
        s3.write(key, key.encode())
    return s3


def listed(server: Server, **query: object) -> Answer:
    words = "&".join(f"{name.replace('_', '-')}={quote(str(value))}" for name, value in query.items())
    return ask(server, "GET", f"/bucket?list-type=2&{words}")


def prefixes(answer: Answer) -> list[str]:
    return re.findall("<CommonPrefixes><Prefix>(.*?)</Prefix></CommonPrefixes>", answer.body.decode())


def test_a_list_holds_every_key_in_order(filled: Server) -> None:
    answer = listed(filled)
    assert answer.told("Key") == sorted(KEYS)
    assert answer.told("Size") == [str(len(key.encode())) for key in sorted(KEYS)]
    assert answer.told("KeyCount") == ["7"]
    assert answer.told("IsTruncated") == ["false"]
    assert listed(filled, prefix="b/").told("Key") == ["b/1", "b/2", "b/c/3"]
    assert listed(filled, prefix="none").told("Key") == []


def test_a_delimiter_folds_what_lies_below(filled: Server) -> None:
    answer = listed(filled, delimiter="/")
    assert (answer.told("Key"), prefixes(answer)) == (["a", "b0"], ["b/", "d/", "é/"])
    answer = listed(filled, delimiter="/", prefix="b/")
    assert (answer.told("Key"), prefixes(answer)) == (["b/1", "b/2"], ["b/c/"])
    answer = listed(filled, delimiter="/", prefix="d/")
    assert (answer.told("Key"), prefixes(answer)) == ([], ["d//"])


@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_pages_follow_one_another(filled: Server, delimiter: str, most: int) -> None:
    keys, folded, token = [], [], ""
    while True:
        query = {"continuation_token": token} if token else {}
        answer = listed(filled, delimiter=delimiter, max_keys=most, **query)
        keys += answer.told("Key")
        folded += prefixes(answer)
        if answer.told("IsTruncated") == ["false"]:
            break
        assert len(answer.told("Key")) + len(prefixes(answer)) == most
        (token,) = answer.told("NextContinuationToken")
    assert keys == (["a", "b0"] if delimiter else sorted(KEYS))
    assert folded == (["b/", "d/", "é/"] if delimiter else [])


def test_a_list_may_start_after_a_key(filled: Server) -> None:
    assert listed(filled, start_after="b/2").told("Key") == ["b/c/3", "b0", "d//e", "é/x"]
    assert listed(filled, start_after="b/9").told("Key") == ["b/c/3", "b0", "d//e", "é/x"]


def test_keys_come_escaped_when_asked_and_are_xml_when_not(s3: Server) -> None:
    key = "a b&<\x01é+%"
    s3.write(key, b"")
    answer = listed(s3, encoding_type="url")
    assert [unquote(each) for each in answer.told("Key")] == [key]
    assert listed(s3).told("Key") == ["a b&amp;&lt;&#x1;é+%"]


def test_a_list_refuses_what_it_does_not_understand(s3: Server) -> None:
    assert listed(s3, max_keys="x").code == "InvalidArgument"
    assert listed(s3, continuation_token="x").code == "InvalidArgument"
    assert listed(s3, max_keys=0).told("KeyCount") == ["0"]
    s3.turn(page=1)
    s3.write("a", b"")
    s3.write("b", b"")
    assert listed(s3).told("Key") == ["a"]


def test_the_first_version_of_lists_has_markers(filled: Server) -> None:
    answer = ask(filled, "GET", "/bucket?delimiter=/&max-keys=2")
    assert (answer.told("Key"), prefixes(answer), answer.told("NextMarker")) == (["a"], ["b/"], ["b/"])
    answer = ask(filled, "GET", "/bucket?delimiter=/&marker=b/")
    assert (answer.told("Key"), prefixes(answer)) == (["b0"], ["d/", "é/"])


@settings(max_examples=50)
@given(
    st.sets(st.text("ab/\U0010ffff", min_size=1, max_size=5), max_size=12),
    st.text("ab/", max_size=2),
    st.sampled_from(["", "/", "b/", "\U0010ffff"]),
    st.integers(1, 4),
)
def test_pages_of_any_size_hold_what_one_holds(keys: set[str], prefix: str, delimiter: str, most: int) -> None:
    bucket = Bucket()
    for key in keys:
        bucket.put(key, Stored(b"", '""', {}))
    plain, folded = [], []
    for key in sorted(key for key in keys if key.startswith(prefix)):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            plain.append(key)
        elif key[: cut + len(delimiter)] not in folded:
            folded.append(key[: cut + len(delimiter)])
    found_keys, found_prefixes, after, is_prefix = [], [], "", False
    while True:
        page = bucket.page(prefix, delimiter, after, is_prefix, most)
        found_keys += page.keys
        found_prefixes += page.prefixes
        after, is_prefix = page.last, page.last_is_prefix
        if not page.more:
            break
    assert (found_keys, found_prefixes) == (plain, folded)


def deleted(server: Server, inside: str) -> Answer:
    return ask(server, "POST", "/bucket?delete", f'<Delete xmlns="http://x/">{inside}</Delete>'.encode())


def test_many_are_deleted_at_once(filled: Server) -> None:
    answer = deleted(filled, "<Object><Key>a</Key></Object><Object><Key>none</Key></Object>")
    assert (answer.status, answer.told("Key")) == (200, ["a", "none"])
    assert "a" not in filled.keys()  # noqa: SIM118
    filled.turn(denied=["b/"])
    answer = deleted(filled, "<Quiet>true</Quiet><Object><Key>b/1</Key></Object><Object><Key>b0</Key></Object>")
    assert (answer.told("Key"), answer.told("Code")) == (["b/1"], ["AccessDenied"])
    assert filled.keys("b") == ["b/1", "b/2", "b/c/3"]
    filled.turn(batch_deletes=False)
    assert deleted(filled, "<Object><Key>a</Key></Object>").code == "NotImplemented"


def test_a_deletion_that_is_no_xml_is_refused(s3: Server) -> None:
    assert ask(s3, "POST", "/bucket?delete", b"<Delete>").code == "MalformedXML"
    assert ask(s3, "POST", "/bucket?delete", b'<!DOCTYPE x [<!ENTITY a "b">]><Delete/>').code == "MalformedXML"
    assert deleted(s3, "").code == "MalformedXML"
    assert deleted(s3, "<Object><Key>a</Key></Object>" * 1001).code == "MalformedXML"


def begun(server: Server, key: str = "big") -> str:
    return ask(server, "POST", f"/bucket/{key}?uploads", Content_Type="text/plain").told("UploadId")[0]


def completed(server: Server, upload: str, parts: list[tuple[int, str]], **headers: str) -> Answer:
    inside = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    body = f"<CompleteMultipartUpload>{inside}</CompleteMultipartUpload>".encode()
    return ask(server, "POST", f"/bucket/big?uploadId={upload}", body, **headers)


def part(server: Server, upload: str, number: int, data: bytes) -> tuple[int, str]:
    return number, ask(server, "PUT", f"/bucket/big?partNumber={number}&uploadId={upload}", data).headers["etag"]


def test_an_object_in_parts_is_seen_when_it_is_complete(s3: Server) -> None:
    s3.turn(smallest_part=2)
    upload = begun(s3)
    second, first = part(s3, upload, 2, b"c"), part(s3, upload, 1, b"ab")
    assert ask(s3, "GET", f"/bucket/big?uploadId={upload}").told("PartNumber") == ["1", "2"]
    assert ask(s3, "GET", "/bucket?uploads").told("UploadId") == [upload]
    assert s3.read("big") is None
    answer = completed(s3, upload, [first, second])
    assert answer.status == 200
    assert answer.told("ETag")[0].endswith('-2"')
    got = ask(s3, "GET", "/bucket/big")
    assert (got.body, got.headers["content-type"]) == (b"abc", "text/plain")
    assert completed(s3, upload, [first]).code == "NoSuchUpload"


def test_an_upload_that_is_not_right_is_refused(s3: Server) -> None:
    upload = begun(s3)
    first, second = part(s3, upload, 1, b"ab"), part(s3, upload, 2, b"c")
    assert completed(s3, upload, [second, first]).code == "InvalidPartOrder"
    assert completed(s3, upload, [(1, '"x"')]).code == "InvalidPart"
    assert completed(s3, upload, [(3, first[1])]).code == "InvalidPart"
    assert completed(s3, upload, [first, second]).code == "EntityTooSmall"
    assert completed(s3, upload, []).code == "MalformedXML"
    assert ask(s3, "PUT", f"/bucket/big?partNumber=0&uploadId={upload}", b"").code == "InvalidArgument"
    assert ask(s3, "PUT", f"/bucket/other?partNumber=1&uploadId={upload}", b"").code == "NoSuchUpload"
    s3.write("big", b"there")
    assert completed(s3, upload, [first], If_None_Match="*").status == 412
    assert ask(s3, "DELETE", f"/bucket/big?uploadId={upload}").status == 204
    assert completed(s3, upload, [first]).code == "NoSuchUpload"
    assert s3.read("big") == b"there"


def test_a_part_may_be_copied(s3: Server) -> None:
    s3.write("a", b"0123456789")
    upload = begun(s3)
    where = f"/bucket/big?partNumber=1&uploadId={upload}"
    told = ask(s3, "PUT", where, x_amz_copy_source="bucket/a", x_amz_copy_source_range="bytes=2-4").told("ETag")
    assert completed(s3, upload, [(1, told[0])]).status == 200
    assert s3.read("big") == b"234"
