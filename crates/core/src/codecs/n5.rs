//! `n5_default`: a block of N5. A header, big endian (mode, number of axes, length of the block along each, fastest axis first),
//! then the cells, also big endian, through at most one codec from bytes to bytes.
//!
//! A block says its own lengths: those at the far edges of an array are cut to it by some writers and filled up by others.

use super::Codec;
use super::growing::over_limit;
use crate::chain::{Foreign, Swap, swaps, turn};
use crate::{Context, Error, Result, shape};
use serde_json::Value;

const NAME: &str = "n5_default";
const DEFAULT: u16 = 0;
const VARLENGTH: u16 = 1;
/// How many times as many cells as its chunk a block may hold; what is beyond the chunk is read only to be left out.
const MOST_GROWTH: usize = 8;

/// The codec; its plain side are the cells of a chunk in C order, the last axis being the block's first.
pub struct N5 {
    shape: Vec<usize>,
    cell_bytes: usize,
    swaps: Vec<Swap>,
    fill: Vec<u8>,
    varlength: bool,
    inner: Option<Box<dyn Codec>>,
}

impl N5 {
    /// From `{"codecs": [{"name": "bytes", ...}, perhaps one codec from bytes to bytes], "varlength": flag}`.
    ///
    /// # Errors
    /// [`Error::Document`] for other codecs, or when one of them is not known.
    pub fn build(entry: &Value, shape: &[usize], cell_bytes: usize, fill: &[u8], foreign: Foreign<'_>) -> Result<Self> {
        let codecs = entry["codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let (bytes, inner) = match codecs {
            [bytes] => (bytes, None),
            [bytes, inner] => (bytes, Some(inner)),
            _ => {
                return Err(Error::Document(
                    "a block of N5 needs 'bytes' and at most one more codec".into(),
                ));
            }
        };
        let (swaps, swapped) = swaps(bytes)?;
        if swapped != cell_bytes || fill.len() != cell_bytes {
            return Err(Error::Document("a block of N5 whose cells are of two sizes".into()));
        }
        let inner = match inner {
            Some(entry) if entry["name"] == "python" => Some(foreign(entry)?),
            Some(entry) => Some(super::build(entry)?),
            None => None,
        };
        Ok(Self {
            shape: shape.to_vec(),
            cell_bytes,
            swaps,
            fill: fill.to_vec(),
            varlength: entry["varlength"].as_bool().unwrap_or(false),
            inner,
        })
    }

    fn header_bytes(&self) -> usize {
        4 + 4 * self.shape.len()
    }

