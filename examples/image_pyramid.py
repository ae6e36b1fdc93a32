# /// script
# requires-python = ">=3.11"
# dependencies = ["zarrite"]
# ///
"""Writes a picture at several sizes, as viewers of OME-Zarr 0.5 want it, and shows it in one go to those who watch."""

import numpy as np

import zarrite

LEVELS = 4


def picture(size: int) -> np.ndarray:
    """Rings, as a microscope with an interference pattern sees them."""
    y, x = np.mgrid[:size, :size].astype("float32") / size - 0.5
    return ((np.cos(200 * (x * x + y * y)) + 1) * 32767).astype("uint16")


def halved(cells: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 cells."""
    return cells.reshape(cells.shape[0] // 2, 2, cells.shape[1] // 2, 2).mean(axis=(1, 3)).astype(cells.dtype)


def main() -> None:
    cells = picture(2048)
    datasets = []
    # Nothing can be seen of the group before the block ends: no viewer opens half a pyramid.
    with zarrite.stage("rings.ome.zarr", overwrite=True) as group:
        for level in range(LEVELS):
            shards = (1024, 1024) if cells.shape[0] >= 1024 else None
            group.create_array(str(level), data=cells, chunks=(256, 256), shards=shards, dimension_names=("y", "x"))
            scale = {"type": "scale", "scale": [0.1 * 2**level, 0.1 * 2**level]}
            datasets.append({"path": str(level), "coordinateTransformations": [scale]})
            cells = halved(cells)
        axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
        group.attrs["ome"] = {"version": "0.5", "multiscales": [{"name": "rings", "axes": axes, "datasets": datasets}]}

    opened = zarrite.open_group("rings.ome.zarr", mode="r")
    print(opened.tree())
    smallest = opened[opened.attrs["ome"]["multiscales"][0]["datasets"][-1]["path"]]
    assert smallest.shape == (256, 256)


if __name__ == "__main__":
    main()
