//! `blosc`: c-blosc 1 frames.
#![allow(unsafe_code)]

use super::growing::{decode_growing, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use serde_json::Value;
use std::ffi::CString;

const HEADER: usize = 16;
const NAMES: [&str; 6] = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];

/// The codec.
pub struct Blosc {
    compressor: CString,
    level: i32,
    shuffle: i32,
    typesize: usize,
    blocksize: usize,
}

impl Blosc {
    /// From `{"cname", "clevel", "shuffle", "typesize", "blocksize"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters that blosc does not know.
    pub fn build(entry: &Value) -> Result<Self> {
        let name = NAMES[parameters::choice(entry, "cname", &NAMES)?];
        Ok(Self {
            compressor: CString::new(name).map_err(|_| Error::Document("a name with a NUL".into()))?,
            level: parameters::integer(entry, "clevel", 0, 9)? as i32,
            shuffle: parameters::integer(entry, "shuffle", 0, 2)? as i32,
            typesize: parameters::integer(entry, "typesize", 1, i64::from(i32::MAX))? as usize,
            blocksize: parameters::integer(entry, "blocksize", 0, i64::from(i32::MAX))? as usize,
        })
    }
}

/// The frame without what follows it, and the bytes it holds.
fn measure(stored: &[u8]) -> Result<(&[u8], usize)> {
    let damaged = || Error::decode("blosc", "the header does not fit the bytes");
    let cbytes = stored
        .get(12..HEADER)
        .and_then(|raw| raw.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or_else(damaged)?;
    let frame = stored.get(..cbytes as usize).ok_or_else(damaged)?;
    let mut plain = 0;
    // SAFETY: the pointer and the length are those of one slice.
    let code = unsafe { blosc_src::blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut plain) };
    if code == 0 { Ok((frame, plain)) } else { Err(damaged()) }
}

impl Codec for Blosc {
    fn name(&self) -> &'static str {
        "blosc"
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let (frame, bytes) = measure(stored)?;
        if bytes != plain.len() {
            return Err(Error::size("a chunk decoded by blosc", plain.len(), bytes));
        }
        // SAFETY: the frame was validated against its slice, and the destination has the size it states.
        let done = unsafe {
            blosc_src::blosc_decompress_ctx(frame.as_ptr().cast(), plain.as_mut_ptr().cast(), plain.len(), 1)
        };
        if done == bytes as i32 {
            Ok(())
        } else {
            Err(Error::decode("blosc", "a block is damaged"))
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let (_, bytes) = measure(stored)?;
        if bytes > limit {
            return Err(over_limit("blosc", limit));
        }
        decode_growing("blosc", bytes, Some(bytes as u64), plain, bytes, |room| {
            self.decode(stored, room, context).map(|()| Some(bytes))
        })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        if plain.len() > i32::MAX as usize - HEADER {
            return Err(Error::encode("blosc", "a chunk of blosc holds less than 2 GiB"));
        }
        let start = stored.len();
        let room = plain.len() + HEADER;
        stored.resize(start + room, 0);
        // SAFETY: source and destination are slices of the lengths given, the name ends with a NUL.
        let written = unsafe {
            blosc_src::blosc_compress_ctx(
                self.level,
                self.shuffle,
                self.typesize,
                plain.len(),
                plain.as_ptr().cast(),
                stored[start..].as_mut_ptr().cast(),
                room,
                self.compressor.as_ptr(),
                self.blocksize,
                1,
            )
        };
        if written <= 0 {
            stored.truncate(start);
            return Err(Error::encode("blosc", format!("the library says {written}")));
        }
        stored.truncate(start + written as usize);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_round_trips;
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_come_back_from_every_compressor_and_shuffle() {
        for name in NAMES {
            for shuffle in 0..3 {
                let entry = json!({"name": "blosc", "cname": name, "clevel": 5, "shuffle": shuffle, "typesize": 4, "blocksize": 0});
                check_round_trips(&Blosc::build(&entry).unwrap());
            }
        }
    }
}