    /// The shape of a block in C order, and its stored cells.
    fn split<'a>(&self, stored: &'a [u8]) -> Result<(Vec<usize>, &'a [u8])> {
        let short = || Error::decode(NAME, "too short to hold a header");
        let (mode, rest) = stored.split_first_chunk::<2>().ok_or_else(short)?;
        let (axes, mut rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
        let mode = u16::from_be_bytes(*mode);
        if mode != DEFAULT && !(mode == VARLENGTH && self.varlength) {
            return Err(Error::decode(
                NAME,
                format!("the block has mode {mode}, which is not read"),
            ));
        }
        let axes = usize::from(u16::from_be_bytes(*axes));
        if axes != self.shape.len() {
            let why = format!("the block has {axes} axes and the array {}", self.shape.len());
            return Err(Error::decode(NAME, why));
        }
        let mut have = vec![0; axes];
        for length in have.iter_mut().rev() {
            let (word, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
            *length = u32::from_be_bytes(*word) as usize;
            rest = after;
        }
        let cells = have.iter().try_fold(1_usize, |n, &length| n.checked_mul(length));
        let most = self.cells().saturating_mul(MOST_GROWTH);
        let cells = cells.filter(|&cells| cells <= most).ok_or_else(|| {
            Error::decode(
                NAME,
                format!("a block of {have:?} does not belong to chunks of {:?}", self.shape),
            )
        })?;
        if mode == VARLENGTH {
            let (word, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
            let count = u32::from_be_bytes(*word) as usize;
            if count != cells {
                let why = format!("{count} elements stand for {cells} cells; cells of varying length are not read");
                return Err(Error::decode(NAME, why));
            }
            rest = after;
        }
        Ok((have, rest))
    }

    fn cells(&self) -> usize {
        self.shape.iter().product()
    }

    fn unpack(&self, stored: &[u8], cells: &mut [u8], context: &mut Context) -> Result<()> {
        match &self.inner {
            Some(inner) => inner.decode(stored, cells, context)?,
            None if stored.len() == cells.len() => cells.copy_from_slice(stored),
            None => return Err(Error::size("the cells of a block of N5", cells.len(), stored.len())),
        }
        turn(cells, &self.swaps, self.cell_bytes);
        Ok(())
    }

    /// Copies what a block of shape `have` and the chunk share.
    fn place(&self, have: &[usize], block: &[u8], plain: &mut [u8]) {
        let both: Vec<usize> = have.iter().zip(&self.shape).map(|(&a, &b)| a.min(b)).collect();
        let Some((&row, outer)) = both.split_last() else {
            plain.copy_from_slice(block);
            return;
        };
        if both.contains(&0) {
            return;
        }
        let row = row * self.cell_bytes;
        let (from, to) = (
            shape::strides(have, self.cell_bytes),
            shape::strides(&self.shape, self.cell_bytes),
        );
        let mut at = vec![0; outer.len()];
        loop {
            let offset = |strides: &[isize]| {
                at.iter()
                    .zip(strides)
                    .map(|(&i, &step)| i * step as usize)
                    .sum::<usize>()
            };
            let (start, goal) = (offset(&from), offset(&to));
            plain[goal..goal + row].copy_from_slice(&block[start..start + row]);
            let Some(axis) = (0..outer.len()).rev().find(|&axis| at[axis] + 1 < outer[axis]) else {
                return;
            };
            at[axis] += 1;
            at[axis + 1..].fill(0);
        }
    }
}

impl Codec for N5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        let stored = match &self.inner {
            Some(inner) => inner.stored_bytes(plain)?,
            None => plain,
        };
        stored.checked_add(self.header_bytes())
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let want = self.cells() * self.cell_bytes;
        if plain.len() != want {
            return Err(Error::size("a block of N5", want, plain.len()));
        }
        let (have, stored) = self.split(stored)?;
        if have == self.shape {
            return self.unpack(stored, plain, context);
        }
        plain
            .chunks_exact_mut(self.cell_bytes.max(1))
            .for_each(|cell| cell.copy_from_slice(&self.fill));
        let bytes = shape::bytes(&have, self.cell_bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        let mut block = Vec::new();
        let room = block.try_reserve_exact(bytes);
        room.map_err(|_| Error::TooLarge(format!("memory has no room for a block of {bytes} bytes")))?;
        block.resize(bytes, 0);
        self.unpack(stored, &mut block, context)?;
        self.place(&have, &block, plain);
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let want = self.cells() * self.cell_bytes;
        if want > limit {
            return Err(over_limit(NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + want, 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        let want = self.cells() * self.cell_bytes;
        if plain.len() != want {
            return Err(Error::size("a block of N5", want, plain.len()));
        }
        let axes = u16::try_from(self.shape.len()).map_err(|_| Error::encode(NAME, "more than 65535 axes"))?;
        stored.extend_from_slice(&DEFAULT.to_be_bytes());
        stored.extend_from_slice(&axes.to_be_bytes());
        for &length in self.shape.iter().rev() {
            let length = u32::try_from(length).map_err(|_| Error::encode(NAME, "an axis of 2^32 cells or more"))?;
            stored.extend_from_slice(&length.to_be_bytes());
        }
        let start = stored.len();
        match &self.inner {
            None => {
                stored.extend_from_slice(plain);
                turn(&mut stored[start..], &self.swaps, self.cell_bytes);
                Ok(())
            }
            Some(inner) if self.swaps.is_empty() => inner.encode(plain, stored, context),
            Some(inner) => {
                let mut turned = plain.to_vec();
                turn(&mut turned, &self.swaps, self.cell_bytes);
                inner.encode(&turned, stored, context)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trip, sample};
    use super::*;
    use serde_json::json;

    fn n5(shape: &[usize], inner: &[Value]) -> N5 {
        let mut codecs = vec![json!({"name": "bytes", "swap": [[0, 4, 1]], "cell_bytes": 4})];
        codecs.extend_from_slice(inner);
        let entry = json!({"name": "n5_default", "codecs": codecs, "varlength": true});
        let mut none = |_: &Value| Err(Error::Document("no".into()));
        N5::build(&entry, shape, 4, &[7, 0, 0, 0], &mut none).unwrap()
    }

    /// A block of counted cells, uncompressed.
    fn block(mode: u16, lengths: &[u32], count: Option<u32>, cells: u32) -> Vec<u8> {
        let mut stored = mode.to_be_bytes().to_vec();
        stored.extend_from_slice(&(lengths.len() as u16).to_be_bytes());
        stored.extend(lengths.iter().chain(&count).flat_map(|word| word.to_be_bytes()));
        stored.extend((0..cells).flat_map(|cell| (100 + cell).to_be_bytes()));
        stored
    }

    fn cells(codec: &N5, stored: &[u8]) -> Result<Vec<u32>> {
        let mut plain = vec![0xAA; codec.cells() * 4];
        codec.decode(stored, &mut plain, &mut Context::new())?;
        Ok(plain
            .as_chunks::<4>()
            .0
            .iter()
            .map(|cell| u32::from_le_bytes(*cell))
            .collect())
    }

    #[test]
    fn cells_come_back_with_and_without_a_compressor() {
        for inner in [&[][..], &[json!({"name": "gzip", "level": 5})]] {
            let codec = n5(&[3, 5, 2], inner);
            check_round_trip(&codec, &sample(3 * 5 * 2 * 4), &mut Context::new());
        }
        check_round_trip(&n5(&[], &[]), &sample(4), &mut Context::new());
    }

    #[test]
    fn a_block_that_is_cut_is_filled_up_and_one_that_is_longer_is_cut() {
        let codec = n5(&[2, 3], &[]);
        assert_eq!(
            cells(&codec, &block(0, &[3, 2], None, 6)).unwrap(),
            [100, 101, 102, 103, 104, 105]
        );
        assert_eq!(
            cells(&codec, &block(0, &[2, 2], None, 4)).unwrap(),
            [100, 101, 7, 102, 103, 7]
        );
        assert_eq!(
            cells(&codec, &block(0, &[3, 1], None, 3)).unwrap(),
            [100, 101, 102, 7, 7, 7]
        );
        assert_eq!(
            cells(&codec, &block(0, &[4, 1], None, 4)).unwrap(),
            [100, 101, 102, 7, 7, 7]
        );
        assert_eq!(cells(&codec, &block(0, &[0, 2], None, 0)).unwrap(), [7; 6]);
    }

    #[test]
    fn blocks_of_other_modes_sizes_and_axes_are_refused() {
        let codec = n5(&[2, 3], &[]);
        assert_eq!(
            cells(&codec, &block(1, &[3, 1], Some(3), 3)).unwrap(),
            [100, 101, 102, 7, 7, 7]
        );
        for (stored, why) in [
            (block(1, &[3, 2], Some(5), 5), "varying length"),
            (block(2, &[3, 2], None, 6), "mode 2"),
            (block(0, &[3, 2, 1], None, 6), "3 axes"),
            (block(0, &[u32::MAX, u32::MAX], None, 6), "does not belong"),
            (block(0, &[3, 2], None, 5), "24 bytes, not 20"),
            (vec![0, 0, 0], "too short"),
        ] {
            let error = cells(&codec, &stored).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for inner in [&[][..], &[json!({"name": "zlib", "level": 1})]] {
            let codec = n5(&[5, 50], inner);
            let mut stored = Vec::new();
            codec.encode(&sample(1000), &mut stored, &mut Context::new()).unwrap();
            Mutants::from(
                &codec,
                4000,
                vec![(stored, 1000), (block(1, &[9, 5], Some(45), 45), 1000)],
            )
            .run();
        }
    }
}
