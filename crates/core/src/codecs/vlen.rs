//! `vlen-utf8` and `vlen-bytes`: how many cells, then each cell's length and its bytes; all numbers 4 bytes, little endian.

use super::Codec;
use super::growing::over_limit;
use crate::cells::{VIEW_BYTES, put_view, view};
use crate::{Context, Error, Result};

const WORD: usize = 4;

/// The codec; its plain side are views of cells.
pub struct VLen {
    name: &'static str,
    text: bool,
}

impl VLen {
    /// Strings, which must be UTF-8.
    pub fn utf8() -> Self {
        Self {
            name: "vlen-utf8",
            text: true,
        }
    }

    /// Any bytes.
    pub fn bytes() -> Self {
        Self {
            name: "vlen-bytes",
            text: false,
        }
    }

    /// Strings or any bytes, under the one name that the writer of this has for both.
    pub fn of_zarrs(text: bool) -> Self {
        Self {
            name: "zarrs.vlen_v2",
            text,
        }
    }

    /// The number at the start of `bytes`, and what follows it.
    fn word<'a>(&self, bytes: &'a [u8]) -> Result<(usize, &'a [u8])> {
        let (word, rest) = bytes
            .split_first_chunk::<WORD>()
            .ok_or_else(|| self.refuse("the cells are cut short"))?;
        Ok((u32::from_le_bytes(*word) as usize, rest))
    }

    fn refuse(&self, why: impl Into<String>) -> Error {
        Error::decode(self.name, why)
    }

    /// Writes a view of every cell in `cells`, which follow each other as stored, into `plain`.
    fn point(&self, cells: &[u8], plain: &mut [u8]) -> Result<()> {
        let mut rest = cells;
        for (at, slot) in plain.chunks_exact_mut(VIEW_BYTES).enumerate() {
            let (bytes, after) = self.word(rest)?;
            let (cell, after) = after
                .split_at_checked(bytes)
                .ok_or_else(|| self.refuse("the cells are cut short"))?;
            if self.text && str::from_utf8(cell).is_err() {
                return Err(self.refuse(format!("cell {at} is not UTF-8")));
            }
            put_view(slot, cell);
            rest = after;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(self.refuse(format!("{} bytes follow the last cell", rest.len())))
        }
    }
}

impl Codec for VLen {
    fn name(&self) -> &str {
        self.name
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let (count, cells) = self.word(stored)?;
        if plain.len() != count * VIEW_BYTES {
            return Err(self.refuse(format!("{count} cells are stored, not {}", plain.len() / VIEW_BYTES)));
        }
        // One copy for all cells of the chunk, which outlives the stored bytes.
        let kept: Box<[u8]> = cells.into();
        self.point(&kept, plain)?;
        if !kept.is_empty() {
            context.arena.push(kept);
        }
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let (count, cells) = self.word(stored)?;
        if count > cells.len() / WORD {
            return Err(self.refuse(format!("{} bytes cannot hold {count} cells", cells.len())));
        }
        if count * VIEW_BYTES > limit {
            return Err(over_limit(self.name, limit));
        }
        let start = plain.len();
        plain.resize(start + count * VIEW_BYTES, 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    #[allow(unsafe_code)]
    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let slots = plain.chunks_exact(VIEW_BYTES);
        let length = |bytes: usize| {
            let word = u32::try_from(bytes).map_err(|_| Error::encode(self.name, "4 GiB or more in one cell"))?;
            Ok::<_, Error>(word.to_le_bytes())
        };
        if !slots.remainder().is_empty() {
            return Err(Error::encode(self.name, "the cells are no views"));
        }
        stored.extend_from_slice(&length(slots.len())?);
        for slot in slots {
            // SAFETY: the plain side of this codec are views, written by `put_view`, whose bytes the request keeps alive.
            let cell = unsafe { view(slot) };
            stored.extend_from_slice(&length(cell.len())?);
            stored.extend_from_slice(cell);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::super::testing::{Mutants, Xorshift};
    use super::*;

    fn views(cells: &[&[u8]]) -> Vec<u8> {
        let mut plain = vec![0; cells.len() * VIEW_BYTES];
        for (slot, cell) in plain.chunks_exact_mut(VIEW_BYTES).zip(cells) {
            put_view(slot, cell);
        }
        plain
    }

    fn stored(codec: &VLen, cells: &[&[u8]]) -> Vec<u8> {
        let mut stored = Vec::new();
        codec.encode(&views(cells), &mut stored, &mut Context::new()).unwrap();
        stored
    }

    #[test]
    fn cells_come_back_and_outlive_the_stored_bytes() {
        let cells: [&[u8]; 5] = [
            "".as_bytes(),
            "a".as_bytes(),
            "zwölf".as_bytes(),
            "日本".as_bytes(),
            "".as_bytes(),
        ];
        for codec in [VLen::utf8(), VLen::bytes()] {
            let mut context = Context::new();
            for count in 0..=cells.len() {
                let stored = stored(&codec, &cells[..count]);
                let mut plain = vec![0; count * VIEW_BYTES];
                codec.decode(&stored, &mut plain, &mut context).unwrap();
                let mut grown = Vec::new();
                codec
                    .decode_unsized(&stored, &mut grown, count * VIEW_BYTES, &mut context)
                    .unwrap();
                drop(stored);
                for slots in [plain, grown] {
                    for (slot, cell) in slots.chunks_exact(VIEW_BYTES).zip(cells) {
                        // SAFETY: written by the codec; the context still holds what it points at.
                        assert_eq!(unsafe { view(slot) }, cell);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_other_writers() {
        let cells: [&[u8]; 2] = [b"ab", b""];
        assert_eq!(
            stored(&VLen::bytes(), &cells),
            [2, 0, 0, 0, 2, 0, 0, 0, b'a', b'b', 0, 0, 0, 0]
        );
    }

    #[test]
    fn wrong_counts_wrong_lengths_and_wrong_text_are_refused() {
        let mut context = Context::new();
        let good = stored(&VLen::utf8(), &[b"abc", b"d"]);
        let mut plain = [0; 2 * VIEW_BYTES];
        let longer = [&good[..], &[0]].concat();
        let mut wrong_text = good.clone();
        wrong_text[9] = 0xFF;
        for bad in [&good[..good.len() - 1], &longer, &wrong_text, &[], &[2, 0, 0]] {
            VLen::utf8().decode(bad, &mut plain, &mut context).unwrap_err();
        }
        VLen::utf8()
            .decode(&good, &mut plain[..VIEW_BYTES], &mut context)
            .unwrap_err();
        VLen::bytes().decode(&wrong_text, &mut plain, &mut context).unwrap();
        let mut grown = Vec::new();
        VLen::bytes()
            .decode_unsized(&[0xFF; 64], &mut grown, usize::MAX, &mut context)
            .unwrap_err();
        VLen::bytes()
            .decode_unsized(&good, &mut grown, VIEW_BYTES, &mut context)
            .unwrap_err();
        assert!(grown.is_empty() && context.arena.len() == 1);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        let mut random = Xorshift::new(8);
        let texts: Vec<String> = (0..50).map(|_| "ä".repeat(random.below(9))).collect();
        let cells: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        for codec in [VLen::utf8(), VLen::bytes()] {
            let seeds = [0, 1, 50].map(|count| (stored(&codec, &cells[..count]), count * VIEW_BYTES));
            Mutants::from(&codec, 3000, seeds.into()).run();
        }
    }
}
