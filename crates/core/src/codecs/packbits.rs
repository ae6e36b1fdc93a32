//! `numcodecs.packbits`: eight booleans a byte, the first in the highest bit; before them one byte that counts the unused bits of the last.

use super::Codec;
use super::growing::over_limit;
use crate::{Context, Error, Result};

const NAME: &str = "numcodecs.packbits";

/// The codec.
pub struct PackBits;

/// The packed bytes and how many booleans they hold.
fn split(stored: &[u8]) -> Result<(&[u8], usize)> {
    let (unused, packed) = stored
        .split_first()
        .ok_or_else(|| Error::decode(NAME, "nothing is stored"))?;
    match (packed.len() * 8).checked_sub(usize::from(*unused)) {
        Some(cells) if *unused < 8 => Ok((packed, cells)),
        _ => Err(Error::decode(
            NAME,
            format!("{} bytes cannot have {unused} unused bits", packed.len()),
        )),
    }
}

fn unpack(packed: &[u8], plain: &mut [u8]) {
    for (cells, byte) in plain.chunks_mut(8).zip(packed) {
        for (place, cell) in cells.iter_mut().enumerate() {
            *cell = byte >> (7 - place) & 1;
        }
    }
}

impl Codec for PackBits {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(1 + plain.div_ceil(8))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let (packed, cells) = split(stored)?;
        if cells != plain.len() {
            return Err(Error::size("a chunk decoded by packbits", plain.len(), cells));
        }
        unpack(packed, plain);
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        let (packed, cells) = split(stored)?;
        if cells > limit {
            return Err(over_limit(NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + cells, 0);
        unpack(packed, &mut plain[start..]);
        Ok(())
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        stored.push((plain.len().div_ceil(8) * 8 - plain.len()) as u8);
        stored.extend(plain.chunks(8).map(|cells| {
            cells
                .iter()
                .enumerate()
                .fold(0, |byte, (place, cell)| byte | u8::from(*cell != 0) << (7 - place))
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, Xorshift, check_round_trip};
    use super::*;

    #[test]
    fn booleans_come_back() {
        let (mut context, mut random) = (Context::new(), Xorshift::new(3));
        for cells in [0, 1, 7, 8, 9, 64, 1001] {
            let plain: Vec<u8> = (0..cells).map(|_| random.below(2) as u8).collect();
            check_round_trip(&PackBits, &plain, &mut context);
        }
    }

    #[test]
    fn the_first_boolean_is_the_highest_bit() {
        let mut stored = Vec::new();
        PackBits
            .encode(&[1, 0, 0, 1], &mut stored, &mut Context::new())
            .unwrap();
        assert_eq!(stored, [4, 144]);
        PackBits.decode(&[8, 0], &mut [], &mut Context::new()).unwrap_err();
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&PackBits, 3000).run();
    }
}
