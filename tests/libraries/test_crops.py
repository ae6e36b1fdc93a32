"""Crops out of arrays: the right cells, each once, shared out fairly, and chunks read while they are at hand."""

from __future__ import annotations

import pickle
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal

import zarrite
from costs.counting import Ledger
from zarrite.crops import Crops

CELLS = np.arange(20 * 30 * 24, dtype="i4").reshape(20, 30, 24)


def stored(**settings: Any) -> zarrite.Array:
    array = zarrite.create_array(None, shape=CELLS.shape, dtype="i4", **{"chunks": (5, 6, 8), **settings})
    array[...] = CELLS
    return array


def corner(crop: Any) -> int:
    """The first cell of a crop, by which these tests know it."""
    return int(np.asarray(crop).flat[0])


def corners(crops: Any) -> list[int]:
    return [corner(crop) for crop in crops]


def test_a_grid_touches_and_its_last_crops_end_with_the_array() -> None:
    crops = Crops(stored(), (8, 10, 8))
    starts = [0, 8, 12], [0, 10, 20], [0, 8, 16]
    wanted = [CELLS[z : z + 8, y : y + 10, x : x + 8] for z in starts[0] for y in starts[1] for x in starts[2]]
    assert len(crops) == len(wanted)
    for number, cells in enumerate(wanted):
        assert_array_equal(crops[number], cells)
    with pytest.raises(IndexError):
        crops[len(crops)]


@given(length=st.integers(1, 40), edge=st.integers(1, 40), step=st.integers(1, 50), chunk=st.integers(1, 20))
def test_every_cell_is_in_a_crop_unless_the_stride_is_larger(length: int, edge: int, step: int, chunk: int) -> None:
    array = zarrite.array(np.arange(length), chunks=chunk)
    if edge > length:
        with pytest.raises(ValueError, match="does not fit"):
            Crops(array, edge, stride=step)
        return
    crops = Crops(array, edge, stride=step)
    seen = np.zeros(length, dtype=int)
    for cells in crops.stream():
        assert_array_equal(np.diff(cells), 1)
        seen[cells] += 1
    assert seen.all() or step > edge


@given(
    count=st.integers(0, 60),
    rows=st.none() | st.integers(1, 9),
    buffer=st.integers(0, 70),
    ahead=st.integers(0, 9),
    world=st.integers(1, 4),
    workers=st.integers(1, 3),
    shuffle=st.booleans(),
    drop=st.booleans(),
)
def test_ranks_and_workers_share_all_crops_out(
    count: int, rows: int | None, buffer: int, ahead: int, world: int, workers: int, shuffle: bool, drop: bool
) -> None:
    cells = np.arange(100)
    origins = np.arange(count)[:, None]
    crops = Crops(zarrite.array(cells, chunks=7), 3, origins=origins)
    by_rank = []
    for rank in range(world):
        mine: list[int] = []
        for worker in range(workers):
            for out in crops.stream(
                batch_size=rows,
                seed=5,
                shuffle=shuffle,
                buffer=buffer,
                ahead=ahead,
                rank=rank,
                world_size=world,
                worker=worker,
                workers=workers,
                drop_last=drop,
            ):
                assert_array_equal(out, out[..., :1] + np.arange(3))
                mine += [corner(out)] if rows is None else corners(out)
                assert rows is None or (len(out) == rows if drop else len(out) <= rows)
        by_rank.append(mine)
    assert len({len(mine) for mine in by_rank}) == 1, "some ranks would wait for others"
    seen = sorted(number for mine in by_rank for number in mine)
    if drop:
        assert len(seen) == len(set(seen)) > count - world * (rows or 1) - world
    else:
        assert set(seen) == set(range(count))
        assert len(seen) < count + world


def test_a_seed_and_an_epoch_give_the_same_crops_everywhere_and_others_give_others() -> None:
    crops = Crops(stored(), (4, 4, 4), count=40)
    again = pickle.loads(pickle.dumps(Crops(zarrite.array(CELLS), (4, 4, 4), count=40).origins(3, 1)))
    assert_array_equal(crops.origins(3, 1), again)
    first = corners(crops.stream(seed=3, epoch=1))
    assert corners(crops.stream(seed=3, epoch=1, ahead=0)) == first
    assert corners(crops.stream(seed=3, epoch=2)) != first
    assert corners(crops.stream(seed=4, epoch=1)) != first
    in_order = corners(crops.stream(seed=3, epoch=1, shuffle=False))
    assert sorted(in_order) == sorted(first)
    assert_array_equal(in_order, [CELLS[tuple(at)] for at in again])


