//! `conditional`: codecs each of which may have been left out of a chunk, and before the bytes a mask that says which were not.
//!
//! Source: "conditional" of zarr-extensions.

use super::line::Line;
use super::{Codec, parameters};
use crate::chain::Foreign;
use crate::{Context, Error, Result};
use serde_json::Value;

const NAME: &str = "conditional";
/// Codecs, at most: no document has a tenth of this.
const MOST_BITS: i64 = 1 << 12;

/// The codec.
pub struct Conditional {
    line: Line,
    mask_bytes: usize,
}

impl Conditional {
    /// From `{"codecs": [entries], "header_bits": n}`.
    ///
    /// # Errors
    /// [`Error::Document`] for a mask that has no whole bytes or not a bit for each codec, and as [`Line::build`].
    pub fn build(entry: &Value, foreign: Foreign<'_>) -> Result<Self> {
        let line = Line::build(NAME, &entry["codecs"], foreign)?;
        let bits = parameters::integer(entry, "header_bits", 0, MOST_BITS)? as usize;
        if !bits.is_multiple_of(8) || bits < line.len() {
            return Err(Error::Document(format!(
                "codec {NAME:?}: {bits} header bits do not fit {} codecs; they are a multiple of 8 and at least one each",
                line.len()
            )));
        }
        Ok(Self {
            line,
            mask_bytes: bits / 8,
        })
    }

    /// Which codecs were applied, and the bytes behind the mask.
    fn split<'a>(&self, stored: &'a [u8]) -> Result<(Vec<bool>, &'a [u8])> {
        let (mask, rest) = stored
            .split_at_checked(self.mask_bytes)
            .ok_or_else(|| Error::decode(NAME, "the mask is cut short"))?;
        let mut bits = mask.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 != 0));
        let applied = bits.by_ref().take(self.line.len()).collect();
        if bits.any(|bit| bit) {
            return Err(Error::decode(NAME, "the mask has bits for codecs that are not there"));
        }
        Ok((applied, rest))
    }
}

impl Codec for Conditional {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        let (applied, rest) = self.split(stored)?;
        self.line.decode(rest, &applied, plain, context)
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let (applied, rest) = self.split(stored)?;
        self.line.decode_unsized(rest, &applied, plain, limit, context)
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        let (made, applied) = self.line.encode(plain, true, context)?;
        let mut mask = vec![0_u8; self.mask_bytes];
        for (bit, applied) in applied.into_iter().enumerate() {
            mask[bit / 8] |= u8::from(applied) << (bit % 8);
        }
        stored.extend_from_slice(&mask);
        stored.extend_from_slice(&made);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, Xorshift, check_round_trips, sample};
    use super::*;
    use serde_json::json;

    fn conditional(codecs: &Value, bits: usize) -> Result<Conditional> {
        let entry = json!({"name": NAME, "codecs": codecs, "header_bits": bits});
        Conditional::build(&entry, &mut |entry| Err(Error::Document(format!("no codec {entry}"))))
    }

    fn three() -> Value {
        json!([{"name": "shuffle", "elementsize": 4}, {"name": "zlib", "level": 5}, {"name": "crc32c", "location": "end"}])
    }

    #[test]
    fn chunks_come_back_whether_a_codec_was_applied_or_not() {
        check_round_trips(&conditional(&three(), 8).unwrap());
        check_round_trips(&conditional(&three(), 24).unwrap());
        check_round_trips(&conditional(&json!([]), 0).unwrap());
        check_round_trips(&conditional(&json!([{"name": "zstd", "level": 3, "checksum": false}]), 8).unwrap());
    }

    #[test]
    fn a_codec_that_makes_nothing_smaller_is_left_out_and_a_checksum_never() {
        let (mut context, mut random) = (Context::new(), Xorshift::new(1));
        let noise: Vec<u8> = (0..1000).map(|_| random.next() as u8).collect();
        let codec = conditional(&three(), 16).unwrap();
        let mut stored = Vec::new();
        codec.encode(&noise, &mut stored, &mut context).unwrap();
        assert_eq!((stored.len(), &stored[..2]), (2 + 1000 + 4, &[0b101, 0][..]));
        stored.clear();
        codec.encode(&sample(1000), &mut stored, &mut context).unwrap();
        assert_eq!(stored[..2], [0b111, 0]);
    }

    #[test]
    fn codec_number_i_is_bit_number_i_from_the_lowest() {
        let codec = conditional(&three(), 8).unwrap();
        let mut back = [0; 4];
        codec.decode(&[0, 1, 2, 3, 4], &mut back, &mut Context::new()).unwrap();
        assert_eq!(back, [1, 2, 3, 4]);
        let mut back = [0; 8];
        let shuffled = [1, 1, 5, 2, 6, 3, 7, 4, 8];
        codec.decode(&shuffled, &mut back, &mut Context::new()).unwrap();
        assert_eq!(back, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn masks_that_do_not_fit_are_refused() {
        assert!(conditional(&three(), 0).is_err());
        assert!(conditional(&three(), 12).is_err());
        assert!(conditional(&json!([{"name": "transpose", "order": [0]}]), 8).is_err());
        let codec = conditional(&three(), 8).unwrap();
        for wrong in [&[][..], &[8, 1, 2], &[0, 1], &[4, 1, 2]] {
            codec.decode(wrong, &mut [0; 2], &mut Context::new()).unwrap_err();
        }
    }

    #[test]
    fn conditions_hold_within_conditions() {
        let inner = json!({"name": NAME, "codecs": three(), "header_bits": 8});
        check_round_trips(&conditional(&json!([inner, {"name": "gzip", "level": 1}]), 8).unwrap());
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&conditional(&three(), 8).unwrap(), 3000).run();
    }
}
