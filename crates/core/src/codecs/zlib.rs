//! `zlib`: RFC 1950 streams.

use super::Codec;
use super::deflate::{self, Wrapper};
use super::growing::{most_compressed, over_limit};
use crate::{Context, Error, Result};
use serde_json::Value;

/// The codec.
pub struct Zlib {
    level: i32,
}

impl Zlib {
    /// From `{"level": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for another level than -1 to 9.
    pub fn build(entry: &Value) -> Result<Self> {
        Ok(Self {
            level: deflate::level(entry)?,
        })
    }
}

impl Codec for Zlib {
    fn name(&self) -> &'static str {
        "zlib"
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        match context.deflate.stream(Wrapper::Zlib, stored, plain)? {
            Some(lengths) if lengths.plain == plain.len() => Ok(()),
            Some(lengths) => Err(Error::size("a chunk decoded by zlib", plain.len(), lengths.plain)),
            None => Err(over_limit("zlib", plain.len())),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        context
            .deflate
            .unsized_streams(Wrapper::Zlib, stored, None, plain, limit, |kept, room| {
                Ok(kept.stream(Wrapper::Zlib, stored, room)?.map(|lengths| lengths.plain))
            })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        context.deflate.encode(Wrapper::Zlib, self.level, plain, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips};
    use super::*;
    use serde_json::json;

    fn zlib(level: i32) -> Zlib {
        Zlib::build(&json!({"name": "zlib", "level": level})).unwrap()
    }

    #[test]
    fn cells_come_back_at_every_level() {
        for level in -1..=9 {
            check_round_trips(&zlib(level));
        }
        assert!(Zlib::build(&json!({"name": "zlib", "level": -2})).is_err());
    }

    #[test]
    fn bytes_after_the_stream_are_left_alone() {
        let mut stored = Vec::new();
        let mut context = Context::new();
        zlib(1).encode(b"cells", &mut stored, &mut context).unwrap();
        stored.extend_from_slice(&[0; 16]);
        let mut back = [0; 5];
        zlib(1).decode(&stored, &mut back, &mut context).unwrap();
        assert_eq!(&back, b"cells");
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&zlib(5), 4000).run();
    }
}