def test_batches_hold_what_single_crops_are_in_the_same_order() -> None:
    crops = Crops(stored(), (4, 4, 4), stride=3)
    single = list(crops.stream(seed=1))
    batches = list(crops.stream(seed=1, batch_size=7))
    assert_array_equal(np.concatenate(batches), np.stack(single))
    assert {len(batch) for batch in batches[:-1]} == {7}


def test_several_arrays_are_cropped_at_one_place_and_keep_their_first_axes_and_their_form() -> None:
    image = zarrite.array(np.stack([CELLS, CELLS + 1]), chunks=(1, 5, 30, 24))
    labels = stored(chunks=(20, 6, 8))
    for form, parts in (((image, labels), (0, 1)), ({"image": image, "labels": labels}, ("image", "labels"))):
        for batch in Crops(form, (8, 5, 6)).stream(batch_size=4):
            assert type(batch) is type(form)
            one, two = batch[parts[0]], batch[parts[1]]
            assert one.shape[1:] == (2, 8, 5, 6)
            assert_array_equal(one[:, 0], two)
            assert_array_equal(one[:, 1], two + 1)


def test_arrays_are_opened_by_their_places(tmp_path: Path) -> None:
    zarrite.save_array(tmp_path / "a", CELLS)
    assert_array_equal(Crops(str(tmp_path / "a"), (20, 30, 24))[0], CELLS)


@pytest.mark.parametrize("layout", [{"chunks": (5, 6, 8)}, {"chunks": (5, 6, 8), "shards": (10, 30, 24)}])
def test_crops_that_share_objects_come_near_each_other(layout: dict[str, Any]) -> None:
    crops = Crops(stored(**layout), (2, 2, 2))
    visits = crops.visits(seed=0, buffer=1)
    origins = crops.origins()[visits.reads]
    edges = np.array(layout.get("shards", layout["chunks"]))
    objects = [tuple(at) for at in (origins + 1) // edges]
    changes = sum(one != two for one, two in pairwise(objects))
    assert changes == len(set(objects)) - 1, "each object is visited once"
    assert objects != sorted(objects)
    assert list(visits) == visits.reads.tolist()


def test_a_buffer_mixes_crops_of_several_objects() -> None:
    crops = Crops(zarrite.array(np.arange(1000), chunks=50), 5)
    order = np.array(list(crops.visits(seed=0, buffer=80)))
    objects = order * 5 // 50
    assert sorted(order) == list(range(200))
    assert (objects[1:] != objects[:-1]).mean() > 0.8


def test_no_more_is_read_ahead_than_was_asked_for() -> None:
    crops = Crops(zarrite.array(np.arange(1000), chunks=10), 10)
    read: list[int] = []
    reading, lock = crops.read, threading.Lock()

    def counted(*given: Any) -> Any:
        with lock:
            read.append(1)
        return reading(*given)

    crops.read = counted  # type: ignore[method-assign]
    stream = crops.stream(buffer=8, ahead=4)
    next(stream)
    stream.close()
    assert len(read) <= 1 + 8 + 4


def test_what_goes_wrong_in_a_thread_is_raised_where_the_crop_is_wanted() -> None:
    ledger = Ledger()
    array = zarrite.create_array(ledger.store, shape=(40,), chunks=10, dtype="i4")
    array[...] = np.arange(40)
    ledger.store.put("c/2", b"damaged").result()
    with pytest.raises(zarrite.errors.ChunkDecodeError, match="c/2"):
        list(Crops(array, 10).stream())


def test_a_crop_is_one_native_call_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    array = stored()
    calls: list[Any] = []
    reading = zarrite.Array._reading
    monkeypatch.setattr(zarrite.Array, "_reading", lambda *given: calls.append(given) or reading(*given))
    crops = Crops((array, array), (8, 10, 8))
    assert len(list(crops.stream(batch_size=4))) == 7
    assert len(calls) == 2 * len(crops)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"size": (2, 2, 2, 2)}, "crops of 4 axes were asked of .*, which has 3"),
        ({"size": 0}, "at least one cell"),
        ({"size": (21, 1, 1)}, "does not fit into the"),
        ({"size": 3, "stride": 0}, "steps of at least one cell"),
        ({"size": 3, "stride": 2, "count": 5}, "give one of them"),
        ({"size": 3, "origins": [[22]]}, "leaves the"),
        ({"size": 3, "origins": [1, 2]}, "must have the shape"),
        ({"arrays": (), "size": 3}, "no array"),
    ],
)
def test_what_cannot_be_cropped_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Crops(**{"arrays": stored(), **wrong})


def test_arrays_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="at the same place in all arrays"):
        Crops((stored(), zarrite.array(CELLS[:, :-1])), (2, 2, 2))


def test_ranks_and_workers_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="no rank 2 of 2"):
        list(Crops(stored(), 4).stream(rank=2, world_size=2))
