//! `packbits` of format 3: some bits of every number, one after the other, the lowest first. (That of numcodecs, which packs
//! booleans the other way round, is in `packbits`.)

use super::growing::over_limit;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "packbits";

/// A one in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// Bit `i` in byte `i`.
const DIAGONAL: u64 = 0x8040_2010_0804_0201;
/// Times this, the lowest bit of byte `i` is bit `56 + i`.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// Where the number of unused bits is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    Unsaid,
    FirstByte,
    LastByte,
}

/// The codec.
pub struct Packed {
    /// Bytes of a number in memory; a complex cell is two numbers.
    width: usize,
    /// The lowest bit that is kept, and how many are.
    first: u32,
    kept: u32,
    /// Whether the highest bit that is kept is continued above.
    signed: bool,
    padding: Padding,
}

impl Packed {
    /// From `{"width", "bits", "signed", "first_bit", "last_bit", "padding_encoding"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for numbers of other widths, and for bits that they do not have.
    pub fn build(entry: &Value) -> Result<Self> {
        let width = parameters::integer(entry, "width", 1, 8)? as usize;
        let bits = parameters::integer(entry, "bits", 1, 8 * width as i64)?;
        let last = parameters::integer(entry, "last_bit", 0, bits - 1)?;
        let first = parameters::integer(entry, "first_bit", 0, last)?;
        let places = ["none", "first_byte", "last_byte"];
        Ok(Self {
            width,
            first: first as u32,
            kept: (last - first + 1) as u32,
            signed: parameters::flag(entry, "signed")?,
            padding: [Padding::Unsaid, Padding::FirstByte, Padding::LastByte]
                [parameters::choice(entry, "padding_encoding", &places)?],
        })
    }

    /// Bytes that so many numbers take, without the one that counts unused bits.
    fn packed_bytes(&self, numbers: usize) -> Option<usize> {
        Some(numbers.checked_mul(self.kept as usize)?.div_ceil(8))
    }

    fn said(&self) -> usize {
        usize::from(self.padding != Padding::Unsaid)
    }

    /// The packed bytes, and the number of bits in them that are used, where that is said.
    fn split<'a>(&self, stored: &'a [u8]) -> Result<(&'a [u8], Option<usize>)> {
        let split = match self.padding {
            Padding::Unsaid => return Ok((stored, None)),
            Padding::FirstByte => stored.split_first(),
            Padding::LastByte => stored.split_last(),
        };
        let (unused, packed) = split.ok_or_else(|| Error::decode(NAME, "nothing is stored"))?;
        match (packed.len() * 8).checked_sub(usize::from(*unused)) {
            Some(bits) if *unused < 8 => Ok((packed, Some(bits))),
            _ => Err(Error::decode(
                NAME,
                format!("{} bytes cannot have {unused} unused bits", packed.len()),
            )),
        }
    }

    fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.kept)
    }

    /// Whether every number is one bit in a byte of its own, eight of which go through at once.
    fn is_single(&self) -> bool {
        self.width == 1 && self.kept == 1 && !self.signed
    }

    fn unpack(&self, packed: &[u8], plain: &mut [u8]) {
        if self.is_single() {
            for (cells, byte) in plain.chunks_mut(8).zip(packed) {
                // Bit `i` alone stays in byte `i`, and becomes a one there.
                let spread = (u64::from(*byte) * ONES) & DIAGONAL;
                let ones = (spread + 0x7F * ONES) >> 7 & ONES;
                cells.copy_from_slice(&(ones << self.first).to_le_bytes()[..cells.len()]);
            }
            return;
        }
        let mut held = 0_u128;
        let mut bits = 0;
        let mut rest = packed.iter();
        for cell in plain.chunks_exact_mut(self.width) {
            while bits < self.kept {
                // `packed` was measured before; nothing follows only where nothing is asked.
                held |= u128::from(*rest.next().unwrap_or(&0)) << bits;
                bits += 8;
            }
            let mut number = (held as u64 & self.mask()) << self.first;
            held >>= self.kept;
            bits -= self.kept;
            if self.signed {
                let above = 64 - self.first - self.kept;
                number = ((number << above).cast_signed() >> above).cast_unsigned();
            }
            cell.copy_from_slice(&number.to_le_bytes()[..self.width]);
        }
    }

    fn pack(&self, plain: &[u8], stored: &mut Vec<u8>) {
        if self.is_single() {
            stored.extend(plain.chunks(8).map(|cells| {
                let mut raw = [0; 8];
                raw[..cells.len()].copy_from_slice(cells);
                let ones = u64::from_le_bytes(raw) >> self.first & ONES;
                (ones.wrapping_mul(GATHER) >> 56) as u8
            }));
            return;
        }
        let (mut held, mut bits) = (0_u128, 0);
        for cell in plain.chunks_exact(self.width) {
            let mut raw = [0; 8];
            raw[..self.width].copy_from_slice(cell);
            held |= u128::from(u64::from_le_bytes(raw) >> self.first & self.mask()) << bits;
            bits += self.kept;
            while bits >= 8 {
                stored.push(held as u8);
                held >>= 8;
                bits -= 8;
            }
        }
        if bits > 0 {
            stored.push(held as u8);
        }
    }

    fn numbers(&self, plain: usize, refuse: fn(&'static str, String) -> Error) -> Result<usize> {
        if plain.is_multiple_of(self.width) {
            return Ok(plain / self.width);
        }
        Err(refuse(
            NAME,
            format!("{plain} bytes are no whole number of cells of {}", self.width),
        ))
    }
}

