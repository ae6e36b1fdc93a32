"""What each thing costs in requests to a server, held to its budget on the server's own ledger."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from stores.remotes import CELLS, asked, made, opened, options, store_at


def methods(requests: list[tuple[str, str, str, int]]) -> list[str]:
    return [method for method, *_ in requests]


@pytest.fixture
def group(s3: Server) -> zarrite.Group:
    return zarrite.create_group(store_at(s3))


def test_opening_a_group_is_one_get(s3: Server, group: zarrite.Group) -> None:
    place = f"s3://{s3.bucket}/data"
    assert asked(s3, lambda: zarrite.open_group(place, mode="r", storage_options=options(s3))) == [
        ("GET", "data/zarr.json", "", 200)
    ]
    assert asked(s3, lambda: zarrite.open(place, mode="r", storage_options=options(s3))) == [
        ("GET", "data/zarr.json", "", 200)
    ]


def test_opening_an_array_is_one_get(s3: Server) -> None:
    made(s3)
    assert asked(s3, lambda: opened(s3)) == [("GET", "a/zarr.json", "", 200)]


def test_an_array_in_a_group_is_created_by_one_put_and_one_for_each_missing_ancestor(
    s3: Server, group: zarrite.Group
) -> None:
    settings = {"shape": (4,), "chunks": (2,), "dtype": "i4"}
    assert methods(asked(s3, lambda: group.create_array("a", **settings))) == ["PUT"]
    requests = asked(s3, lambda: group.create_array("x/y/b", **settings))
    assert sorted(key for method, key, *_ in requests if method == "PUT") == [
        "data/x/y/b/zarr.json",
        "data/x/y/zarr.json",
        "data/x/zarr.json",
    ]
    assert methods(requests) == ["PUT"] * 3


def test_whole_chunks_are_one_put_each(s3: Server) -> None:
    array = made(s3)
    assert methods(asked(s3, lambda: array.__setitem__(..., CELLS))) == ["PUT"] * 16
    sharded = made(s3, "s", shards=(32, 32))
    assert methods(asked(s3, lambda: sharded.__setitem__(..., CELLS))) == ["PUT"] * 4


def test_chunks_are_one_get_each(s3: Server) -> None:
    made(s3)
    array = opened(s3)
    assert methods(asked(s3, lambda: array[...])) == ["GET"] * 16
    assert methods(asked(s3, lambda: array[0, 0])) == ["GET"]


def test_the_first_inner_chunk_of_a_shard_is_two_gets_and_the_next_is_one(s3: Server) -> None:
    made(s3, shards=(64, 64))
    array = opened(s3)
    assert methods(asked(s3, lambda: array[0, 0])) == ["GET"] * 2
    assert methods(asked(s3, lambda: array[40, 40])) == ["GET"]
    assert methods(asked(s3, lambda: opened(s3)[20, 20])) == ["GET"] * 2


def test_a_chunk_that_another_machine_added_to_a_held_shard_is_seen(s3: Server) -> None:
    made(s3, shards=(64, 64))
    # Other credentials are another client, which shares nothing with the first.
    other = opened(s3, mode="r+", key="another")
    other[:16, :16] = 0
    array = opened(s3)
    assert array[0, 0] == 0
    other[:16, :16] = 7
    assert array[0, 0] == 7
    # What is not there costs one look at the index, as a chunk that is an object of its own does.
    other[:16, :16] = 0
    assert array[0, 0] == 0
    assert methods(asked(s3, lambda: array[1, 1])) == ["GET"]


def test_a_partial_write_of_a_shard_is_one_get_and_one_conditional_put(s3: Server) -> None:
    made(s3, shards=(64, 64))
    array = opened(s3, mode="r+")
    # The first of a process asks the server, too, whether it looks at conditions.
    array[1, 1] = -2
    s3.settle()
    s3.forget()
    array[0, 0] = -1
    s3.settle()
    get, put = s3.requests()
    assert (get.method, put.method) == ("GET", "PUT")
    assert put.headers["if-match"]
    assert opened(s3)[0, 0] == -1


def test_listing_a_group_is_one_list_and_one_get_for_each_child(s3: Server, group: zarrite.Group) -> None:
    for name in "abc":
        group.create_array(name, shape=(4,), chunks=(2,), dtype="i4")
    found = zarrite.open_group(store_at(s3), mode="r")
    requests = asked(s3, lambda: list(found.members()))
    assert sorted(methods(requests)) == ["GET"] * 4
    assert sum(key.endswith("zarr.json") for _, key, *_ in requests) == 3
    assert s3.counts()["ListObjectsV2"] == 1


def test_names_alone_are_one_list(s3: Server, group: zarrite.Group) -> None:
    for name in "abc":
        group.create_array(name, shape=(4,), chunks=(2,), dtype="i4")
    found = zarrite.open_group(store_at(s3), mode="r")
    names: list[str] = []
    assert methods(asked(s3, lambda: names.extend(found.keys()))) == ["GET"]
    assert s3.counts() == {"ListObjectsV2": 1}
    assert sorted(names) == ["a", "b", "c"]


def test_a_consolidated_hierarchy_of_10_000_nodes_is_one_get(s3: Server) -> None:
    node = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    nodes = {f"g{at // 100}/h{at}" if at % 100 else f"g{at // 100}": node for at in range(10_000)}
    copies = {"kind": "inline", "must_understand": False, "metadata": nodes}
    s3.write("data/zarr.json", json.dumps(node | {"consolidated_metadata": copies}).encode())
    found: dict[str, object] = {}
    requests = asked(s3, lambda: found.update(zarrite.open_group(store_at(s3), mode="r").members(max_depth=None)))
    assert requests == [("GET", "data/zarr.json", "", 200)]
    assert len(found) == 10_000


def test_10_000_keys_are_deleted_in_batches(s3: Server) -> None:
    for at in range(10_000):
        s3.write(f"data/k{at}", b"")
    store = store_at(s3)
    s3.settle()
    s3.forget()
    assert store.delete_prefix("").result() == 10_000
    s3.settle()
    assert s3.counts() == {"ListObjectsV2": 10, "DeleteObjects": 10}
    assert s3.keys() == []


def test_keys_that_are_named_are_deleted_in_batches_too(s3: Server) -> None:
    store = store_at(s3)
    keys = [f"k{at}" for at in range(1500)]
    store.put_many([(key, b"") for key in keys]).result()
    s3.settle()
    s3.forget()
    store.delete(keys[1:]).result()
    s3.settle()
    assert s3.counts() == {"DeleteObjects": 2}
    assert s3.keys() == ["data/k0"]
    array = made(s3)
    s3.settle()
    s3.forget()
    array.resize((16, 16))
    s3.settle()
    assert s3.counts()["DeleteObjects"] == 1


def test_a_server_that_deletes_one_by_one_is_asked_so(s3: Server) -> None:
    store = store_at(s3)
    store.put_many([(f"k{at}", b"") for at in range(20)]).result()
    s3.turn(batch_deletes=False)
    assert store.delete_prefix("").result() == 20
    assert s3.keys() == []


def test_there_is_no_head_and_no_list_where_cells_are_read_and_written(s3: Server) -> None:
    for layout in ({}, {"shards": (64, 64)}):
        made(s3, "a", overwrite=True, **layout)
        array = opened(s3, mode="r+")
        s3.settle()
        s3.forget()
        array[3:50, 7] = 5
        array[...]
        array[[1, 5], [2, 60]]
        array[...] = CELLS
        array.resize((64, 80))
        array[:, 70] = np.arange(64)
        s3.settle()
        assert not {"HeadObject", "ListObjectsV2"} & set(s3.counts())
