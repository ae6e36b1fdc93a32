//! `gzip`: RFC 1952 streams. One member is written, with no time in it; any number of members and padding after them is read.

use super::Codec;
use super::deflate::{self, Kept, Wrapper};
use super::growing::{most_compressed, over_limit};
use crate::{Context, Error, Result};
use serde_json::Value;

const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The codec.
pub struct Gzip {
    level: i32,
}

impl Gzip {
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

/// All members of `stored` one after the other; `None` when they do not fit.
fn members(kept: &mut Kept, stored: &[u8], plain: &mut [u8]) -> Result<Option<usize>> {
    let (mut rest, mut filled) = (stored, 0);
    loop {
        let Some(lengths) = kept.stream(Wrapper::Gzip, rest, &mut plain[filled..])? else {
            return Ok(None);
        };
        filled += lengths.plain;
        rest = &rest[lengths.stored..];
        if !rest.starts_with(&MAGIC) {
            return Ok(Some(filled));
        }
    }
}

impl Codec for Gzip {
    fn name(&self) -> &'static str {
        "gzip"
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        match members(&mut context.deflate, stored, plain)? {
            Some(filled) if filled == plain.len() => Ok(()),
            Some(filled) => Err(Error::size("a chunk decoded by gzip", plain.len(), filled)),
            None => Err(over_limit("gzip", plain.len())),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        // The last four bytes state the size of the last member, which is nearly always the only one.
        let hint = stored.last_chunk().map(|raw| u64::from(u32::from_le_bytes(*raw)));
        context
            .deflate
            .unsized_streams(Wrapper::Gzip, stored, hint, plain, limit, |kept, room| {
                members(kept, stored, room)
            })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        context.deflate.encode(Wrapper::Gzip, self.level, plain, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips, sample};
    use super::*;
    use serde_json::json;

    fn gzip(level: i32) -> Gzip {
        Gzip::build(&json!({"name": "gzip", "level": level})).unwrap()
    }

    #[test]
    fn cells_come_back_at_every_level() {
        for level in -1..=9 {
            check_round_trips(&gzip(level));
        }
        assert!(Gzip::build(&json!({"name": "gzip", "level": 10})).is_err());
    }

    #[test]
    fn no_time_is_written() {
        let mut stored = Vec::new();
        gzip(5).encode(b"cells", &mut stored, &mut Context::new()).unwrap();
        assert_eq!(stored[4..8], [0; 4]);
    }

    #[test]
    fn several_members_and_padding_are_read() {
        let (mut context, plain) = (Context::new(), sample(50_000));
        for padding in [&[][..], &[0; 7], b"trailing"] {
            for cut in [0, 1, 20_000, 50_000] {
                let mut stored = Vec::new();
                gzip(5).encode(&plain[..cut], &mut stored, &mut context).unwrap();
                gzip(1).encode(&plain[cut..], &mut stored, &mut context).unwrap();
                stored.extend_from_slice(padding);
                let mut back = vec![0; plain.len()];
                gzip(5).decode(&stored, &mut back, &mut context).unwrap();
                assert!(back == plain);
                let mut back = Vec::new();
                gzip(5)
                    .decode_unsized(&stored, &mut back, plain.len(), &mut context)
                    .unwrap();
                assert!(back == plain);
                gzip(5)
                    .decode(&stored, &mut vec![0; plain.len() - 1], &mut context)
                    .unwrap_err();
                gzip(5)
                    .decode_unsized(&stored, &mut back, plain.len() - 1, &mut context)
                    .unwrap_err();
            }
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&gzip(5), 4000).run();
    }
}
