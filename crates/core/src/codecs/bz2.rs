//! `bz2`: bzip2 streams. One is written; several in a row are read.

use super::growing::{decode_growing, most_compressed, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use bzip2::{Action, Compress, Compression, Decompress, Status};
use serde_json::Value;

const NAME: &str = "bz2";
const MAGIC: &[u8] = b"BZh";

/// The codec.
pub struct Bz2 {
    level: u32,
}

impl Bz2 {
    /// From `{"level": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for another level than 1 to 9.
    pub fn build(entry: &Value) -> Result<Self> {
        Ok(Self {
            level: parameters::integer(entry, "level", 1, 9)? as u32,
        })
    }
}

/// One stream; the lengths of its stored and its plain side, or `None` when it does not fit.
fn stream(stored: &[u8], plain: &mut [u8]) -> Result<Option<(usize, usize)>> {
    let mut decoder = Decompress::new(false);
    // Once the room is full, one byte more tells the end of the stream from a stream too long.
    let mut beyond = [0];
    loop {
        let before = (decoder.total_in() as usize, decoder.total_out() as usize);
        let room = if before.1 < plain.len() {
            &mut plain[before.1..]
        } else {
            &mut beyond[..]
        };
        let status = decoder.decompress(&stored[before.0..], room);
        let now = (decoder.total_in() as usize, decoder.total_out() as usize);
        if now.1 > plain.len() {
            return Ok(None);
        }
        match status {
            Ok(Status::StreamEnd) => return Ok(Some(now)),
            Ok(Status::MemNeeded) => return Err(Error::decode(NAME, "no memory")),
            Ok(_) if before != now => {}
            Ok(_) => return Err(Error::decode(NAME, "the stream is cut short")),
            Err(error) => return Err(Error::decode(NAME, error.to_string())),
        }
    }
}

/// All streams; how many bytes came out, or `None` when they do not fit.
fn streams(stored: &[u8], plain: &mut [u8]) -> Result<Option<usize>> {
    let (mut rest, mut filled) = (stored, 0);
    loop {
        let Some((used, more)) = stream(rest, &mut plain[filled..])? else {
            return Ok(None);
        };
        rest = &rest[used..];
        filled += more;
        if !rest.starts_with(MAGIC) {
            return Ok(Some(filled));
        }
    }
}

impl Codec for Bz2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        match streams(stored, plain)? {
            Some(filled) if filled == plain.len() => Ok(()),
            Some(filled) => Err(Error::size("a chunk decoded by bz2", plain.len(), filled)),
            None => Err(over_limit(NAME, plain.len())),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        decode_growing(NAME, stored.len(), None, plain, limit, |room| streams(stored, room))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let mut encoder = Compress::new(Compression::new(self.level), 0);
        // The library's own bound for data that does not shrink.
        stored.reserve(plain.len() + plain.len() / 100 + 600);
        loop {
            let used = encoder.total_in() as usize;
            match encoder.compress_vec(&plain[used..], stored, Action::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) => stored.reserve(1 << 16),
                Err(error) => return Err(Error::encode(NAME, error.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips, sample};
    use super::*;
    use serde_json::json;

    fn bz2(level: u32) -> Bz2 {
        Bz2::build(&json!({"name": "bz2", "level": level})).unwrap()
    }

    #[test]
    fn cells_come_back_at_every_kind_of_level() {
        for level in [1, 5, 9] {
            check_round_trips(&bz2(level));
        }
        assert!(Bz2::build(&json!({"name": "bz2", "level": 0})).is_err());
    }

    #[test]
    fn several_streams_and_bytes_after_them_are_read() {
        let (mut context, plain) = (Context::new(), sample(50_000));
        let mut stored = Vec::new();
        bz2(1).encode(&plain[..20_000], &mut stored, &mut context).unwrap();
        bz2(9).encode(&plain[20_000..], &mut stored, &mut context).unwrap();
        stored.extend_from_slice(b"left over");
        let mut back = vec![0; plain.len()];
        bz2(1).decode(&stored, &mut back, &mut context).unwrap();
        assert!(back == plain);
        bz2(1).decode(&stored, &mut back[1..], &mut context).unwrap_err();
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&bz2(1), 2000).run();
    }
}
