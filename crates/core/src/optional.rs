//! Cells that may be missing: a mask of those that are there, and their values, each through a chain of its own.
//!
//! A cell is a byte that says whether it is there, then its value. Stored are the lengths of the two parts (64 bits each, little
//! endian), the encoded mask and the encoded values; values of missing cells are not stored.

use crate::chain::{Chain, Foreign};
use crate::codecs::Codec;
use crate::sharding::with_workspace;
use crate::{Context, Error, Result, Workspace, shape};
use serde_json::Value;

/// The codec `optional`.
pub struct Optional {
    cells: usize,
    cell_bytes: usize,
    mask: Chain,
    /// The chain of the values, compiled anew for as many as there are.
    values: Vec<Value>,
}

const NAME: &str = "optional";
const HEAD_BYTES: usize = 16;

impl Optional {
    /// The codec of a lowered entry, for chunks of `shape`.
    ///
    /// # Errors
    /// [`Error::Document`] when an entry of its chains is unknown.
    pub fn build(entry: &Value, shape: &[usize], cell_bytes: usize, foreign: Foreign<'_>) -> Result<Self> {
        let bad = || {
            Error::Document(format!(
                "codec {NAME} needs cells of at least one byte, and its two chains"
            ))
        };
        if entry["cell_bytes"].as_u64() != Some(cell_bytes as u64) || cell_bytes == 0 {
            return Err(bad());
        }
        let cells = shape::cells(shape)?;
        let mask = entry["mask_codecs"].as_array().ok_or_else(bad)?;
        let values = entry["data_codecs"].as_array().ok_or_else(bad)?.clone();
        let mask = Chain::build(mask, &[cells], 1, &[0], foreign)?;
        let optional = Self {
            cells,
            cell_bytes,
            mask,
            values,
        };
        optional.values_chain(cells)?;
        Ok(optional)
    }

    fn values_chain(&self, count: usize) -> Result<Chain> {
        let width = self.cell_bytes - 1;
        let mut foreign = |_: &Value| {
            Err(Error::Document(format!(
                "codec {NAME} takes no codecs that are written in Python"
            )))
        };
        Chain::build(&self.values, &[count], width, &vec![0; width], &mut foreign)
    }

    fn refuse(why: impl Into<String>) -> Error {
        Error::decode(NAME, why)
    }

    fn decode_with(&self, stored: &[u8], plain: &mut [u8], workspace: &mut Workspace) -> Result<()> {
        if plain.len() != self.cells * self.cell_bytes {
            return Err(Error::size("the chunk", self.cells * self.cell_bytes, plain.len()));
        }
        let (head, rest) = stored
            .split_at_checked(HEAD_BYTES)
            .ok_or_else(|| Self::refuse("the two lengths are cut short"))?;
        let length = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&head[at..at + 8]);
            usize::try_from(u64::from_le_bytes(word)).map_err(|_| Self::refuse("a length is beyond the chunk"))
        };
        let (mask_bytes, value_bytes) = (length(0)?, length(8)?);
        if mask_bytes.checked_add(value_bytes) != Some(rest.len()) {
            return Err(Self::refuse(format!(
                "mask and values take {mask_bytes} and {value_bytes} bytes, and {} are there",
                rest.len()
            )));
        }
        let mut mask = vec![0; self.cells];
        self.mask.decode(&rest[..mask_bytes], &mut mask, workspace)?;
        if mask.iter().any(|&there| there > 1) {
            return Err(Self::refuse("the mask holds bytes that are neither 0 nor 1"));
        }
        let count: usize = mask.iter().map(|&there| usize::from(there)).sum();
        let width = self.cell_bytes - 1;
        let mut values = vec![0; count * width];
        if count > 0 {
            self.values_chain(count)?
                .decode(&rest[mask_bytes..], &mut values, workspace)?;
        }
        let mut next = values.chunks_exact(width.max(1));
        for (cell, there) in plain.chunks_exact_mut(self.cell_bytes).zip(mask) {
            cell[0] = there;
            match (there, width) {
                (0, _) => cell[1..].fill(0),
                (_, 0) => {}
                _ => cell[1..].copy_from_slice(next.next().unwrap_or_default()),
            }
        }
        Ok(())
    }

    fn encode_with(&self, plain: &[u8], stored: &mut Vec<u8>, workspace: &mut Workspace) -> Result<()> {
        if plain.len() != self.cells * self.cell_bytes {
            return Err(Error::size("the chunk", self.cells * self.cell_bytes, plain.len()));
        }
        let cells = || plain.chunks_exact(self.cell_bytes);
        let mask: Vec<u8> = cells().map(|cell| u8::from(cell[0] != 0)).collect();
        let mut values = Vec::new();
        for cell in cells().filter(|cell| cell[0] != 0) {
            values.extend_from_slice(&cell[1..]);
        }
        let count: usize = mask.iter().map(|&there| usize::from(there)).sum();
        let start = stored.len();
        stored.extend_from_slice(&[0; HEAD_BYTES]);
        self.mask.encode(&mask, stored, workspace)?;
        let mask_bytes = stored.len() - start - HEAD_BYTES;
        if count > 0 {
            self.values_chain(count)?.encode(&values, stored, workspace)?;
        }
        let value_bytes = stored.len() - start - HEAD_BYTES - mask_bytes;
        stored[start..start + 8].copy_from_slice(&(mask_bytes as u64).to_le_bytes());
        stored[start + 8..start + HEAD_BYTES].copy_from_slice(&(value_bytes as u64).to_le_bytes());
        Ok(())
    }
}

