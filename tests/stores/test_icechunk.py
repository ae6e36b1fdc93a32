"""Icechunk: every version is read, transactions commit all or nothing, conflicts are told in regions."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarrite
from servers.s3 import Server
from zarrite.errors import ConflictError, NodeNotFoundError, ReadOnlyError, UrlError
from zarrite.storage import icechunk_store
from zarrite.stores import icechunk as ours

icechunk = pytest.importorskip("icechunk")

CELLS = np.arange(400, dtype="i4").reshape(20, 20)
READS_NATIVELY = hasattr(icechunk.IcechunkStore, "array_chunk_iterator")


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A repository with one commit: the array a, of chunks of 5 x 5 cells, and the sharded array g/s."""
    icechunk.Repository.create(icechunk.local_filesystem_storage(str(tmp_path / "repository")))
    with zarrite.transaction(str(tmp_path / "repository"), message="first") as group:
        group.create_array("a", data=CELLS, chunks=(5, 5), compressors=None)
        group.create_array("g/s", data=CELLS, chunks=(2, 2), shards=(10, 10))
    return str(tmp_path / "repository")


def main(place: Any) -> zarrite.Group:
    """What the branch main holds."""
    group = zarrite.open_group(icechunk_store(place), mode="r")
    assert isinstance(group, zarrite.Group)
    return group


def messages(place: str) -> list[str]:
    repository, _ = ours.open_repository(place)
    return [snapshot.message for snapshot in repository.ancestry(branch="main")]


# ---------------------------------------------------------------- other writers


