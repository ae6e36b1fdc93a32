//! What `gzip` and `zlib` share: one deflate library, its contexts kept per worker.
#![allow(unsafe_code)]

use super::growing::decode_growing;
use super::parameters;
use crate::{Error, Result};
use libdeflate_sys as library;
use libdeflater::{CompressionError, CompressionLvl, Compressor};
use serde_json::Value;
use std::ptr::NonNull;

/// Deflate writes at most this many bytes for one stored byte.
const BEST_RATIO: usize = 1032;

/// What a worker keeps: a decompressor, and the compressor of the last level used.
#[derive(Default)]
pub struct Kept {
    decoder: Option<Decompressor>,
    encoder: Option<(i32, Compressor)>,
}

/// How long a stream was on both sides.
pub struct Lengths {
    pub stored: usize,
    pub plain: usize,
}

/// The library's decompressor. Called directly, since it must tell where a stream ends.
struct Decompressor(NonNull<library::libdeflate_decompressor>);

// SAFETY: the decompressor is plain memory without ties to a thread, and only used through `&mut`.
unsafe impl Send for Decompressor {}

impl Decompressor {
    fn new() -> Option<Self> {
        // SAFETY: takes nothing; null when there is no memory.
        NonNull::new(unsafe { library::libdeflate_alloc_decompressor() }).map(Self)
    }

    fn stream(&mut self, wrapper: Wrapper, stored: &[u8], plain: &mut [u8]) -> Result<Option<Lengths>> {
        let decode = match wrapper {
            Wrapper::Gzip => library::libdeflate_gzip_decompress_ex,
            Wrapper::Zlib => library::libdeflate_zlib_decompress_ex,
        };
        let mut lengths = Lengths { stored: 0, plain: 0 };
        // SAFETY: both pointers come with the lengths of their slices, which the library keeps within; the rest is ours.
        let outcome = unsafe {
            decode(
                self.0.as_ptr(),
                stored.as_ptr().cast(),
                stored.len(),
                plain.as_mut_ptr().cast(),
                plain.len(),
                &raw mut lengths.stored,
                &raw mut lengths.plain,
            )
        };
        match outcome {
            library::libdeflate_result_LIBDEFLATE_SUCCESS => Ok(Some(lengths)),
            library::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Ok(None),
            _ => Err(Error::decode(
                wrapper.name(),
                "the stream is damaged, cut short, or of another codec",
            )),
        }
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: made by `new` and freed once.
        unsafe { library::libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}

/// What surrounds the deflate stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    Gzip,
    Zlib,
}

impl Wrapper {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
        }
    }
}

/// The level of an entry; -1 stands for the usual 6.
///
/// # Errors
/// [`Error::Document`] for anything but a whole number from -1 to 9.
pub fn level(entry: &Value) -> Result<i32> {
    let level = parameters::integer(entry, "level", -1, 9)? as i32;
    Ok(if level == -1 { 6 } else { level })
}

impl Kept {
    /// Fills `plain` from the start with the first stream of `stored`; `None` when it does not fit.
    pub fn stream(&mut self, wrapper: Wrapper, stored: &[u8], plain: &mut [u8]) -> Result<Option<Lengths>> {
        if self.decoder.is_none() {
            self.decoder = Decompressor::new();
        }
        let decoder = self
            .decoder
            .as_mut()
            .ok_or_else(|| Error::decode(wrapper.name(), "no memory"))?;
        decoder.stream(wrapper, stored, plain)
    }

    /// The size of the streams of `stored` is not known: `attempt` decodes them into the room it gets.
    pub fn unsized_streams(
        &mut self,
        wrapper: Wrapper,
        stored: &[u8],
        hint: Option<u64>,
        plain: &mut Vec<u8>,
        limit: usize,
        mut attempt: impl FnMut(&mut Self, &mut [u8]) -> Result<Option<usize>>,
    ) -> Result<()> {
        // A hint is only a hint here: a stream that claims what it cannot hold is found out by decoding it.
        let most = stored.len().saturating_mul(BEST_RATIO).min(limit);
        let hint = hint.filter(|claimed| *claimed <= most as u64);
        decode_growing(wrapper.name(), stored.len(), hint, plain, limit, |room| {
            attempt(self, room)
        })
    }

    fn encoder(&mut self, wrapper: Wrapper, level: i32) -> Result<&mut Compressor> {
        if self.encoder.as_ref().is_none_or(|(kept, _)| *kept != level) {
            let level_of = CompressionLvl::new(level).map_err(|_| Error::encode(wrapper.name(), "no such level"))?;
            self.encoder = Some((level, Compressor::new(level_of)));
        }
        self.encoder
            .as_mut()
            .map(|(_, encoder)| encoder)
            .ok_or_else(|| Error::encode(wrapper.name(), "no memory"))
    }

    /// Writes one stream into `room`; how long it is, or `None` when it does not fit.
    pub fn encode_into(
        &mut self,
        wrapper: Wrapper,
        level: i32,
        plain: &[u8],
        room: &mut [u8],
    ) -> Result<Option<usize>> {
        let encoder = self.encoder(wrapper, level)?;
        let done = match wrapper {
            Wrapper::Gzip => encoder.gzip_compress(plain, room),
            Wrapper::Zlib => encoder.zlib_compress(plain, room),
        };
        match done {
            Ok(written) => Ok(Some(written)),
            Err(CompressionError::InsufficientSpace) => Ok(None),
        }
    }

    /// Appends one stream.
    pub fn encode(&mut self, wrapper: Wrapper, level: i32, plain: &[u8], stored: &mut Vec<u8>) -> Result<()> {
        let encoder = self.encoder(wrapper, level)?;
        let bound = match wrapper {
            Wrapper::Gzip => encoder.gzip_compress_bound(plain.len()),
            Wrapper::Zlib => encoder.zlib_compress_bound(plain.len()),
        };
        let start = stored.len();
        stored.resize(start + bound, 0);
        let written = self.encode_into(wrapper, level, plain, &mut stored[start..])?;
        stored.truncate(start + written.unwrap_or(0));
        written
            .map(|_| ())
            .ok_or_else(|| Error::encode(wrapper.name(), "the stream did not fit its bound"))
    }
}
