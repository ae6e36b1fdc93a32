//! What a worker keeps from chunk to chunk: compressor contexts and scratch, so that nothing is allocated per chunk.

use crate::codecs::{deflate, zstd};

/// One worker's own memory. Codecs take what they need from here and leave it ready for the next chunk.
#[derive(Default)]
pub struct Context {
    /// What views of variable-length cells point at; the engine takes it when a piece is done.
    pub arena: Vec<Box<[u8]>>,
    pub(crate) zstd: zstd::Kept,
    pub(crate) deflate: deflate::Kept,
    /// Cells between two conversions.
    pub(crate) scratch: Vec<u8>,
}

impl Context {
    /// An empty context; codecs fill it on first use.
    pub fn new() -> Self {
        Self::default()
    }
}