def versions(data: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Repository, version and what is expected of one node."""
    for entry in json.loads((data / "expected.json").read_text())["entries"]:
        if entry["path"].startswith("icechunk/") and entry["node"]:
            kind, _, rest = entry["node"].partition(" ")
            name, _, path = rest.rpartition(":")
            yield entry["path"], f"{kind}.{name}", {**entry, "node": path.strip("/")}


def test_every_repository_of_other_writers_is_read(data: Path) -> None:
    seen = 0
    for path, version, expected in versions(data):
        try:
            store = ours.icechunk_store(str(data / path), version)
        except icechunk.IcechunkError as error:
            assert "please upgrade" in str(error)
            continue
        node = zarrite.open(store, path=expected["node"], mode="r")
        assert len(node.attrs) == expected["attrs_count"]
        seen += 1
        if isinstance(node, zarrite.Group):
            assert expected["kind"] == "group"
            continue
        assert list(node.shape) == expected["shape"]
        assert list(node.chunks) == expected["chunks"]
        if "error" in expected:
            with pytest.raises(Exception, match="s3://testbucket"):
                node[...]
            continue
        cells = np.ascontiguousarray(node[...])
        assert hashlib.sha256(cells.tobytes()).hexdigest() == expected["sha256"]
    assert seen >= 20


# ---------------------------------------------------------------- reading


def test_a_repository_a_session_and_a_store_are_places(place: str) -> None:
    repository, _ = ours.open_repository(place)
    session = repository.readonly_session("main")
    for found in (repository, session, session.store):
        group = zarrite.open_group(found, mode="r")
        np.testing.assert_array_equal(group["a"][...], CELLS)  # type: ignore[union-attr]
        np.testing.assert_array_equal(group["g/s"][3:17, ::3], CELLS[3:17, ::3])  # type: ignore[union-attr]
        with pytest.raises(ReadOnlyError):
            zarrite.open_group(found, mode="r+")


def test_branches_tags_snapshots_and_times(place: str) -> None:
    repository, _ = ours.open_repository(place)
    first = next(iter(repository.ancestry(branch="main")))
    repository.create_tag("v1", first.id)
    repository.create_branch("side", first.id)
    with zarrite.transaction(place, message="second", branch="side") as group:
        group["a"][0, 0] = -1  # type: ignore[index]
    with zarrite.transaction(place, message="third") as group:
        group["a"][0, 0] = -2  # type: ignore[index]
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, -2),
        ({"branch": "side"}, -1),
        ({"tag": "v1"}, 0),
        ({"snapshot": first.id}, 0),
        ({"as_of": first.written_at}, 0),
        ({"branch": "side", "as_of": first.written_at}, 0),
    ]
    for version, value in asked:
        assert zarrite.open_array(icechunk_store(place, **version), path="a", mode="r")[0, 0] == value
    for text, value in (("branch.side", -1), ("tag.v1", 0), (first.id, 0)):
        assert zarrite.open_array(ours.icechunk_store(place, text), path="a", mode="r")[0, 0] == value
    assert icechunk_store(place, tag="v1").url == f"{place}|icechunk://{first.id}/"


def test_stages_of_urls_lead_to_versions_and_transactions(place: str) -> None:
    np.testing.assert_array_equal(zarrite.open_array(f"{place}|icechunk:a", mode="r")[...], CELLS)
    with zarrite.transaction(f"{place}|icechunk://branch.main/g", message="second") as group:
        assert sorted(group) == ["s"]
        group["s"][0, 0] = -3  # type: ignore[index]
    found = zarrite.open_array(f"{place}|icechunk:@branch.main/g/s", mode="r")
    assert found[0, 0] == -3
    assert zarrite.open_array(found.url, mode="r")[0, 0] == -3
    assert pickle.loads(pickle.dumps(found))[0, 0] == -3
    with pytest.raises(ReadOnlyError, match=r"zarrite\.transaction"):
        zarrite.open_array(f"{place}|icechunk:a", mode="r+")
    for text in (f"{place}|icechunk://tag.v1/", f"{place}|zip:"):
        with pytest.raises(UrlError, match="no branch of a repository"), zarrite.transaction(text, message="x"):
            pass
    other = f"{place}|icechunk://branch.main/"
    with pytest.raises(UrlError, match="leave one of them out"), zarrite.transaction(other, message="x", branch="side"):
        pass


def test_a_repository_is_found_without_its_stage(place: str) -> None:
    np.testing.assert_array_equal(zarrite.open_group(place, mode="r")["a"][...], CELLS)  # type: ignore[union-attr]


def test_what_is_not_there_is_said(place: str) -> None:
    for version in ({"branch": "other"}, {"tag": "other"}, {"snapshot": "Z" * 20}):
        with pytest.raises(NodeNotFoundError, match="was not found at"):
            icechunk_store(place, **version)  # type: ignore[arg-type]
    with pytest.raises(NodeNotFoundError, match="repository was not found"):
        icechunk_store(f"{place}-beside")
    with pytest.raises(UrlError, match=r"branch\.NAME, tag\.NAME"):
        ours.icechunk_store(place, "latest")
    with pytest.raises(UrlError, match="one of branch, tag and snapshot"):
        icechunk_store(place, branch="main", tag="v1")
    with pytest.raises(UrlError, match="opened from paths"):
        icechunk_store("ftp://x/y")


def test_the_package_is_asked_for_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setitem(sys.modules, "icechunk", None)
    with pytest.raises(zarrite.errors.MissingDependencyError, match=r"zarrite\[icechunk\]"):
        icechunk_store(place)


def test_handles_on_a_snapshot_travel(place: str) -> None:
    repository, _ = ours.open_repository(place)
    array = zarrite.open_array(repository.readonly_session("main"), path="a", mode="r")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(array))[...], CELLS)


# ---------------------------------------------------------------- requests


def test_chunks_cost_one_request_each_and_missing_ones_none(s3: Server) -> None:
    options = {"key": "a", "secret": "b", "endpoint_url": s3.url}
    url = f"s3://{s3.bucket}/repository"
    storage = icechunk.s3_storage(
        bucket=s3.bucket,
        prefix="repository",
        endpoint_url=s3.url,
        allow_http=True,
        access_key_id="a",
        secret_access_key="b",
        region="us-east-1",
        force_path_style=True,
    )
    repository = icechunk.Repository.create(storage)
    cells = np.random.default_rng(0).random((128, 128))
    with zarrite.transaction(url, message="first", storage_options=options) as group:
        group.create_array("a", data=cells, chunks=(16, 16), compressors=None)
        group.create_array("missing", shape=(128, 128), chunks=(16, 16), dtype="f8", fill_value=7)
        group.create_array("inline", data=np.arange(64), chunks=8)
        group.create_array("s", data=cells, chunks=(16, 16), shards=(128, 128), compressors=None)
    for store in (icechunk_store(url, storage_options=options), repository.readonly_session("main")):
        group = zarrite.open_group(store, mode="r")
        arrays = {name: group.get_array(name) for name in ("a", "missing", "inline", "s")}
        s3.settle()
        s3.forget()
        np.testing.assert_array_equal(arrays["a"][...], cells)
        s3.settle()
        chunks = [entry for entry in s3.requests() if "/chunks/" in str(entry.key)]
        assert len(chunks) == 64
        assert len(s3.requests()) <= 65  # and the table of the chunks
        s3.forget()
        assert (arrays["missing"][...] == 7).all()
        assert arrays["inline"][...].tolist() == list(range(64))
        s3.settle()
        assert not [entry for entry in s3.requests() if "/chunks/" in str(entry.key)]
        s3.forget()
        np.testing.assert_array_equal(arrays["s"][16:32, :16], cells[16:32, :16])
        s3.settle()
        assert len([entry for entry in s3.requests() if "/chunks/" in str(entry.key)]) <= 2
        s3.forget()
        np.testing.assert_array_equal(arrays["s"][:16, 16:32], cells[:16, 16:32])
        s3.settle()
        assert len(s3.requests()) == 1


@pytest.mark.skipif(not READS_NATIVELY, reason="this version of icechunk does not list references in columns")
def test_a_chunk_file_that_is_gone_is_no_fill(place: str) -> None:
    array = main(place).get_array("g/s")
    for file in (Path(place) / "chunks").iterdir():
        file.unlink()
    with pytest.raises(zarrite.errors.StoreError, match=r"lies in chunks/\w{20}, which is missing"):
        array[...]


# ---------------------------------------------------------------- writing


def fails(place: str) -> None:
    with zarrite.transaction(place, message="third") as group:
        group["a"][...] = 0  # type: ignore[index]
        raise ZeroDivisionError


def collide(place: str, mine: Any, theirs: Any, *, path: str = "a", rebase: Any = None) -> None:
    """A transaction writes 1, and while it is open another one that writes 2 is committed."""
    with zarrite.transaction(place, message="mine", rebase=rebase) as group:
        group[path][mine] = 1  # type: ignore[index]
        with zarrite.transaction(place, message="theirs") as other:
            other[path][theirs] = 2  # type: ignore[index]


def test_a_transaction_commits_all_or_nothing(place: str) -> None:
    with zarrite.transaction(place, message="second", metadata={"by": "me"}) as group:
        group["a"][3:9, ::7] = -1  # type: ignore[index]
        group["g/s"][3:9, ::7] = -1  # type: ignore[index]
        group.create_group("new", attributes={"x": 1})
        assert main(place).get_array("a")[3, 0] == CELLS[3, 0]
    wanted = CELLS.copy()
    wanted[3:9, ::7] = -1
    np.testing.assert_array_equal(main(place).get_array("a")[...], wanted)
    np.testing.assert_array_equal(main(place).get_array("g/s")[...], wanted)
    assert main(place).get_group("new").attrs["x"] == 1
    with pytest.raises(ZeroDivisionError):
        fails(place)
    np.testing.assert_array_equal(main(place).get_array("a")[...], wanted)
    with zarrite.transaction(place, message="nothing"):
        pass
    assert messages(place)[:2] == ["second", "first"]


def test_deletions_are_committed(place: str) -> None:
    with zarrite.transaction(place, message="second") as group:
        del group["g"]
    assert sorted(main(place)) == ["a"]


@pytest.mark.skipif(
    not READS_NATIVELY, reason="this version of icechunk refuses to delete chunks outside of a new shape"
)
def test_what_was_cut_off_does_not_come_back(place: str) -> None:
    for shape in ((7, 20), (20, 20)):
        with zarrite.transaction(place, message="resized") as group:
            group.get_array("a").resize(shape)
    wanted = CELLS.copy()
    wanted[7:] = 0
    np.testing.assert_array_equal(main(place).get_array("a")[...], wanted)


def test_a_users_own_session_is_written_and_committed_by_its_user(place: str) -> None:
    repository, _ = ours.open_repository(place)
    session = repository.writable_session("main")
    one, other = zarrite.open_group(session, mode="r+"), zarrite.open_group(session.store, mode="r+")
    one["a"][0, 0] = 5  # type: ignore[index]
    assert other["a"][0, 0] == 5  # type: ignore[index]
    assert one.store.identity == other.store.identity
    assert main(place).get_array("a")[0, 0] == 0
    session.commit("by hand")
    assert main(place).get_array("a")[0, 0] == 5


def test_conflicts_are_told_in_regions(place: str) -> None:
    with pytest.raises(ConflictError, match=r"both changed: a\[5:10, 0:5\]\[15:20, 0:5\] \(both wrote\)") as caught:
        collide(place, np.s_[7::10, 2], np.s_[5:, :])
    (conflict,) = caught.value.conflicts
    assert conflict.path == "a"
    assert conflict.regions == ((slice(5, 10), slice(0, 5)), (slice(15, 20), slice(0, 5)))
    assert messages(place)[0] == "theirs"


def test_conflicts_in_shards_are_told_in_shards(place: str) -> None:
    with pytest.raises(ConflictError, match=r"g/s\[10:20, 0:10\]"):
        collide(place, (12, 3), (19, 9), path="g/s")


@pytest.mark.parametrize(("rebase", "kept"), [("ours", 1), ("theirs", 2)])
def test_a_rebase_settles_who_wins(place: str, rebase: str, kept: int) -> None:
    collide(place, np.s_[::19, 0], (0, 0), rebase=rebase)
    array = main(place).get_array("a")
    assert array[0, 0] == kept
    assert array[19, 0] == 1


def test_disjoint_changes_are_put_on_top_only_when_asked_for(place: str) -> None:
    with pytest.raises(ConflictError, match="different things; pass rebase='disjoint'") as caught:
        collide(place, (0, 0), (19, 19))
    assert caught.value.conflicts == ()
    assert main(place).get_array("a")[0, 0] == 0
    collide(place, (0, 0), (19, 19), rebase="disjoint")
    assert main(place).get_array("a")[0, 0] == 1
    with pytest.raises(ConflictError, match=r"a\[0:5, 0:5\]"):
        collide(place, (0, 0), (1, 1), rebase="disjoint")
    with pytest.raises(ValueError, match="'disjoint', 'ours', 'theirs'"):
        collide(place, (0, 0), (19, 19), rebase="mine")
