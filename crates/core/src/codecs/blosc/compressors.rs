//! The compressors within blosc: one stream of bytes to another.

use super::blosclz;
use crate::codecs::deflate::Wrapper;
use crate::codecs::lz4::{self, Effort};
use crate::{Context, Error, Result};

/// The names in the metadata, in the order of [`Compressor`].
pub const NAMES: [&str; 6] = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];

/// Who made a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    BloscLz,
    Lz4,
    Lz4Hc,
    Snappy,
    Zlib,
    Zstd,
}

impl Compressor {
    /// The one of name number `at`.
    pub fn nth(at: usize) -> Self {
        [
            Self::BloscLz,
            Self::Lz4,
            Self::Lz4Hc,
            Self::Snappy,
            Self::Zlib,
            Self::Zstd,
        ][at]
    }

    /// One that reads streams of a frame's format.
    pub fn of_format(format: u8) -> Option<Self> {
        [Self::BloscLz, Self::Lz4, Self::Snappy, Self::Zlib, Self::Zstd]
            .get(usize::from(format))
            .copied()
    }

    /// The number of the format of its streams.
    pub fn format(self) -> u8 {
        match self {
            Self::BloscLz => 0,
            Self::Lz4 | Self::Lz4Hc => 1,
            Self::Snappy => 2,
            Self::Zlib => 3,
            Self::Zstd => 4,
        }
    }

    /// Whether it is one for small results rather than for speed, which large blocks suit.
    pub fn is_thorough(self) -> bool {
        matches!(self, Self::Lz4Hc | Self::Zlib | Self::Zstd)
    }

    /// Fills `plain` with what `stream` holds, exactly.
    pub fn decode(self, stream: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let filled = match self {
            Self::BloscLz => blosclz::decode(stream, plain),
            Self::Lz4 | Self::Lz4Hc => lz4::decode_block(stream, plain),
            Self::Snappy => snap::raw::Decoder::new().decompress(stream, plain).ok(),
            Self::Zlib => context
                .deflate
                .stream(Wrapper::Zlib, stream, plain)?
                .map(|lengths| lengths.plain),
            Self::Zstd => context.zstd.decompress(super::NAME, stream, plain)?,
        };
        if filled == Some(plain.len()) {
            Ok(())
        } else {
            Err(Error::decode(super::NAME, "a block is damaged"))
        }
    }

    /// Writes a stream shorter than `plain` into `room`; how long it is, or `None` when `plain` does not shrink. `room` has
    /// [`Compressor::room`] bytes at least.
    pub fn encode(self, level: i32, plain: &[u8], room: &mut [u8], context: &mut Context) -> Result<Option<usize>> {
        let most = plain.len().saturating_sub(1);
        let written = match self {
            Self::BloscLz => blosclz::encode(level, plain, &mut room[..most], &mut context.blosc.matches),
            Self::Lz4 => lz4::encode_block(plain, &mut room[..most], Effort::Fast(10 - level)),
            Self::Lz4Hc => lz4::encode_block(plain, &mut room[..most], Effort::Thorough(level)),
            Self::Snappy => context
                .blosc
                .snappy
                .get_or_insert_with(snap::raw::Encoder::new)
                .compress(plain, room)
                .ok(),
            Self::Zlib => context
                .deflate
                .encode_into(Wrapper::Zlib, level, plain, &mut room[..most])?,
            Self::Zstd => {
                let level = if level < 9 {
                    level * 2 - 1
                } else {
                    zstd_safe::max_c_level()
                };
                context
                    .zstd
                    .compress_into(super::NAME, level, plain, &mut room[..most])?
            }
        };
        Ok(written.filter(|written| *written <= most))
    }

    /// Bytes of the room that encoding `plain` bytes may take.
    pub fn room(self, plain: usize) -> usize {
        if self == Self::Snappy {
            snap::raw::max_compress_len(plain)
        } else {
            plain
        }
    }
}
