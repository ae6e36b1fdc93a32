//! One worker's memory: codec contexts and scratch buffers, kept from chunk to chunk.

use crate::{Context, Error, Result};

/// What a worker brings to a piece of work.
#[derive(Default)]
pub struct Workspace {
    /// The codecs' contexts.
    pub context: Context,
    spare: Vec<Vec<u8>>,
}

/// A scratch buffer above this many bytes is given back to the system when its work is done.
const KEEP_BYTES: usize = 64 << 20;

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of at least `n` bytes, of any content; give it back with [`Self::put_back`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] when memory has no room: a document decides how much, and must not end the process.
    pub fn buffer(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut buffer = self.spare.pop().unwrap_or_default();
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
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Keeps a buffer for later.
    pub fn put_back(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= KEEP_BYTES && self.spare.len() < 8 {
            self.spare.push(buffer);
        }
    }
}
