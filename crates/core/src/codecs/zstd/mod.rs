//! `zstd`: Zstandard frames.

mod encoder;

use super::growing::{most_compressed, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use encoder::Encoder;
use serde_json::Value;
use zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

const NAME: &str = "zstd";

/// The library's code for "the destination is too small".
const TOO_SMALL: usize = 70_usize.wrapping_neg();

/// What a worker keeps: one context each way, set up for the last level used.
#[derive(Default)]
pub struct Kept {
    decoder: Option<DCtx<'static>>,
    encoder: Option<Encoder>,
}

fn why(code: usize) -> &'static str {
    zstd_safe::get_error_name(code)
}

impl Kept {
    fn decoder(&mut self, codec: &'static str) -> Result<&mut DCtx<'static>> {
        if self.decoder.is_none() {
            self.decoder = DCtx::try_create();
        }
        self.decoder.as_mut().ok_or_else(|| Error::decode(codec, "no memory"))
    }

    /// Fills `plain` from the start with all frames of `stored`; how many bytes came out, or `None` when they do not fit.
    pub(super) fn decompress(&mut self, codec: &'static str, stored: &[u8], plain: &mut [u8]) -> Result<Option<usize>> {
        match self.decoder(codec)?.decompress(plain, stored) {
            Ok(filled) => Ok(Some(filled)),
            Err(TOO_SMALL) => Ok(None),
            Err(code) => Err(Error::decode(codec, why(code))),
        }
    }

    /// Appends all frames of `stored` to `plain`, step by step: what a frame claims to hold is not believed.
    fn decompress_growing(
        &mut self,
        codec: &'static str,
        stored: &[u8],
        plain: &mut Vec<u8>,
        limit: usize,
    ) -> Result<()> {
        let decoder = self.decoder(codec)?;
        let failed = |code| Error::decode(codec, why(code));
        decoder.reset(ResetDirective::SessionOnly).map_err(failed)?;
        let step = DCtx::out_size();
        let most = plain.len().saturating_add(limit);
        let mut input = InBuffer::around(stored);
        loop {
            let start = plain.len();
            plain.resize(start + step.min(most - start), 0);
            let mut out = OutBuffer::around(&mut plain[start..]);
            let hint = decoder.decompress_stream(&mut out, &mut input).map_err(failed)?;
            let (filled, room) = (out.pos(), out.capacity());
            plain.truncate(start + filled);
            let at_end = input.pos() == stored.len();
            if hint == 0 && at_end {
                return Ok(());
            }
            if filled < room && at_end {
                return Err(Error::decode(codec, "the frame ends too early"));
            }
            if room == 0 {
                return Err(over_limit(codec, limit));
            }
        }
    }

    fn encoder(&mut self, codec: &'static str, settings: (i32, bool)) -> Result<&mut Encoder> {
        if self.encoder.is_none() {
            self.encoder = Encoder::new();
        }
        let encoder = self.encoder.as_mut().ok_or_else(|| Error::encode(codec, "no memory"))?;
        encoder
            .set_up(settings)
            .map_err(|code| Error::encode(codec, why(code)))?;
        Ok(encoder)
    }

    /// Writes one frame into `room`; how long it is, or `None` when it does not fit.
    pub(super) fn compress_into(
        &mut self,
        codec: &'static str,
        level: i32,
        plain: &[u8],
        room: &mut [u8],
    ) -> Result<Option<usize>> {
        match self.encoder(codec, (level, false))?.frame(plain, room) {
            Ok(written) => Ok(Some(written)),
            Err(TOO_SMALL) => Ok(None),
            Err(code) => Err(Error::encode(codec, why(code))),
        }
    }
}

/// The codec.
pub struct Zstd {
    level: i32,
    checksum: bool,
}

impl Zstd {
    /// From `{"level": n, "checksum": bool}`; level 0 is the library's default, those beyond its best count as its best.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters of another kind.
    pub fn build(entry: &Value) -> Result<Self> {
        let level = parameters::integer(entry, "level", i64::from(i32::MIN), i64::from(i32::MAX))? as i32;
        let level = level.clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level());
        Ok(Self {
            level,
            checksum: parameters::flag(entry, "checksum")?,
        })
    }
}

impl Codec for Zstd {
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
        match context.zstd.decompress(NAME, stored, plain)? {
            Some(filled) if filled == plain.len() => Ok(()),
            Some(filled) => Err(Error::size("a chunk decoded by zstd", plain.len(), filled)),
            None => Err(Error::decode(
                NAME,
                format!("more than {} bytes would come out", plain.len()),
            )),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let start = plain.len();
        context
            .zstd
            .decompress_growing(NAME, stored, plain, limit)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        let encoder = context.zstd.encoder(NAME, (self.level, self.checksum))?;
        encoder
            .append(plain, stored)
            .map_err(|code| Error::encode(NAME, why(code)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trip, check_round_trips, sample};
    use super::*;
    use serde_json::json;
    use zstd_safe::{CCtx, InBuffer, OutBuffer};

    fn zstd(level: i32, checksum: bool) -> Zstd {
        Zstd::build(&json!({"name": "zstd", "level": level, "checksum": checksum})).unwrap()
    }

    #[test]
    fn cells_come_back_at_every_kind_of_level() {
        for checksum in [false, true] {
            check_round_trips(&zstd(0, checksum));
            for level in [i32::MIN, -5, 1, 3, 19, 100] {
                check_round_trip(&zstd(level, checksum), &sample(20_000), &mut Context::new());
            }
        }
    }

    #[test]
    fn the_frame_holds_its_size_and_a_checksum_only_when_asked() {
        let (mut context, plain) = (Context::new(), sample(10_000));
        let (mut bare, mut checked) = (Vec::new(), Vec::new());
        zstd(0, false).encode(&plain, &mut bare, &mut context).unwrap();
        zstd(0, true).encode(&plain, &mut checked, &mut context).unwrap();
        assert_eq!(checked.len(), bare.len() + 4);
        assert_eq!(zstd_safe::get_frame_content_size(&bare).unwrap(), Some(10_000));
        *checked.last_mut().unwrap() ^= 1;
        let mut back = vec![0; plain.len()];
        zstd(0, true).decode(&checked, &mut back, &mut context).unwrap_err();
    }

    #[test]
    fn several_frames_skippable_frames_and_frames_without_a_size_are_read() {
        let (mut context, plain) = (Context::new(), sample(50_000));
        let codec = zstd(3, false);
        let mut stored = Vec::new();
        codec.encode(&plain[..20_000], &mut stored, &mut context).unwrap();
        stored.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
        // A frame whose header names no size: input given in two steps.
        let mut encoder = CCtx::create();
        let mut streamed = Vec::with_capacity(60_000);
        let mut out = OutBuffer::around(&mut streamed);
        encoder
            .compress_stream(&mut out, &mut InBuffer::around(&plain[20_000..]))
            .unwrap();
        encoder.end_stream(&mut out).unwrap();
        assert_eq!(zstd_safe::get_frame_content_size(&streamed).unwrap(), None);
        stored.extend_from_slice(&streamed);

        let mut back = vec![0; plain.len()];
        codec.decode(&stored, &mut back, &mut context).unwrap();
        assert_eq!(back, plain);
        let mut back = Vec::new();
        codec
            .decode_unsized(&stored, &mut back, plain.len(), &mut context)
            .unwrap();
        assert_eq!(back, plain);
        codec
            .decode_unsized(&stored, &mut back, plain.len() - 1, &mut context)
            .unwrap_err();
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&zstd(3, true), 3000).run();
        Mutants::of(&zstd(3, false), 3000).run();
    }
}
