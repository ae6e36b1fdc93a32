//! Plain bytes to frames.

use super::frame::{self, Block, Frame, HEADER, SHORTEST, Shuffled};
use super::{Blosc, first};
use crate::codecs::shuffling;
use crate::context::kept;
use crate::{Context, Result};

/// Readers refuse blocks that are larger.
const LARGEST: usize = (i32::MAX as usize - 255 * 4) / 3;

impl Blosc {
    /// The bytes of a block for so many plain bytes. Faster compressors and lower levels get blocks that stay in nearer caches.
    pub(super) fn block(&self, plain: usize) -> usize {
        const NEAREST: usize = 32 << 10;
        let mut block = plain;
        if self.block > 0 {
            block = self.block.clamp(SHORTEST, LARGEST);
        } else if plain >= NEAREST {
            let thorough = usize::from(self.compressor.is_thorough());
            let eighths = [2, 4, 8, 16, 32, 32, 64, 64, 64, 64 << thorough][self.level as usize];
            block = (NEAREST << thorough) * eighths / 8;
        }
        if frame::splits(self.width, block) {
            block = (block.min(256 << 10) * self.width).clamp(64 << 10, 1 << 20);
        }
        block = block.min(plain).max(1);
        if block > self.width {
            block / self.width * self.width
        } else {
            block
        }
    }

    /// Appends a block: every stream behind its length. Those that do not shrink are kept as they are.
    fn encode_block(
        &self,
        frame: &Frame,
        block: Block,
        plain: &[u8],
        stored: &mut Vec<u8>,
        context: &mut Context,
    ) -> Result<()> {
        let mut room = std::mem::take(&mut context.blosc.room);
        let mut shuffled = std::mem::take(&mut context.blosc.shuffled);
        let mut encode = || {
            let cells = match frame.shuffled {
                Shuffled::No => plain,
                Shuffled::Bytes => {
                    let cells = first(&mut shuffled, plain.len());
                    shuffling::shuffle(frame.width, plain, cells);
                    cells
                }
                Shuffled::Bits => {
                    let cells = first(&mut shuffled, plain.len());
                    shuffling::shuffle_bits(frame.width, plain, cells);
                    cells
                }
            };
            for stream in cells.chunks(block.bytes / block.streams) {
                let room = first(&mut room, self.compressor.room(stream.len()));
                let written = self.compressor.encode(self.level, stream, room, context)?;
                let shorter = written.map_or(stream, |written| &room[..written]);
                stored.extend_from_slice(&(shorter.len() as u32).to_le_bytes());
                stored.extend_from_slice(shorter);
            }
            Ok(())
        };
        let done = encode();
        context.blosc.room = kept(room);
        context.blosc.shuffled = kept(shuffled);
        done
    }

    /// Appends the blocks of a frame behind the list of their places; `false` when they do not shrink.
    pub(super) fn encode_blocks(
        &self,
        frame: &Frame,
        plain: &[u8],
        stored: &mut Vec<u8>,
        context: &mut Context,
    ) -> Result<bool> {
        let start = stored.len() - HEADER;
        let places = stored.len();
        stored.resize(places + 4 * frame.blocks(), 0);
        for at in 0..frame.blocks() {
            let place = ((stored.len() - start) as u32).to_le_bytes();
            stored[places + 4 * at..][..4].copy_from_slice(&place);
            let block = frame.nth(at);
            self.encode_block(
                frame,
                block,
                &plain[block.start..block.start + block.bytes],
                stored,
                context,
            )?;
            if stored.len() - start >= plain.len() + HEADER {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
