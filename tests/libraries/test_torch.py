"""Crops as PyTorch loads them: in this process, in forked and in spawned workers, for several ranks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarrite

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402 -- only where torch is

from zarrite.torch import CropDataset, CropSampler, CropStream  # noqa: E402

CELLS = np.arange(24 * 32, dtype="i4").reshape(24, 32)
WORKERS = pytest.mark.parametrize(
    "how",
    [
        {},
        {"num_workers": 2, "multiprocessing_context": "fork"},
        {"num_workers": 2, "multiprocessing_context": "spawn"},
    ],
    ids=["here", "fork", "spawn"],
)


@pytest.fixture
def array(tmp_path: Path) -> zarrite.Array:
    stored = zarrite.create_array(tmp_path / "a", shape=CELLS.shape, chunks=(4, 8), shards=(8, 16), dtype="i4")
    stored[...] = CELLS
    return stored


def corners(batches: Any) -> list[int]:
    return [int(crop.flatten()[0]) for batch in batches for crop in batch]


ALL = sorted(CELLS[::4, ::4].ravel().tolist())


def labelled(sample: Any) -> Any:
    """What a transform does, in this process or a worker."""
    return sample, sample.float().mean()


@WORKERS
def test_a_stream_gives_every_crop_once(array: zarrite.Array, how: dict[str, Any]) -> None:
    batches = list(DataLoader(CropStream(array, (4, 4), batch_size=5, seed=1), batch_size=None, **how))
    assert sorted(corners(batches)) == ALL
    assert corners(batches) != ALL
    assert [len(batch) for batch in batches].count(5) == 9
    for crop in torch.cat(batches):
        row, column = divmod(int(crop[0, 0]), 32)
        assert_array_equal(crop, CELLS[row : row + 4, column : column + 4])


@WORKERS
def test_single_crops_are_batched_by_the_loader(array: zarrite.Array, how: dict[str, Any]) -> None:
    loader = DataLoader(CropStream(array, (4, 4), transform=labelled), batch_size=6, **how)
    batches = list(loader)
    assert sorted(corners(crops for crops, _ in batches)) == ALL
    for crops, means in batches:
        assert_array_equal(crops.double().mean((1, 2)), means)


@WORKERS
def test_a_dataset_has_an_item_for_each_number(array: zarrite.Array, how: dict[str, Any]) -> None:
    crops = CropDataset({"image": array, "labels": array}, (4, 4))
    loader = DataLoader(crops, batch_size=7, sampler=CropSampler(crops, seed=3), **how)
    batches = list(loader)
    assert sorted(corners(batch["image"] for batch in batches)) == ALL
    assert all((batch["image"] == batch["labels"]).all() for batch in batches)
    assert len(batches) == len(loader) == 7


@WORKERS
def test_a_seed_and_an_epoch_give_an_order_and_workers_that_stay_see_the_epoch(
    array: zarrite.Array, how: dict[str, Any]
) -> None:
    stays = {"persistent_workers": True} if how else {}
    stream = CropStream(array, (4, 4), batch_size=4, seed=7, count=40)
    loader = DataLoader(stream, batch_size=None, **how, **stays)
    first = corners(loader)
    stream.set_epoch(1)
    second = corners(loader)
    stream.set_epoch(0)
    assert corners(loader) == first
    assert sorted(second) != sorted(first), "each epoch has places of its own"


@WORKERS
def test_without_a_seed_each_pass_has_its_order_and_torchs_seed_gives_it_again(
    array: zarrite.Array, how: dict[str, Any]
) -> None:
    stays = {"persistent_workers": True} if how else {}

    def passes() -> list[list[int]]:
        torch.manual_seed(5)
        loader = DataLoader(CropStream(array, (4, 4), batch_size=4), batch_size=None, **how, **stays)
        return [corners(loader), corners(loader)]

    first, second = passes()
    assert first != second
    assert sorted(first) == sorted(second) == ALL
    assert passes() == [first, second]


def test_ranks_get_crops_of_their_own_and_as_many(array: zarrite.Array) -> None:
    for drop_last in (False, True):
        found = []
        for rank in range(5):
            stream = CropStream(array, (4, 4), seed=1, batch_size=3, rank=rank, world_size=5, drop_last=drop_last)
            batches = list(stream)
            assert len(batches) == len(stream)
            found.append(corners(batches))
        assert {len(of) for of in found} == {9 if drop_last else 10}
        every = [corner for of in found for corner in of]
        assert len(set(every)) == (45 if drop_last else 48)
    crops = CropDataset(array, (4, 4))
    samplers = [CropSampler(crops, rank=rank, world_size=5) for rank in range(5)]
    numbers = [list(sampler) for sampler in samplers]
    assert [len(of) for of in numbers] == [len(sampler) for sampler in samplers] == [10] * 5
    assert {number for of in numbers for number in of} == set(range(48))
    samplers[0].set_epoch(1)
    assert list(samplers[0]) != numbers[0]


def test_ranks_need_one_seed(array: zarrite.Array) -> None:
    with pytest.raises(ValueError, match="same seed"):
        CropStream(array, (4, 4), world_size=2)


def test_tensors_have_the_types_of_the_cells_in_the_machines_order_of_bytes() -> None:
    swapped = zarrite.array(np.arange(8, dtype=">i2"), chunks=4)
    assert CropDataset(swapped, 8)[0].tolist() == list(range(8))
    half = zarrite.array(np.arange(8, dtype="f2"), chunks=4)
    assert CropDataset(half, 4)[1].dtype is torch.float16


def test_cells_that_pytorch_does_not_have_are_refused() -> None:
    with pytest.raises(TypeError, match=r"no tensors of datetime64.*zarrite\.crops"):
        CropDataset(zarrite.array(np.zeros(4, "M8[s]"), chunks=4), 2)[0]


def test_a_whole_array_becomes_a_tensor(array: zarrite.Array) -> None:
    assert_array_equal(torch.from_dlpack(array), CELLS)
    assert_array_equal(torch.asarray(array[4:8]), CELLS[4:8])


EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "train_on_shards.py"
SMALL = ("--side", "64", "--crop", "16", "--count", "24", "--epochs", "2", "--workers", "1")


def test_the_example_trains(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--place", str(tmp_path / "volume.zarr"), *SMALL],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", done.stdout)]
    assert len(losses) == 2
    assert losses[1] < losses[0] < 1
