"""How many requests each operation makes, and that nothing is listed where cells are read and written."""

from __future__ import annotations

import numpy as np
import pytest

import zarrite
from costs.counting import Ledger


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def make(ledger: Ledger, **settings: object) -> zarrite.Array:
    return zarrite.create_array(ledger.store, **{"shape": (64,), "chunks": (8,), "dtype": "i4", **settings})


def kinds(requests: list[tuple[object, ...]]) -> set[object]:
    return {request[0] for request in requests}


def test_creating_an_array_at_the_root_is_one_put(ledger: Ledger) -> None:
    assert ledger.of(lambda: make(ledger)) == [("put", "zarr.json")]


def test_a_missing_parent_costs_one_more_put(ledger: Ledger) -> None:
    assert ledger.of(lambda: make(ledger, name="a")) == [("put", "zarr.json"), ("put", "a/zarr.json")]


def test_a_group_that_is_open_makes_an_array_with_one_put(ledger: Ledger) -> None:
    group = zarrite.create_group(ledger.store)
    requests = ledger.of(lambda: group.create_array("a", shape=(8,), chunks=(4,), dtype="i4"))
    assert requests == [("put", "a/zarr.json")]


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_opening_an_array_is_one_get(ledger: Ledger, mode: str) -> None:
    make(ledger, name="a")
    assert ledger.of(lambda: zarrite.open_array(ledger.store, path="a", mode=mode)) == [("get", "a/zarr.json")]
    assert ledger.of(lambda: zarrite.open(ledger.store, path="a", mode=mode)) == [("get", "a/zarr.json")]


def test_opening_a_group_is_one_get(ledger: Ledger) -> None:
    zarrite.create_group(ledger.store, path="g")
    assert ledger.of(lambda: zarrite.open_group(ledger.store, path="g", mode="r")) == [("get", "g/zarr.json")]
    assert ledger.of(lambda: zarrite.open(ledger.store, path="g", mode="r")) == [("get", "g/zarr.json")]


def test_a_handle_that_exists_asks_for_nothing(ledger: Ledger) -> None:
    array = make(ledger)
    told = lambda: (array.shape, array.dtype, array.attrs.get("x"), array.chunks, repr(array), array.nchunks)  # noqa: E731
    assert ledger.of(told) == []


def test_whole_chunks_are_one_put_each(ledger: Ledger) -> None:
    array = make(ledger)
    requests = ledger.of(lambda: array.write(..., np.arange(64, dtype="i4") + 1))
    assert sorted(requests) == [("put", f"c/{number}") for number in range(8)]


def test_whole_edge_chunks_are_one_put_each(ledger: Ledger) -> None:
    array = make(ledger, shape=(60,), chunks=(8,))
    requests = ledger.of(lambda: array.write(slice(40, None), 7))
    assert sorted(requests) == [("put", f"c/{number}") for number in (5, 6, 7)]


def test_part_of_a_chunk_is_one_get_and_one_put(ledger: Ledger) -> None:
    array = make(ledger)
    array[...] = 1
    assert ledger.of(lambda: array.write(slice(3, 5), 2)) == [("get", "c/0"), ("put", "c/0")]


def test_a_chunk_of_fill_values_is_one_delete(ledger: Ledger) -> None:
    array = make(ledger)
    array[...] = 1
    assert ledger.of(lambda: array.write(slice(0, 8), 0)) == [("delete", "c/0")]
    assert kinds(ledger.of(lambda: array.write(slice(16, 24), 0))) <= {"delete"}


def test_whole_shards_are_one_put_each(ledger: Ledger) -> None:
    array = make(ledger, shards=(32,))
    requests = ledger.of(lambda: array.write(..., np.arange(64, dtype="i4") + 1))
    assert sorted(requests) == [("put", "c/0"), ("put", "c/1")]


def test_one_chunk_of_a_shard_is_written_with_one_get_and_one_put(ledger: Ledger) -> None:
    array = make(ledger, shards=(64,))
    array[...] = 1
    assert ledger.of(lambda: array.write(slice(0, 8), 2)) == [("get", "c/0"), ("put", "c/0")]


def test_a_read_is_one_get_a_chunk(ledger: Ledger) -> None:
    array = make(ledger)
    array[...] = 1
    assert ledger.of(lambda: array[0:1]) == [("get", "c/0")]
    assert sorted(ledger.of(lambda: array[7:17])) == [("get", f"c/{number}") for number in (0, 1, 2)]
    assert sorted(ledger.of(lambda: array[::-1])) == [("get", f"c/{number}") for number in range(8)]
    assert sorted(ledger.of(lambda: array.vindex[[1, 60, 2, 61, 1]])) == [("get", "c/0"), ("get", "c/7")]
    assert sorted(ledger.of(lambda: array.oindex[[63, 0, 62]])) == [("get", "c/0"), ("get", "c/7")]


