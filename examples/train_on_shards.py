# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite", "numpy>=2", "torch>=2.3"]
# ///
"""Trains a small network to find bright balls in a noisy volume that is kept in shards.

    uv run examples/train_on_shards.py --place volume.zarr --workers 2

The volume is made when it is not there. Crops of image and labels are read at the same place, in batches; shards are
visited in random order, and what is drawn from them is mixed.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

import zarrite
from zarrite.torch import CropStream


def make(place: str, side: int) -> None:
    """Writes a volume: `image`, noise with balls in it, and `labels`, 1 in the balls."""
    group = zarrite.open_group(place, mode="w")
    like = {"shape": (side,) * 3, "chunks": (32,) * 3, "shards": (64,) * 3}
    image = group.create_array("image", dtype="uint16", **like)
    labels = group.create_array("labels", dtype="uint8", **like)
    rng = np.random.default_rng(0)
    balls = np.column_stack([rng.uniform(0, side, (side**3 // 8000, 3)), rng.uniform(3, 8, side**3 // 8000)])
    for z in range(0, side, 64):  # a layer of shards at a time: the whole volume need not fit into memory
        inside = np.zeros((min(64, side - z), side, side), dtype=bool)
        grid = np.ogrid[z : z + len(inside), :side, :side]
        for *middle, radius in balls:
            if z - radius < middle[0] < z + 64 + radius:
                inside |= sum((axis - at) ** 2 for axis, at in zip(grid, middle, strict=True)) < radius**2
        labels[z : z + 64] = inside
        image[z : z + 64] = rng.normal(1000 + 300 * inside, 200).clip(0)


def flipped(sample: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Image and labels of a batch as the network takes them, mirrored along random axes."""
    axes = [axis for axis in (1, 2, 3) if torch.rand(()) < 0.5]
    image = sample["image"].float().sub(1000).div(200)
    return image.flip(axes)[:, None], sample["labels"].float().flip(axes)[:, None]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--place", default="volume.zarr", help="path or URL of the volume")
    words.add_argument("--side", type=int, default=192, help="length of a new volume's edges, in cells")
    words.add_argument("--crop", type=int, default=32, help="length of a crop's edges, in cells")
    words.add_argument("--count", type=int, default=256, help="crops an epoch")
    words.add_argument("--batch", type=int, default=8, help="crops a step")
    words.add_argument("--epochs", type=int, default=3)
    words.add_argument("--workers", type=int, default=0, help="processes that read; threads read in each")
    options = words.parse_args()

    try:
        group = zarrite.open_group(options.place, mode="r")
    except FileNotFoundError:
        make(options.place, options.side)
        group = zarrite.open_group(options.place, mode="r")

    torch.manual_seed(0)
    stream = CropStream(
        {"image": group["image"], "labels": group["labels"]},
        (options.crop,) * 3,
        count=options.count,
        batch_size=options.batch,
        seed=0,
        transform=flipped,
    )
    loader = DataLoader(stream, batch_size=None, num_workers=options.workers)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 1, 1)
    ).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)

    for epoch in range(options.epochs):
        stream.set_epoch(epoch)
        start = time.perf_counter()
        losses = []
        for image, labels in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(network(image.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}: loss {np.mean(losses):.3f}, {options.count / seconds:.0f} crops a second")


if __name__ == "__main__":
    main()