impl Codec for Packed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        self.packed_bytes(plain / self.width)?.checked_add(self.said())
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let (packed, used) = self.split(stored)?;
        let numbers = self.numbers(plain.len(), Error::decode)?;
        let want = self.packed_bytes(numbers).unwrap_or(usize::MAX);
        if packed.len() != want {
            return Err(Error::size("a chunk packed by packbits", want, packed.len()));
        }
        if let Some(used) = used
            && used != numbers * self.kept as usize
        {
            return Err(Error::decode(
                NAME,
                format!(
                    "{used} bits are said to be used, and {numbers} numbers of {} bits need others",
                    self.kept
                ),
            ));
        }
        self.unpack(packed, plain);
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        let (packed, used) = self.split(stored)?;
        let numbers = used.unwrap_or(packed.len() * 8) / self.kept as usize;
        let bytes = numbers.checked_mul(self.width).filter(|bytes| *bytes <= limit);
        let bytes = bytes.ok_or_else(|| over_limit(NAME, limit))?;
        let start = plain.len();
        plain.resize(start + bytes, 0);
        self.unpack(packed, &mut plain[start..]);
        Ok(())
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let numbers = self.numbers(plain.len(), Error::encode)?;
        let bytes = self.stored_bytes(plain.len()).unwrap_or(0);
        let unused = (8 - (numbers * self.kept as usize) % 8) % 8;
        stored.reserve(bytes);
        if self.padding == Padding::FirstByte {
            stored.push(unused as u8);
        }
        self.pack(plain, stored);
        if self.padding == Padding::LastByte {
            stored.push(unused as u8);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, Xorshift, check_round_trip};
    use super::*;
    use serde_json::json;

    fn packed(width: usize, bits: u32, signed: bool, [first, last]: [u32; 2], padding: &str) -> Packed {
        Packed::build(
            &json!({"name": "packbits", "width": width, "bits": bits, "signed": signed, "first_bit": first,
            "last_bit": last, "padding_encoding": padding}),
        )
        .unwrap()
    }

    #[test]
    fn the_first_number_is_in_the_lowest_bits() {
        let mut context = Context::new();
        for (codec, plain, stored) in [
            (packed(1, 1, false, [0, 0], "none"), &[1, 0, 0, 1][..], &[0b1001][..]),
            (packed(1, 1, false, [0, 0], "first_byte"), &[1, 0, 0, 1], &[4, 0b1001]),
            (packed(1, 4, true, [0, 3], "last_byte"), &[1, 0xFF, 7], &[0xF1, 7, 4]),
            (packed(1, 6, false, [0, 5], "none"), &[0x3F, 0, 1, 0], &[0x3F, 0x10, 0]),
            (
                packed(2, 16, true, [4, 9], "none"),
                &[0xF0, 0x03, 0x10, 0x00],
                &[0x7F, 0],
            ),
        ] {
            let mut ours = Vec::new();
            codec.encode(plain, &mut ours, &mut context).unwrap();
            assert_eq!(ours, stored);
        }
    }

    #[test]
    fn numbers_of_every_width_come_back() {
        let (mut context, mut random) = (Context::new(), Xorshift::new(3));
        for padding in ["first_byte", "last_byte"] {
            for (width, bits) in [(1, 1), (1, 2), (1, 4), (1, 6), (1, 8), (2, 16), (4, 32), (8, 64)] {
                let codec = packed(width, bits, false, [0, bits - 1], padding);
                for cells in [0, 1, 7, 8, 9, 1001] {
                    let mask = u64::MAX >> (64 - bits);
                    let plain: Vec<u8> = (0..cells)
                        .flat_map(|_| (random.next() & mask).to_le_bytes()[..width].to_vec())
                        .collect();
                    check_round_trip(&codec, &plain, &mut context);
                }
            }
        }
    }

    #[test]
    fn kept_bits_go_back_to_their_place_and_signs_are_continued() {
        let mut context = Context::new();
        let mut back = [0; 4];
        packed(2, 16, true, [4, 9], "none")
            .decode(&[0x7F, 0], &mut back, &mut context)
            .unwrap();
        assert_eq!(back, [0xF0, 0xFF, 0x10, 0x00]);
        packed(2, 16, false, [4, 9], "none")
            .decode(&[0x7F, 0], &mut back, &mut context)
            .unwrap();
        assert_eq!(back, [0xF0, 0x03, 0x10, 0x00]);
    }

    #[test]
    fn documents_and_counts_that_make_no_sense_are_refused() {
        let entry = |first: i64, last: i64, bits: i64| {
            json!({"name": "packbits", "width": 1, "bits": bits, "signed": false, "first_bit": first, "last_bit": last,
                "padding_encoding": "none"})
        };
        assert!(Packed::build(&entry(0, 7, 8)).is_ok());
        for (first, last, bits) in [(3, 2, 8), (0, 8, 8), (-1, 2, 8), (0, 0, 9), (0, 0, 0)] {
            assert!(Packed::build(&entry(first, last, bits)).is_err());
        }
        let codec = packed(1, 1, false, [0, 0], "first_byte");
        for stored in [&[][..], &[8, 0], &[3, 1], &[0, 1]] {
            assert!(codec.decode(stored, &mut [0; 4], &mut Context::new()).is_err());
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for padding in ["none", "first_byte", "last_byte"] {
            Mutants::of(&packed(1, 6, true, [1, 4], padding), 2000).run();
        }
    }
}
