"""How many requests a copy and a deletion make on a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import zarrite
from servers.s3 import Server

CHUNKS = 300


def counts(server: Server) -> dict[str, int]:
    """The requests since last asked."""
    server.settle()
    found = server.counts()
    server.forget()
    return found


def fill(tmp_path: Path) -> str:
    zarrite.create_array(tmp_path / "a.zarr", data=np.arange(CHUNKS) + 1, chunks=(1,))
    return str(tmp_path / "a.zarr")


def test_a_copy_to_a_bucket_is_a_put_for_each_object(s3: Server, tmp_path: Path) -> None:
    zarrite.copy(fill(tmp_path), "s3://bucket/a", target_options=s3.options())
    assert counts(s3) == {"ListObjectsV2": 1, "PutObject": CHUNKS + 1}


def test_a_copy_from_a_bucket_is_one_list_and_a_get_for_each_object(s3: Server, tmp_path: Path) -> None:
    zarrite.copy(fill(tmp_path), "s3://bucket/a", target_options=s3.options())
    counts(s3)
    zarrite.copy("s3://bucket/a", {}, source_options=s3.options())
    assert counts(s3) == {"ListObjectsV2": 1, "GetObject": CHUNKS + 2}  # one get to see that there is a node


def test_a_copy_within_a_bucket_is_made_by_the_server(s3: Server, tmp_path: Path) -> None:
    zarrite.copy(fill(tmp_path), "s3://bucket/a", target_options=s3.options())
    counts(s3)
    zarrite.copy("s3://bucket/a", "s3://bucket/b", source_options=s3.options(), target_options=s3.options())
    assert counts(s3) == {"ListObjectsV2": 2, "GetObject": 1, "CopyObject": CHUNKS + 1}


def test_many_copies_are_under_way_at_once(s3: Server, tmp_path: Path) -> None:
    source = fill(tmp_path)
    s3.turn(latency=0.05)
    zarrite.copy(source, "s3://bucket/a", target_options=s3.options())
    assert 64 <= s3.summary()["most_in_flight"] <= 256


def test_ten_thousand_objects_are_deleted_in_batches(s3: Server) -> None:
    group = zarrite.create_group("s3://bucket/a", storage_options=s3.options())
    objects = s3.state.bucket("bucket")
    document = objects.get("a/zarr.json", 0.0)
    assert document is not None
    for key in range(9_999):
        objects.put(f"a/x/c/{key}", document)
    counts(s3)
    assert zarrite.delete(group).objects == 10_000
    # One batch is the document's alone: batches are not carried out in order.
    assert counts(s3) == {"GetObject": 1, "ListObjectsV2": 10, "DeleteObjects": 11}
    assert s3.keys() == []


def test_a_server_without_batches_is_met_once(s3: Server, tmp_path: Path) -> None:
    s3.turn(batch_deletes=False)
    zarrite.copy(fill(tmp_path), "s3://bucket/a", target_options=s3.options())
    group = zarrite.open("s3://bucket/a", storage_options=s3.options())
    counts(s3)
    zarrite.delete(group)
    assert counts(s3)["DeleteObject"] == CHUNKS + 1
    assert s3.keys() == []


def test_a_rehearsal_lists_and_no_more(s3: Server, tmp_path: Path) -> None:
    zarrite.copy(fill(tmp_path), "s3://bucket/a", target_options=s3.options())
    counts(s3)
    done = zarrite.delete("s3://bucket/a", storage_options=s3.options(), dry_run=True)
    assert done.objects == CHUNKS + 1
    assert counts(s3) == {"GetObject": 1, "ListObjectsV2": 1}
