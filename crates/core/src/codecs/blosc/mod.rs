//! `blosc`: frames of c-blosc 1, blocks of shuffled and compressed cells. Read from their header alone, whatever the metadata says.

mod blosclz;
mod compressors;
mod decode;
mod encode;
mod frame;

use super::growing::{most_compressed, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use compressors::{Compressor, NAMES};
use decode::decode_part;
use frame::{Frame, HEADER, MOST, SHORTEST, Shuffled};
use serde_json::Value;

const NAME: &str = "blosc";
/// Cells wider than a byte can say count as single bytes.
const WIDEST: usize = 255;

/// Blocks that are longer are not decoded for a part of them.
const LARGEST_PART: usize = 16 << 20;

/// What a worker keeps.
#[derive(Default)]
pub struct Kept {
    /// A block as it was shuffled.
    shuffled: Vec<u8>,
    /// A block of which only a part is wanted.
    part: Vec<u8>,
    /// A stream as it was compressed.
    room: Vec<u8>,
    matches: blosclz::Matches,
    snappy: Option<snap::raw::Encoder>,
}

/// The first `bytes` of a buffer that only grows.
fn first(buffer: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
    &mut buffer[..bytes]
}

/// The codec.
pub struct Blosc {
    compressor: Compressor,
    level: i32,
    shuffled: Shuffled,
    width: usize,
    block: usize,
}

impl Blosc {
    /// From `{"cname", "clevel", "shuffle", "typesize", "blocksize"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters that blosc does not know.
    pub fn build(entry: &Value) -> Result<Self> {
        let width = parameters::integer(entry, "typesize", 1, i64::from(i32::MAX))? as usize;
        let shuffled = [Shuffled::No, Shuffled::Bytes, Shuffled::Bits];
        Ok(Self {
            compressor: Compressor::nth(parameters::choice(entry, "cname", &NAMES)?),
            level: parameters::integer(entry, "clevel", 0, 9)? as i32,
            shuffled: shuffled[parameters::integer(entry, "shuffle", 0, 2)? as usize],
            width: if width > WIDEST { 1 } else { width },
            block: parameters::integer(entry, "blocksize", 0, i64::from(i32::MAX))? as usize,
        })
    }
}

impl Codec for Blosc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let (frame, bytes) = Frame::read(stored)?;
        if frame.plain != plain.len() {
            return Err(Error::size("a chunk decoded by blosc", plain.len(), frame.plain));
        }
        decode_part(&frame, bytes, 0, plain, context)
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let (frame, bytes) = Frame::read(stored)?;
        if frame.plain > limit {
            return Err(over_limit(NAME, limit));
        }
        if frame.copied {
            plain.extend_from_slice(&bytes[HEADER..]);
            return Ok(());
        }
        // Grown block by block: a header alone cannot claim all memory.
        let start = plain.len();
        for at in 0..frame.blocks() {
            let block = frame.nth(at);
            plain.resize(start + block.start + block.bytes, 0);
            let done = decode_part(&frame, bytes, block.start, &mut plain[start + block.start..], context);
            done.inspect_err(|_| plain.truncate(start))?;
        }
        Ok(())
    }

    fn decode_range(&self, stored: &[u8], start: usize, plain: &mut [u8], context: &mut Context) -> Result<bool> {
        let (frame, bytes) = Frame::read(stored)?;
        if start.checked_add(plain.len()).is_none_or(|end| end > frame.plain) {
            return Err(Error::decode(NAME, format!("the chunk has {} bytes only", frame.plain)));
        }
        // A block is decoded as a whole: a header may not claim any amount of memory for a small part.
        if !frame.copied && frame.block.min(frame.plain) > LARGEST_PART {
            return Ok(false);
        }
        decode_part(&frame, bytes, start, plain, context)?;
        Ok(true)
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        if plain.len() > MOST {
            return Err(Error::encode(NAME, format!("a frame holds at most {MOST} bytes")));
        }
        let start = stored.len();
        let block = self.block(plain.len());
        let mut frame = Frame {
            plain: plain.len(),
            block,
            width: self.width,
            shuffled: self.shuffled,
            copied: self.level == 0 || plain.len() < SHORTEST,
            // Planes differ so much that each does better alone, whatever the compressor; old readers expect it of most.
            split: frame::splits(self.width, block),
            format: self.compressor.format(),
        };
        frame.write(stored);
        if !frame.copied && !self.encode_blocks(&frame, plain, stored, context)? {
            stored.truncate(start);
            frame.copied = true;
            frame.write(stored);
        }
        if frame.copied {
            stored.extend_from_slice(plain);
        }
        let bytes = (stored.len() - start) as u32;
        stored[start + 12..][..4].copy_from_slice(&bytes.to_le_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, Xorshift, check_round_trip, check_round_trips, sample};
    use super::*;
    use serde_json::json;

    fn blosc(cname: &str, clevel: u8, shuffle: u8, typesize: usize, blocksize: usize) -> Blosc {
        let entry = json!({"name": "blosc", "cname": cname, "clevel": clevel, "shuffle": shuffle, "typesize": typesize,
            "blocksize": blocksize});
        Blosc::build(&entry).unwrap()
    }

    #[test]
    fn cells_come_back_from_every_compressor_and_shuffle() {
        for name in NAMES {
            for shuffle in 0..3 {
                check_round_trips(&blosc(name, 5, shuffle, 4, 0));
            }
        }
    }

    #[test]
    fn cells_of_every_width_come_back_at_every_level_from_blocks_of_any_size() {
        let mut context = Context::new();
        let plain = sample(200_003);
        for (at, width) in [1, 2, 3, 8, 12, 16, 17, 255, 256, 100_000].into_iter().enumerate() {
            for (level, blocksize) in [(0, 0), (1, 1), (3, 1000), (6, 4096), (9, 1 << 30)] {
                let codec = blosc(NAMES[at % 6], level, at as u8 % 3, width, blocksize);
                check_round_trip(&codec, &plain, &mut context);
                check_round_trip(&codec, &plain[..129], &mut context);
            }
        }
    }

    #[test]
    fn every_part_is_that_of_the_whole() {
        let mut context = Context::new();
        let plain = sample(10_000);
        for (shuffle, level) in [(0, 5), (1, 5), (2, 5), (1, 0)] {
            let mut stored = Vec::new();
            let codec = blosc("lz4", level, shuffle, 4, 1024);
            codec.encode(&plain, &mut stored, &mut context).unwrap();
            for (start, end) in [
                (0, 0),
                (0, 10_000),
                (1, 2),
                (1023, 1025),
                (1024, 2048),
                (9_990, 10_000),
                (10_000, 10_000),
            ] {
                let mut part = vec![0; end - start];
                assert!(codec.decode_range(&stored, start, &mut part, &mut context).unwrap());
                assert!(part == plain[start..end]);
            }
            codec
                .decode_range(&stored, 9_999, &mut [0; 2], &mut context)
                .unwrap_err();
            codec
                .decode_range(&stored, usize::MAX, &mut [0; 2], &mut context)
                .unwrap_err();
        }
    }

    #[test]
    fn the_header_is_believed_and_what_follows_the_frame_ignored() {
        let mut context = Context::new();
        let plain = sample(5000);
        let mut stored = Vec::new();
        blosc("zlib", 5, 2, 2, 0)
            .encode(&plain, &mut stored, &mut context)
            .unwrap();
        stored.extend_from_slice(&[0; 16]);
        let mut back = vec![0; plain.len()];
        blosc("lz4", 1, 0, 8, 0)
            .decode(&stored, &mut back, &mut context)
            .unwrap();
        assert!(back == plain);
    }

    #[test]
    fn noise_is_copied_behind_the_header() {
        let mut random = Xorshift::new(1);
        let plain: Vec<u8> = (0..1000).map(|_| random.next() as u8).collect();
        let mut stored = Vec::new();
        blosc("zstd", 9, 0, 1, 0)
            .encode(&plain, &mut stored, &mut Context::new())
            .unwrap();
        assert_eq!((stored.len(), stored[2] & 2), (1016, 2));
        assert!(stored[16..] == plain);
    }

    #[test]
    fn frames_of_other_formats_are_refused() {
        let mut stored = Vec::new();
        blosc("zstd", 5, 1, 4, 0)
            .encode(&sample(5000), &mut stored, &mut Context::new())
            .unwrap();
        for (at, byte) in [
            (0, 5),
            (0, 0),
            (2, 0xE0),
            (3, 0),
            (7, 0x80),
            (8, 0),
            (11, 0x80),
            (12, 1),
        ] {
            let mut bad = stored.clone();
            bad[at] = byte;
            blosc("zstd", 5, 1, 4, 0)
                .decode(&bad, &mut [0; 5000], &mut Context::new())
                .unwrap_err();
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for name in NAMES {
            for (shuffle, level) in [(0, 5), (1, 1), (2, 9), (1, 0)] {
                Mutants::of(&blosc(name, level, shuffle, 4, 1024), 1500).run();
            }
        }
    }
}
