//! `lz4_java`: the stream of Java's LZ4 library, which N5 calls `lz4`. Blocks, each behind a header of 21 bytes: a magic word, how
//! it is stored, its stored and its plain length, and a checksum of the plain bytes; a block of nothing is the end.

use super::growing::{decode_growing, over_limit};
use super::lz4::{Effort, decode_block, encode_block};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "lz4_java";
const MAGIC: &[u8; 8] = b"LZ4Block";
const HEADER: usize = 21;
const RAW: u8 = 0x10;
const PACKED: u8 = 0x20;
const SEED: u32 = 0x9747_B28C;
/// Java keeps the upper four bits of the checksum out.
const CHECKED: u32 = 0x0FFF_FFFF;

/// The codec.
pub struct Lz4Java {
    block_bytes: usize,
}

impl Lz4Java {
    /// From `{"block_bytes": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for a size that Java has no blocks of.
    pub fn build(entry: &Value) -> Result<Self> {
        let block_bytes = parameters::integer(entry, "block_bytes", 64, 1 << 25)? as usize;
        Ok(Self { block_bytes })
    }

    /// What stands in the lower half of the method: the block size, as a power of two.
    fn level(&self) -> u8 {
        (usize::BITS - (self.block_bytes - 1).leading_zeros()).saturating_sub(10) as u8 & 0x0F
    }
}

/// XXH32, by its public description.
fn checksum(bytes: &[u8]) -> u32 {
    const P1: u32 = 0x9E37_79B1;
    const P2: u32 = 0x85EB_CA77;
    const P3: u32 = 0xC2B2_AE3D;
    const P4: u32 = 0x27D4_EB2F;
    const P5: u32 = 0x1656_67B1;
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    let (stripes, mut rest) = bytes.as_chunks::<16>();
    let mut hash = if stripes.is_empty() {
        SEED.wrapping_add(P5)
    } else {
        let mut lanes = [
            SEED.wrapping_add(P1).wrapping_add(P2),
            SEED.wrapping_add(P2),
            SEED,
            SEED.wrapping_sub(P1),
        ];
        for stripe in stripes {
            for (lane, input) in lanes.iter_mut().zip(stripe.as_chunks::<4>().0) {
                let sum = lane.wrapping_add(word(input).wrapping_mul(P2));
                *lane = sum.rotate_left(13).wrapping_mul(P1);
            }
        }
        let turned = [1, 7, 12, 18].iter().zip(lanes).map(|(&by, lane)| lane.rotate_left(by));
        turned.fold(0, u32::wrapping_add)
    };
    hash = hash.wrapping_add(bytes.len() as u32);
    while let Some((input, after)) = rest.split_first_chunk::<4>() {
        hash = hash.wrapping_add(word(input).wrapping_mul(P3));
        hash = hash.rotate_left(17).wrapping_mul(P4);
        rest = after;
    }
    for &byte in rest {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(P5));
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(P3);
    hash ^ (hash >> 16)
}

struct Block<'a> {
    method: u8,
    stored: &'a [u8],
    plain_bytes: usize,
    sum: u32,
}

/// The next block, and what follows it.
fn next(stored: &[u8]) -> Result<(Block<'_>, &[u8])> {
    let refuse = |why: &str| Error::decode(NAME, why);
    let (header, rest) = stored
        .split_first_chunk::<HEADER>()
        .ok_or_else(|| refuse("the stream is cut short"))?;
    let (magic, header) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(refuse("a block does not begin with the word LZ4Block"));
    }
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (method, stored_bytes, plain_bytes, sum) = (header[0] & 0xF0, word(1) as usize, word(5) as usize, word(9));
    let (stored, rest) = rest
        .split_at_checked(stored_bytes)
        .ok_or_else(|| refuse("the stream is cut short"))?;
    if i32::try_from(plain_bytes).is_err() || (plain_bytes == 0) != (stored_bytes == 0) {
        return Err(refuse("a block states a length that it cannot have"));
    }
    Ok((
        Block {
            method,
            stored,
            plain_bytes,
            sum,
        },
        rest,
    ))
}

