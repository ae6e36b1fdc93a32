//! `shuffle`: the bytes of cells taken apart into planes.

use super::growing::over_limit;
use super::{Codec, parameters, shuffling};
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "shuffle";

/// The codec.
pub struct Shuffle {
    width: usize,
}

impl Shuffle {
    /// From `{"elementsize": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for anything but a whole number; below 2 nothing is done.
    pub fn build(entry: &Value) -> Result<Self> {
        let width = parameters::integer(entry, "elementsize", i64::from(i32::MIN), i64::from(i32::MAX))?;
        Ok(Self {
            width: width.max(1) as usize,
        })
    }
}

impl Codec for Shuffle {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(plain)
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        if stored.len() != plain.len() {
            return Err(Error::size("a shuffled chunk", plain.len(), stored.len()));
        }
        shuffling::unshuffle(self.width, stored, plain);
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        if stored.len() > limit {
            return Err(over_limit(NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + stored.len(), 0);
        shuffling::unshuffle(self.width, stored, &mut plain[start..]);
        Ok(())
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let start = stored.len();
        stored.resize(start + plain.len(), 0);
        shuffling::shuffle(self.width, plain, &mut stored[start..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips};
    use super::*;
    use serde_json::json;

    fn shuffle(elementsize: i64) -> Shuffle {
        Shuffle::build(&json!({"name": "shuffle", "elementsize": elementsize})).unwrap()
    }

    #[test]
    fn cells_of_every_width_come_back_with_what_follows_the_last() {
        for width in [0, 1, 2, 3, 4, 7, 8, 16, 33, 1000] {
            check_round_trips(&shuffle(width));
        }
    }

    #[test]
    fn first_bytes_come_first() {
        let mut stored = Vec::new();
        shuffle(2)
            .encode(&[1, 2, 3, 4, 5, 6, 7], &mut stored, &mut Context::new())
            .unwrap();
        assert_eq!(stored, [1, 3, 5, 2, 4, 6, 7]);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&shuffle(4), 1000).run();
    }
}
