//! What a worker keeps from chunk to chunk: compressor contexts and scratch, so that nothing is allocated per chunk.

use crate::codecs::{blosc, deflate, zstd};

/// One worker's own memory. Codecs take what they need from here and leave it ready for the next chunk.
#[derive(Default)]
pub struct Context {
    /// What views of variable-length cells point at; the engine takes it when a piece is done.
    pub arena: Vec<Box<[u8]>>,
    pub(crate) blosc: blosc::Kept,
    pub(crate) zstd: zstd::Kept,
    pub(crate) deflate: deflate::Kept,
    /// Cells between two conversions.
    pub(crate) scratch: Vec<u8>,
}

/// A scratch buffer above this many bytes is not kept for the next chunk.
const KEEP_BYTES: usize = 64 << 20;

/// The buffer, or an empty one where it would hold on to too much memory.
pub(crate) fn kept(buffer: Vec<u8>) -> Vec<u8> {
    if buffer.capacity() <= KEEP_BYTES {
        buffer
    } else {
        Vec::new()
    }
}

impl Context {
    /// An empty context; codecs fill it on first use.
    pub fn new() -> Self {
        Self::default()
    }
}
