//! `zstd`: Zstandard frames.

use super::growing::decode_growing;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use serde_json::Value;
use zstd_safe::{CCtx, CParameter, DCtx, InBuffer, OutBuffer, ResetDirective};

const NAME: &str = "zstd";

/// The library's code for "the destination is too small".
const TOO_SMALL: usize = 70_usize.wrapping_neg();

/// What a worker keeps: one context each way, set up for the last level used.
#[derive(Default)]
pub struct Kept {
    decoder: Option<DCtx<'static>>,
    encoder: Option<CCtx<'static>>,
    settings: Option<(i32, bool)>,
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

    fn encoder(&mut self, codec: &'static str, settings: (i32, bool)) -> Result<&mut CCtx<'static>> {
        let failed = |code| Error::encode(codec, why(code));
        if self.encoder.is_none() {
            self.encoder = CCtx::try_create();
            self.settings = None;
        }
        let encoder = self.encoder.as_mut().ok_or_else(|| Error::encode(codec, "no memory"))?;
        if self.settings != Some(settings) {
            self.settings = None;
            encoder.reset(ResetDirective::SessionAndParameters).map_err(failed)?;
            encoder
                .set_parameter(CParameter::CompressionLevel(settings.0))
                .map_err(failed)?;
            encoder
                .set_parameter(CParameter::ChecksumFlag(settings.1))
                .map_err(failed)?;
            self.settings = Some(settings);
        }
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
        let encoder = self.encoder(codec, (level, false))?;
        match encoder.compress2(room, plain) {
            Ok(written) => Ok(Some(written)),
            Err(TOO_SMALL) => {
                // What was begun is given up, or the next frame would go on with it.
                if encoder.reset(ResetDirective::SessionOnly).is_err() {
                    self.encoder = None;
                }
                Ok(None)
            }
            Err(code) => {
                self.encoder = None;
                Err(Error::encode(codec, why(code)))
            }
        }
    }

    /// Appends one frame.
    pub(super) fn compress(
        &mut self,
        codec: &'static str,
        settings: (i32, bool),
        plain: &[u8],
        stored: &mut Vec<u8>,
    ) -> Result<()> {
        let encoder = self.encoder(codec, settings)?;
        // With room for the worst case the whole input is one step, and its size is written into the frame.
        let start = stored.len();
        stored.reserve(zstd_safe::compress_bound(plain.len()));
        let mut out = OutBuffer::around_pos(stored, start);
        let mut input = InBuffer::around(plain);
        let end = zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
        match encoder.compress_stream2(&mut out, &mut input, end) {
            Ok(0) => Ok(()),
            Ok(_) => {
                self.encoder = None;
                Err(Error::encode(codec, "the frame did not fit its bound"))
            }
            Err(code) => {
                self.encoder = None;
                Err(Error::encode(codec, why(code)))
            }
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
        let hint = zstd_safe::get_frame_content_size(stored).ok().flatten();
        decode_growing(NAME, stored.len(), hint, plain, limit, |room| {
            context.zstd.decompress(NAME, stored, room)
        })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        context.zstd.compress(NAME, (self.level, self.checksum), plain, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trip, check_round_trips, sample};
    use super::*;
    use serde_json::json;

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