def test_a_chunk_that_is_not_there_costs_one_get(ledger: Ledger) -> None:
    array = make(ledger)
    assert ledger.of(lambda: array[3]) == [("get", "c/0")]


def test_a_shard_is_read_by_its_index_and_the_chunk_then_by_the_chunk_alone(ledger: Ledger) -> None:
    array = make(ledger, shards=(64,), compressors=None)
    array[...] = np.arange(64)
    cold = ledger.of(lambda: array[0])
    assert cold == [("open", "c/0"), ("read", "c/0", 256, 388), ("read", "c/0", 0, 32)]
    second = [request for request in ledger.of(lambda: array[8]) if request[0] != "is_current"]
    assert second == [("read", "c/0", 32, 64)]


def test_neighbours_in_a_shard_are_read_together(ledger: Ledger) -> None:
    array = make(ledger, shards=(64,), compressors=None)
    array[...] = np.arange(64)
    requests = ledger.of(lambda: array[...])
    assert requests == [("open", "c/0"), ("read", "c/0", 256, 388), ("read", "c/0", 0, 256)]


def test_a_shard_that_changed_is_not_read_by_its_old_index(ledger: Ledger) -> None:
    array = make(ledger, shards=(64,))
    array[...] = np.arange(64)
    other = zarrite.open_array(ledger.store, mode="r")
    assert other[9] == 9
    array[8:16] = np.random.default_rng(1).integers(0, 2**31, 8)
    assert other[9] == array[9] != 9


def test_a_shard_that_is_not_there_costs_one_request(ledger: Ledger) -> None:
    array = make(ledger, shards=(64,))
    assert ledger.of(lambda: array[3]) == [("open", "c/0")]


def test_nothing_is_listed_or_looked_up_on_the_way_of_cells(ledger: Ledger) -> None:
    array = make(ledger, shards=(32,))

    def work() -> None:
        array[...] = 5
        array[3] = 6
        array.oindex[[1, 2]] = 7
        array.vindex[[40]] = 8
        array.blocks[1] = 9
        assert array[3] == 6
        array.append(np.ones(7, "i4"))
        array.resize((66,))

    requests = ledger.of(work)
    assert kinds(requests) <= {"get", "put", "delete", "open", "read", "is_current"}
    documents = [request for request in requests if request[1] == "zarr.json"]
    # One of each for the append, and for the resize.
    assert documents == [("get", "zarr.json"), ("put", "zarr.json")] * 2


def test_an_append_writes_its_chunks_and_the_document(ledger: Ledger) -> None:
    array = make(ledger)
    requests = ledger.of(lambda: array.append(np.ones(16, "i4")))
    assert requests[0] == ("get", "zarr.json")
    assert sorted(requests[1:-1]) == [("put", "c/8"), ("put", "c/9")]
    assert requests[-1] == ("put", "zarr.json")


def test_attributes_are_written_once_a_call(ledger: Ledger) -> None:
    array = make(ledger)
    assert ledger.of(lambda: array.attrs.update({"a": 1, "b": 2})) == [("get", "zarr.json"), ("put", "zarr.json")]
    assert ledger.of(lambda: array.attrs["a"]) == []


def test_names_of_members_cost_one_listing(ledger: Ledger) -> None:
    group = zarrite.create_group(ledger.store)
    for number in range(5):
        group.create_array(f"a{number}", shape=(8,), chunks=(4,), dtype="i4")
    group = zarrite.open_group(ledger.store, mode="r")
    assert ledger.of(lambda: list(group.keys())) == [("list_dir", "")]
    assert ledger.of(lambda: len(group)) == [("list_dir", "")]
    assert ledger.of(lambda: list(group)) in ([("list_dir", "")], [("list_dir", "")] * 2)
    assert ledger.of(lambda: "a3" in group) == [("get", "a3/zarr.json")]
    assert ledger.of(lambda: group["a3"]) == [("get", "a3/zarr.json")]


def test_members_cost_one_listing_and_a_document_each(ledger: Ledger) -> None:
    group = zarrite.create_group(ledger.store)
    for number in range(5):
        group.create_array(f"a{number}", shape=(8,), chunks=(4,), dtype="i4")
    requests = ledger.of(lambda: list(group.arrays()))
    assert requests[0] == ("list_dir", "")
    assert sorted(requests[1:]) == [("get", f"a{number}/zarr.json") for number in range(5)]


def test_a_deep_member_is_found_without_its_parents(ledger: Ledger) -> None:
    make(ledger, name="x/y/z")
    group = zarrite.open_group(ledger.store, mode="r")
    assert ledger.of(lambda: group["x/y/z"]) == [("get", "x/y/z/zarr.json")]


def test_a_stride_touches_only_the_chunks_it_meets(ledger: Ledger) -> None:
    array = make(ledger, shape=(10**9,), chunks=(10,))
    requests = ledger.of(lambda: array[:: 10**7])
    assert len(requests) == 100
    assert set(requests) == {("get", f"c/{number}") for number in range(0, 10**8, 10**6)}