/// The whole stream into `plain`; how many bytes came out, or `None` when they do not fit.
fn decode_stream(stored: &[u8], plain: &mut [u8]) -> Result<Option<usize>> {
    let (mut rest, mut filled) = (stored, 0);
    // A stream that was flushed and not closed has no end but its own.
    while !rest.is_empty() {
        let (block, after) = next(rest)?;
        rest = after;
        if block.plain_bytes == 0 {
            break;
        }
        let Some(room) = plain
            .get_mut(filled..)
            .and_then(|room| room.get_mut(..block.plain_bytes))
        else {
            return Ok(None);
        };
        let whole = match block.method {
            RAW if block.stored.len() == room.len() => {
                room.copy_from_slice(block.stored);
                true
            }
            PACKED => decode_block(block.stored, room) == Some(room.len()),
            _ => false,
        };
        if !whole {
            return Err(Error::decode(
                NAME,
                "a block is damaged or has another size than stated",
            ));
        }
        if checksum(room) & CHECKED != block.sum & CHECKED {
            return Err(Error::decode(NAME, "the checksum of a block does not match its bytes"));
        }
        filled += block.plain_bytes;
    }
    Ok(Some(filled))
}

impl Codec for Lz4Java {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        match decode_stream(stored, plain)? {
            Some(filled) if filled == plain.len() => Ok(()),
            Some(filled) => Err(Error::size("a chunk decoded by lz4_java", plain.len(), filled)),
            None => Err(over_limit(NAME, plain.len())),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        decode_growing(NAME, stored.len(), None, plain, limit, |room| {
            decode_stream(stored, room)
        })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let level = self.level();
        let mut put = |method: u8, bytes: &[u8], plain_bytes: usize, sum: u32| {
            stored.extend_from_slice(MAGIC);
            stored.push(method | level);
            stored.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            stored.extend_from_slice(&(plain_bytes as u32).to_le_bytes());
            stored.extend_from_slice(&sum.to_le_bytes());
            stored.extend_from_slice(bytes);
        };
        let mut room = vec![0; self.block_bytes.min(plain.len())];
        for block in plain.chunks(self.block_bytes) {
            let sum = checksum(block) & CHECKED;
            // What does not become smaller is kept as it is.
            match encode_block(block, &mut room[..block.len()], Effort::Fast(1)) {
                Some(written) if written < block.len() => put(PACKED, &room[..written], block.len(), sum),
                _ => put(RAW, block, block.len(), sum),
            }
        }
        put(RAW, &[], 0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips, sample};
    use super::*;
    use serde_json::json;

    fn codec(blocksize: usize) -> Lz4Java {
        Lz4Java::build(&json!({"name": "lz4_java", "block_bytes": blocksize})).unwrap()
    }

    #[test]
    fn cells_come_back_with_blocks_of_any_size() {
        for blocksize in [64, 1000, 65_536, 1 << 25] {
            check_round_trips(&codec(blocksize));
        }
    }

    #[test]
    fn the_checksum_is_that_of_its_description() {
        // Known answers of XXH32 with this seed, from the Python package xxhash.
        for (bytes, sum) in KNOWN {
            let input: Vec<u8> = (0..*bytes).map(|i| (i * i * 7 + i) as u8).collect();
            assert_eq!(checksum(&input), *sum, "{bytes} bytes");
        }
    }

    const KNOWN: &[(u64, u32)] = &[
        (0, 0x8d3b_42d8),
        (1, 0xba2a_cfb9),
        (3, 0x51e2_c4ee),
        (4, 0xeaef_5bf3),
        (15, 0x9195_3301),
        (16, 0xbc2b_024c),
        (17, 0xdd39_605b),
        (100, 0x0aa2_5273),
        (1000, 0xbb7e_ac0a),
    ];

    #[test]
    fn a_wrong_checksum_is_refused_and_its_upper_bits_are_not_looked_at() {
        let mut stored = Vec::new();
        codec(65_536)
            .encode(&sample(5000), &mut stored, &mut Context::new())
            .unwrap();
        let mut back = vec![0; 5000];
        stored[20] |= 0xF0;
        codec(64).decode(&stored, &mut back, &mut Context::new()).unwrap();
        stored[17] ^= 1;
        let error = codec(64).decode(&stored, &mut back, &mut Context::new()).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&codec(500), 5000).run();
    }
}
