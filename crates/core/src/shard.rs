//! Shards: where in an object the chunks lie.

use crate::{Error, Result};

/// The offset and length that say "no such chunk".
const ABSENT: u64 = u64::MAX;

/// A shard's index: for each slot, in C order, where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIndex {
    words: Vec<u64>,
}

impl ShardIndex {
    /// An index of `slots` chunks that are not there.
    pub fn empty(slots: usize) -> Self {
        Self {
            words: vec![ABSENT; 2 * slots],
        }
    }

    /// Reads a decoded index (little-endian words were brought to this machine's order by its codecs).
    ///
    /// # Errors
    /// [`Error::Size`] when it is not 16 bytes a slot.
    pub fn parse(bytes: &[u8], slots: usize) -> Result<Self> {
        if bytes.len() != 16 * slots {
            return Err(Error::size("the shard index", 16 * slots, bytes.len()));
        }
        let (words, _) = bytes.as_chunks::<8>();
        Ok(Self {
            words: words.iter().map(|word| u64::from_ne_bytes(*word)).collect(),
        })
    }

    /// The index as words in this machine's order, for its codecs.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    /// Memory the index takes.
    pub fn bytes(&self) -> usize {
        8 * self.words.len()
    }

    /// Slots the index has.
    pub fn slots(&self) -> usize {
        self.words.len() / 2
    }

    /// Where a slot's bytes are in an object of `object_bytes`; `None` when the chunk was never written.
    ///
    /// A length of 2**64-1 means absent whatever the offset: early writers added the size of an index at the start to the marker.
    ///
    /// # Errors
    /// [`Error::Outside`] when they would lie outside.
    pub fn get(&self, slot: usize, object_bytes: u64) -> Result<Option<std::ops::Range<u64>>> {
        let Some(&[start, bytes]) = self.words.as_chunks::<2>().0.get(slot) else {
            return Err(Error::size("the shard index", 16 * (slot + 1), 8 * self.words.len()));
        };
        if bytes == ABSENT {
            return Ok(None);
        }
        let end = start.saturating_add(bytes);
        if end > object_bytes {
            return Err(Error::Outside {
                start,
                end,
                object_bytes,
            });
        }
        Ok(Some(start..end))
    }

    /// Says where a slot's bytes are.
    pub fn set(&mut self, slot: usize, start: u64, bytes: u64) {
        self.words[2 * slot] = start;
        self.words[2 * slot + 1] = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_round_trips_and_never_points_outside() {
        let mut index = ShardIndex::empty(3);
        index.set(1, 10, 5);
        index.set(2, u64::MAX, 7);
        let back = ShardIndex::parse(&index.to_bytes(), 3).expect("48 bytes");
        assert_eq!(back, index);
        assert_eq!(back.get(0, 100), Ok(None));
        assert_eq!(back.get(1, 15), Ok(Some(10..15)));
        assert!(back.get(1, 14).is_err());
        assert!(back.get(2, 100).is_err());
        assert!(ShardIndex::parse(&[0; 47], 3).is_err());
    }
}