def test_a_stride_over_shards_touches_only_the_shards_it_meets(ledger: Ledger) -> None:
    array = make(ledger, shape=(10**9,), chunks=(10,), shards=(1000,))
    assert len(ledger.of(lambda: array[:: 10**7])) == 100


def test_a_stride_writes_only_the_chunks_it_meets(ledger: Ledger) -> None:
    array = make(ledger, shape=(10**9,), chunks=(10,))
    requests = ledger.of(lambda: array.write(slice(None, None, 10**7), np.arange(1, 101)))
    assert len({request[1] for request in requests}) == 100
    np.testing.assert_array_equal(array[:: 10**7], np.arange(1, 101))


def test_growing_an_array_of_many_chunks_is_one_get_and_one_put(ledger: Ledger) -> None:
    array = make(ledger, shape=(10**6,), chunks=(1,))
    assert ledger.of(lambda: array.resize((10**12,))) == [("get", "zarr.json"), ("put", "zarr.json")]


def test_format_2_is_found_by_its_own_documents_alone_when_it_is_named(ledger: Ledger) -> None:
    make(ledger, zarr_format=2)
    requests = ledger.of(lambda: zarrite.open_array(ledger.store, mode="r", zarr_format=2))
    assert "zarr.json" not in {request[1] for request in requests}
    assert 1 <= len(requests) <= 4


def test_members_of_format_2_are_found_without_their_copies_where_nothing_can_be_changed(ledger: Ledger) -> None:
    array = make(ledger, name="g/a", zarr_format=2)
    zarrite.consolidate_metadata(ledger.store, path="g", zarr_format=2)
    group = zarrite.open_group(ledger.store, mode="r", zarr_format=2)
    names = [".zarray", ".zgroup", ".zattrs"]
    assert ledger.of(lambda: group["g/a"]) == [("get", f"g/a/{name}") for name in names]
    assert ledger.of(lambda: group["g"]) == [("get", f"g/{name}") for name in names]
    listing = ledger.of(group["g"].members)
    assert [key for verb, key, *_ in listing if verb == "get"] == [f"g/a/{name}" for name in names]
    assert group["g"]["a"] == array
    # Who may change something has to know of every copy.
    writable = zarrite.open_group(ledger.store, mode="r+", zarr_format=2)
    writable["g"].create_group("new")
    assert "new" in zarrite.open_consolidated(ledger.store, path="g")


def test_a_group_below_that_has_nothing_but_copies_is_found(ledger: Ledger) -> None:
    make(ledger, name="g/a", zarr_format=2)
    zarrite.consolidate_metadata(ledger.store, path="g", zarr_format=2)
    ledger.store.delete(["g/.zgroup"]).result()
    group = zarrite.open_group(ledger.store, mode="r", zarr_format=2)
    assert "a" in group["g"]
    assert [name for name, _ in group.members(None)] == ["g", "g/a"]


def test_n5_is_asked_for_only_after_the_others_were_not_there(ledger: Ledger) -> None:
    make(ledger, name="two", zarr_format=2)
    requests = ledger.of(lambda: zarrite.open_array(ledger.store, path="two", mode="r"))
    assert [key for _, key, *_ in requests if "attributes.json" in str(key)] == []
    ledger.store.put("five/attributes.json", b"{}").result()
    requests = ledger.of(lambda: zarrite.open_group(ledger.store, path="five", mode="r"))
    assert requests[0] == ("get", "five/zarr.json")
    assert requests[-1] == ("get", "five/attributes.json")
    assert len(requests) == 6


def test_a_change_asks_for_no_copies_where_none_are_known(ledger: Ledger) -> None:
    make(ledger, name="g/h/a")
    group = zarrite.open_group(ledger.store)
    array = group["g/h/a"]
    assert ledger.of(lambda: array.attrs.update(x=1)) == [
        ("get", "g/h/a/zarr.json"),
        ("put", "g/h/a/zarr.json"),
    ]
    assert ledger.of(lambda: group.create_array("b", shape=(8,), chunks=(4,), dtype="i4")) == [("put", "b/zarr.json")]


def test_a_change_below_consolidated_documents_costs_one_get_and_one_put_more(ledger: Ledger) -> None:
    make(ledger, name="a")
    zarrite.consolidate_metadata(ledger.store)
    array = zarrite.open_group(ledger.store)["a"]
    assert ledger.of(lambda: array.attrs.update(x=1)) == [
        (verb, key) for key in ("a/zarr.json", "zarr.json") for verb in ("get", "put")
    ]
    with zarrite.config.set({"consolidated.on_write": "keep"}):
        assert ledger.of(lambda: array.attrs.update(x=2)) == [("get", "a/zarr.json"), ("put", "a/zarr.json")]