impl Codec for Optional {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.decode_with(stored, plain, workspace))
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let n = self.cells.saturating_mul(self.cell_bytes);
        if n > limit {
            return Err(Error::TooLarge(format!(
                "a chunk of {n} bytes is larger than the {limit} it may have here"
            )));
        }
        let start = plain.len();
        plain.resize(start + n, 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.encode_with(plain, stored, workspace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codecs::testing::Xorshift;
    use serde_json::json;

    fn codec(cells: usize) -> Optional {
        let plain = json!([{"name": "bytes", "swap": [], "cell_bytes": 2}, {"name": "gzip", "level": 1}]);
        let mask = json!([{"name": "bytes", "swap": [], "cell_bytes": 1}]);
        let entry = json!({"name": "optional", "cell_bytes": 3, "mask_codecs": mask, "data_codecs": plain});
        let mut foreign = |_: &Value| Err(Error::Document("none".into()));
        Optional::build(&entry, &[cells], 3, &mut foreign).expect("valid")
    }

    #[test]
    fn cells_come_back_and_missing_ones_take_no_room() {
        let mut context = Context::new();
        for plain in [vec![0; 12], vec![1, 5, 6, 0, 0, 0, 1, 7, 8, 0, 0, 0], vec![1; 12]] {
            let mut stored = Vec::new();
            codec(4).encode(&plain, &mut stored, &mut context).expect("encodes");
            let mut back = vec![9; 12];
            codec(4).decode(&stored, &mut back, &mut context).expect("decodes");
            assert_eq!(back, plain);
            if plain[0] == 0 {
                assert_eq!(stored.len(), HEAD_BYTES + 4);
            }
        }
    }

    #[test]
    fn garbage_is_refused_and_never_a_panic() {
        let mut random = Xorshift::new(7);
        let mut context = Context::new();
        let mut stored = Vec::new();
        codec(4)
            .encode(&[1, 5, 6, 0, 0, 0, 1, 7, 8, 0, 0, 0], &mut stored, &mut context)
            .expect("encodes");
        for _ in 0..2000 {
            let mut bad = stored.clone();
            let at = random.below(bad.len());
            bad[at] = random.below(256) as u8;
            bad.truncate(random.below(bad.len() + 1));
            let mut back = vec![0; 12];
            let _ = codec(4).decode(&bad, &mut back, &mut context);
        }
        assert!(codec(4).decode(&[255; 40], &mut [0; 12], &mut context).is_err());
    }
}
