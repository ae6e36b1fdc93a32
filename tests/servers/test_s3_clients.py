"""The clients that people use find an S3 in the server of the tests."""

from __future__ import annotations

from typing import Any

import pytest

from servers.s3 import Server

BIG = bytes(range(256)) * 4096 * 12
"""12 MiB: several parts of an upload."""


@pytest.fixture
def obstore() -> Any:
    pytest.importorskip("obstore.store")
    return pytest.importorskip("obstore")


def test_obstore_reads_and_writes(s3: Server, obstore: Any) -> None:
    store = obstore.store.S3Store(s3.bucket, **s3.options())
    written = obstore.put(store, "a/b c", b"0123456789", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(store, "a/b c", b"x", mode="create")
    obstore.put(store, "a/b c", b"abcdefghij", mode={"e_tag": written["e_tag"]})
    with pytest.raises(obstore.exceptions.PreconditionError):
        obstore.put(store, "a/b c", b"x", mode={"e_tag": written["e_tag"]})
    assert bytes(obstore.get_range(store, "a/b c", start=2, length=3)) == b"cde"
    assert bytes(obstore.get(store, "a/b c", options={"range": {"suffix": 4}}).bytes()) == b"ghij"
    assert obstore.head(store, "a/b c")["size"] == 10
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "none")
    obstore.copy(store, "a/b c", "d")
    obstore.put(store, "big", BIG, chunk_size=5 * 1024 * 1024)
    assert bytes(obstore.get(store, "big").bytes()) == BIG
    assert s3.counts()["UploadPart"] == 3
    listed = obstore.list_with_delimiter(store)
    assert ([each["path"] for each in listed["objects"]], listed["common_prefixes"]) == (["big", "d"], ["a"])
    assert s3.summary()["connections"] >= 1
    obstore.delete(store, ["a/b c", "d", "big"])
    assert s3.keys() == []
    assert s3.counts()["DeleteObjects"] == 1


def test_obstore_lists_page_after_page_and_tries_again(s3: Server, obstore: Any) -> None:
    store = obstore.store.S3Store(s3.bucket, **s3.options(), retry_config={"max_retries": 5})
    for number in range(25):
        s3.write(f"k/{number:02}", b"")
    s3.turn(page=10, faults=[{"status": 503, "every": 2}])
    assert [each["path"] for each in obstore.list(store, "k").collect()] == [f"k/{number:02}" for number in range(25)]
    assert s3.counts("status") == {"200": 3, "503": 2}


def test_obstore_reads_a_plain_web_server(web: Server, obstore: Any) -> None:
    web.write("a/b", b"0123456789")
    store = obstore.store.HTTPStore(web.url, client_options={"allow_http": True})
    assert bytes(obstore.get(store, "a/b").bytes()) == b"0123456789"
    assert bytes(obstore.get_range(store, "a/b", start=2, length=3)) == b"234"
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "none")


def test_boto3_reads_and_writes(s3: Server) -> None:
    boto3 = pytest.importorskip("boto3")
    config = pytest.importorskip("botocore.config").Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    transfer = pytest.importorskip("boto3.s3.transfer")
    io = pytest.importorskip("io")
    client = boto3.client(
        "s3",
        endpoint_url=s3.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=config,
    )
    wrong = client.exceptions.ClientError
    client.put_object(
        Bucket="bucket", Key="a b+c/é", Body=b"0123456789", Metadata={"who": "me"}, ContentType="image/png"
    )
    got = client.get_object(Bucket="bucket", Key="a b+c/é", Range="bytes=-3")
    assert (got["Body"].read(), got["ContentRange"], got["Metadata"]) == (b"789", "bytes 7-9/10", {"who": "me"})
    with pytest.raises(wrong, match="PreconditionFailed"):
        client.put_object(Bucket="bucket", Key="a b+c/é", Body=b"", IfNoneMatch="*")
    with pytest.raises(client.exceptions.NoSuchKey):
        client.get_object(Bucket="bucket", Key="none")
    with pytest.raises(wrong, match="404"):
        client.head_object(Bucket="bucket", Key="none")
    client.copy_object(Bucket="bucket", Key="d", CopySource={"Bucket": "bucket", "Key": "a b+c/é"})
    client.upload_fileobj(io.BytesIO(BIG), "bucket", "big", Config=transfer.TransferConfig(5 << 20, 4, 5 << 20))
    assert client.get_object(Bucket="bucket", Key="big")["Body"].read() == BIG
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket", PaginationConfig={"PageSize": 1})
    assert [each["Key"] for page in pages for each in page["Contents"]] == ["a b+c/é", "big", "d"]
    folded = client.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["a b+c/"]
    gone = client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "d"}, {"Key": "a b+c/é"}]})
    assert [each["Key"] for each in gone["Deleted"]] == ["d", "a b+c/é"]
    assert s3.keys() == ["big"]
    client.close()
