//! `lz4`: the plain size (4 bytes, little endian), then one raw LZ4 block.
#![allow(unsafe_code)]

use super::growing::{most_compressed, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use lz4_sys as library;
use serde_json::Value;
use std::ffi::c_int;

const NAME: &str = "lz4";
const PREFIX: usize = 4;
/// What one block can hold.
const MOST: usize = 0x7E00_0000;
/// A block grows by at most this factor.
const BEST_RATIO: usize = 255;

/// One raw block into `plain`; how many bytes came out, or `None` when the block is damaged or does not fit.
pub(super) fn decode_block(stored: &[u8], plain: &mut [u8]) -> Option<usize> {
    let (from, to) = (c_int::try_from(stored.len()).ok()?, c_int::try_from(plain.len()).ok()?);
    // SAFETY: both pointers come with the lengths of their slices, and this decoder keeps within both for any input.
    let filled = unsafe { library::LZ4_decompress_safe(stored.as_ptr().cast(), plain.as_mut_ptr().cast(), from, to) };
    usize::try_from(filled).ok()
}

/// How hard to look for matches.
#[derive(Clone, Copy)]
pub(super) enum Effort {
    /// The fast encoder, faster with more acceleration.
    Fast(i32),
    /// The thorough encoder with its level.
    Thorough(i32),
}

/// One raw block into `room`; how many bytes were written, or `None` when `room` is too small.
pub(super) fn encode_block(plain: &[u8], room: &mut [u8], effort: Effort) -> Option<usize> {
    let from = c_int::try_from(plain.len()).ok()?;
    let to = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
    let (source, target) = (plain.as_ptr().cast(), room.as_mut_ptr().cast());
    // SAFETY: both pointers come with (at most) the lengths of their slices.
    let written = unsafe {
        match effort {
            Effort::Fast(acceleration) => library::LZ4_compress_fast(source, target, from, to, acceleration),
            Effort::Thorough(level) => library::LZ4_compress_HC(source, target, from, to, level),
        }
    };
    usize::try_from(written).ok().filter(|written| *written > 0)
}

/// The codec.
pub struct Lz4 {
    acceleration: i32,
}

impl Lz4 {
    /// From `{"acceleration": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for anything but a whole number; the library takes those below 1 for 1.
    pub fn build(entry: &Value) -> Result<Self> {
        let acceleration = parameters::integer(entry, "acceleration", i64::from(i32::MIN), i64::from(i32::MAX))?;
        Ok(Self {
            acceleration: acceleration as i32,
        })
    }
}

fn split(stored: &[u8]) -> Result<(usize, &[u8])> {
    let (size, block) = stored
        .split_first_chunk::<PREFIX>()
        .ok_or_else(|| Error::decode(NAME, "too short to hold a size"))?;
    let size = u32::from_le_bytes(*size) as usize;
    if size > MOST || size > block.len().saturating_mul(BEST_RATIO) {
        return Err(Error::decode(NAME, format!("{} bytes cannot hold {size}", block.len())));
    }
    Ok((size, block))
}

fn fill(block: &[u8], plain: &mut [u8]) -> Result<()> {
    match decode_block(block, plain) {
        Some(filled) if filled == plain.len() => Ok(()),
        // Other writers leave the block of nothing away.
        None if plain.is_empty() && block.is_empty() => Ok(()),
        _ => Err(Error::decode(
            NAME,
            "the block is damaged or has another size than stated",
        )),
    }
}

impl Codec for Lz4 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let (size, block) = split(stored)?;
        if size != plain.len() {
            return Err(Error::size("a chunk decoded by lz4", plain.len(), size));
        }
        fill(block, plain)
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        let (size, block) = split(stored)?;
        if size > limit {
            return Err(over_limit(NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + size, 0);
        fill(block, &mut plain[start..]).inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        if plain.len() > MOST {
            return Err(Error::encode(NAME, format!("a block holds at most {MOST} bytes")));
        }
        stored.extend_from_slice(&(plain.len() as u32).to_le_bytes());
        let start = stored.len();
        // The library's own bound for data that does not shrink.
        stored.resize(start + plain.len() + plain.len() / 255 + 16, 0);
        let written = encode_block(plain, &mut stored[start..], Effort::Fast(self.acceleration))
            .ok_or_else(|| Error::encode(NAME, "the block did not fit its bound"))?;
        stored.truncate(start + written);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips};
    use super::*;
    use serde_json::json;

    fn lz4(acceleration: i32) -> Lz4 {
        Lz4::build(&json!({"name": "lz4", "acceleration": acceleration})).unwrap()
    }

    #[test]
    fn cells_come_back_at_any_acceleration() {
        for acceleration in [0, 1, 10, 1000] {
            check_round_trips(&lz4(acceleration));
        }
    }

    #[test]
    fn a_size_that_no_block_can_hold_is_refused_before_memory_is_taken() {
        let mut stored = 0x7000_0000_u32.to_le_bytes().to_vec();
        stored.extend_from_slice(&[0x1F, 1, 1, 0, 0xFF]);
        let mut plain = Vec::new();
        lz4(1)
            .decode_unsized(&stored, &mut plain, usize::MAX, &mut Context::new())
            .unwrap_err();
        assert_eq!(plain.capacity(), 0);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&lz4(1), 5000).run();
    }
}
