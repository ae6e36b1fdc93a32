"""`zarr.buffer.cpu`: buffers in this machine's memory."""

from zarrite.as_zarr.buffers import CPUBuffer as Buffer, CPUNDBuffer as NDBuffer, buffer_prototype

__all__ = ["Buffer", "NDBuffer", "buffer_prototype"]
