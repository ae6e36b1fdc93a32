//! The frame around blosc's blocks: what its header says, checked against the bytes that are there.

use super::NAME;
use crate::{Error, Result};

/// Bytes of the header.
pub const HEADER: usize = 16;
/// The newest version of this frame; later ones belong to another format.
const VERSION: u8 = 2;
/// The header states sizes in 31 bits.
pub const MOST: usize = i32::MAX as usize - HEADER;
/// Cells wider than this are never split into streams.
const WIDEST_SPLIT: usize = 16;
/// Streams shorter than this are not worth their overhead, nor are chunks.
pub const SHORTEST: usize = 128;

const BYTES_SHUFFLED: u8 = 1;
const COPIED: u8 = 2;
const BITS_SHUFFLED: u8 = 4;
const WHOLE: u8 = 16;
const FORMAT_AT: u8 = 5;

/// What was done to the cells of a block before compressing it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shuffled {
    No,
    Bytes,
    Bits,
}

/// A header.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Bytes of the plain side.
    pub plain: usize,
    /// Bytes of a block, but for the last one.
    pub block: usize,
    /// Bytes of a cell.
    pub width: usize,
    pub shuffled: Shuffled,
    /// Whether what follows the header are the plain bytes.
    pub copied: bool,
    /// Whether the planes of a whole block are streams of their own.
    pub split: bool,
    /// The number of the compressed format.
    pub format: u8,
}

/// A block within a frame.
#[derive(Clone, Copy)]
pub struct Block {
    /// Its first byte on the plain side.
    pub start: usize,
    /// Its bytes on the plain side.
    pub bytes: usize,
    /// Into how many streams it was split.
    pub streams: usize,
}

fn damaged(why: &str) -> Error {
    Error::decode(NAME, why)
}

/// The number in the four bytes at `at`.
pub fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let raw = bytes.get(at..)?.first_chunk()?;
    usize::try_from(i32::from_le_bytes(*raw)).ok()
}

impl Frame {
    /// Reads the header of `stored`; also gives the bytes of the frame without what follows them.
    ///
    /// # Errors
    /// When the header contradicts itself or the bytes that are there.
    pub fn read(stored: &[u8]) -> Result<(Self, &[u8])> {
        let (head, _) = stored
            .split_first_chunk::<HEADER>()
            .ok_or_else(|| damaged("too short to hold a header"))?;
        let [version, _, flags, width, ..] = *head;
        if version == 0 || version > VERSION {
            return Err(Error::decode(
                NAME,
                format!("version {version} of the frame is not known"),
            ));
        }
        let size = |at| word(head, at).ok_or_else(|| damaged("a size in the header is negative"));
        let (plain, block, bytes) = (size(4)?, size(8)?, size(12)?);
        let frame = stored.get(..bytes).filter(|frame| frame.len() >= HEADER);
        let frame = frame.ok_or_else(|| {
            Error::decode(
                NAME,
                format!("the header states {bytes} bytes, but there are {}", stored.len()),
            )
        })?;
        let shuffled = match flags {
            _ if flags & BYTES_SHUFFLED != 0 && width > 1 => Shuffled::Bytes,
            _ if flags & BITS_SHUFFLED != 0 => Shuffled::Bits,
            _ => Shuffled::No,
        };
        let read = Self {
            plain,
            block,
            width: usize::from(width),
            shuffled,
            copied: flags & COPIED != 0,
            split: flags & WHOLE == 0,
            format: flags >> FORMAT_AT,
        };
        let bad = if plain > MOST {
            true
        } else if read.copied {
            plain != bytes - HEADER
        } else {
            plain > 0 && (block == 0 || width == 0 || read.blocks() > (bytes - HEADER) / 4)
        };
        if bad {
            Err(damaged("the sizes in the header contradict each other"))
        } else {
            Ok((read, frame))
        }
    }

    /// Appends the header of a frame whose size is not known yet.
    pub fn write(&self, stored: &mut Vec<u8>) {
        let flags = match self.shuffled {
            Shuffled::No => 0,
            Shuffled::Bytes => BYTES_SHUFFLED,
            Shuffled::Bits => BITS_SHUFFLED,
        } | if self.copied { COPIED } else { 0 }
            | if self.split { 0 } else { WHOLE }
            | self.format << FORMAT_AT;
        stored.extend_from_slice(&[VERSION, 1, flags, self.width as u8]);
        stored.extend_from_slice(&(self.plain as u32).to_le_bytes());
        stored.extend_from_slice(&(self.block as u32).to_le_bytes());
        stored.extend_from_slice(&[0; 4]);
    }

    pub fn blocks(&self) -> usize {
        self.plain.div_ceil(self.block.max(1))
    }

    /// Block number `at`, which must be less than [`Frame::blocks`].
    pub fn nth(&self, at: usize) -> Block {
        let start = at * self.block;
        let bytes = self.block.min(self.plain - start);
        let split = self.split && bytes == self.block && splits(self.width, self.block);
        Block {
            start,
            bytes,
            streams: if split { self.width } else { 1 },
        }
    }
}

/// Whether blocks of `block` bytes may be split into the planes of their cells.
pub fn splits(width: usize, block: usize) -> bool {
    (1..=WIDEST_SPLIT).contains(&width) && block / width >= SHORTEST
}
