"""`zarr.abc`: what the modules below it define."""
