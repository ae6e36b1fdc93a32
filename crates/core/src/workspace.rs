//! One worker's memory: codec contexts and scratch buffers, kept from chunk to chunk.

use crate::{Context, Error, Result};

/// What a worker brings to a piece of work.
pub struct Workspace {
    /// The codecs' contexts.
    pub context: Context,
    spare: Vec<Vec<u8>>,
    /// Bytes of the spare buffers, and the most they may be.
    spare_bytes: usize,
    keep_bytes: usize,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::keeping(KEEP_BYTES)
    }
}

/// What a workspace keeps when nobody says otherwise.
const KEEP_BYTES: usize = 16 << 20;

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty workspace that keeps this many bytes of scratch between one piece of work and the next.
    pub fn keeping(keep_bytes: usize) -> Self {
        Self {
            context: Context::new(),
            spare: Vec::new(),
            spare_bytes: 0,
            keep_bytes,
        }
    }

    fn take_spare(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    /// A buffer of at least `n` bytes, of any content; give it back with [`Self::put_back`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory has no room: a document decides how much, and must not end the process.
    pub fn buffer(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut buffer = self.take_spare();
        if buffer.len() < n {
            // Not `resize`: what is there need not be copied.
            if buffer.capacity() < n {
                buffer = Vec::new();
                let room = buffer.try_reserve_exact(n);
                room.map_err(|_| Error::TooLarge(format!("memory has no room for a chunk of {n} bytes")))?;
            }
            buffer.resize(n, 0);
        }
        Ok(buffer)
    }

    /// An empty buffer to append to, with the capacity that earlier work left.
    pub fn empty_buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.take_spare();
        buffer.clear();
        buffer
    }

    /// Keeps a buffer for later.
    pub fn put_back(&mut self, buffer: Vec<u8>) {
        if self.spare_bytes + buffer.capacity() <= self.keep_bytes && self.spare.len() < 8 {
            self.spare_bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }
}
