//! `pcodec`: numbers packed by pco, in its standalone form, which says by itself how it was packed.

use super::growing::over_limit;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use half::f16;
use pco::data_types::Number;
use pco::standalone::{DecompressorItem, FileDecompressor, simple_compress};
use pco::{ChunkConfig, DeltaSpec, FULL_BATCH_N, ModeSpec, PagingSpec};
use serde_json::Value;

const NAME: &str = "pcodec";

/// The number types it packs; a complex number is two of them.
const TYPES: [&str; 13] = [
    "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16",
];

/// The codec.
pub struct Pcodec {
    kind: &'static str,
    config: ChunkConfig,
}

/// `$body` compiled for the number type that a name means.
macro_rules! with_number {
    ($kind:expr, $number:ident => $body:expr) => {
        with_number!(@arms $kind, $number, $body, "i1" i8, "i2" i16, "i4" i32, "i8" i64, "u1" u8, "u2" u16, "u4" u32,
            "f2" f16, "f4" f32, "f8" f64, "c8" f32, "c16" f64; u64)
    };
    (@arms $kind:expr, $number:ident, $body:expr, $($name:literal $type:ty),*; $last:ty) => {
        match $kind {
            $($name => { type $number = $type; $body })*
            _ => { type $number = $last; $body }
        }
    };
}

impl Pcodec {
    /// From `{"dtype", "level", "mode_spec", "delta_spec", "delta_encoding_order", "equal_pages_up_to"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters of another kind.
    pub fn build(entry: &Value) -> Result<Self> {
        let kind = TYPES[parameters::choice(entry, "dtype", &TYPES)?];
        let level = parameters::integer(entry, "level", 0, 12)? as usize;
        let mode = match parameters::choice(entry, "mode_spec", &["auto", "classic"])? {
            0 => ModeSpec::Auto,
            _ => ModeSpec::Classic,
        };
        let order = match &entry["delta_encoding_order"] {
            Value::Null => None,
            _ => Some(parameters::integer(entry, "delta_encoding_order", 0, 7)? as usize),
        };
        let names = ["auto", "none", "try_consecutive", "try_lookback"];
        let delta = match (parameters::choice(entry, "delta_spec", &names)?, order) {
            (0 | 2, Some(order)) => DeltaSpec::TryConsecutive(order),
            (1, _) => DeltaSpec::NoOp,
            (3, _) => DeltaSpec::TryLookback,
            _ => DeltaSpec::Auto,
        };
        let page = parameters::integer(entry, "equal_pages_up_to", 1, 1 << 24)? as usize;
        let config = ChunkConfig::default()
            .with_compression_level(level)
            .with_mode_spec(mode)
            .with_delta_spec(delta)
            .with_paging_spec(PagingSpec::EqualPagesUpTo(page))
            .with_enable_8_bit(true);
        Ok(Self { kind, config })
    }
}

/// A number in the bytes of a cell, in this machine's order.
trait Bytes: Number + Default {
    const BYTES: usize;
    fn get(raw: &[u8]) -> Self;
    fn put(self, raw: &mut [u8]);
}

macro_rules! bytes {
    ($($type:ty)*) => {$(
        impl Bytes for $type {
            const BYTES: usize = size_of::<$type>();

            fn get(raw: &[u8]) -> Self {
                let mut own = [0; size_of::<$type>()];
                own.copy_from_slice(raw);
                Self::from_ne_bytes(own)
            }

            fn put(self, raw: &mut [u8]) {
                raw.copy_from_slice(&self.to_ne_bytes());
            }
        }
    )*};
}
bytes!(i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64);

fn refused(error: &pco::errors::PcoError) -> Error {
    Error::decode(NAME, error.to_string())
}

/// Unpacks batch by batch and hands each to `take`, so that what the file claims to hold costs nothing.
fn unpack<N: Bytes>(stored: &[u8], mut take: impl FnMut(&[N]) -> Result<()>) -> Result<()> {
    let (file, mut rest) = FileDecompressor::new(stored).map_err(|error| refused(&error))?;
    let mut batch = vec![N::default(); BATCH];
    loop {
        let mut chunk = match file.chunk_decompressor::<N, _>(rest).map_err(|error| refused(&error))? {
            DecompressorItem::Chunk(chunk) => chunk,
            DecompressorItem::EndOfData(_) => return Ok(()),
        };
        loop {
            let progress = chunk.read(&mut batch).map_err(|error| refused(&error))?;
            take(&batch[..progress.n_processed])?;
            if progress.finished {
                break;
            }
            if progress.n_processed == 0 {
                return Err(Error::decode(NAME, "a page that never ends"));
            }
        }
        rest = chunk.into_src();
    }
}

/// Numbers unpacked at a time.
const BATCH: usize = 16 * FULL_BATCH_N;

fn write_all<N: Bytes>(numbers: &[N], raw: &mut [u8]) {
    for (number, raw) in numbers.iter().zip(raw.chunks_exact_mut(N::BYTES)) {
        number.put(raw);
    }
}

impl Codec for Pcodec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let mut filled = 0;
        with_number!(self.kind, N => unpack::<N>(stored, |numbers| {
            let end = filled + numbers.len() * <N as Bytes>::BYTES;
            let bytes = plain.len();
            let room = plain.get_mut(filled..end).ok_or_else(|| over_limit(NAME, bytes))?;
            write_all(numbers, room);
            filled = end;
            Ok(())
        }))?;
        if filled == plain.len() {
            Ok(())
        } else {
            Err(Error::size("a chunk decoded by pcodec", plain.len(), filled))
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        let start = plain.len();
        let most = start.saturating_add(limit);
        let done = with_number!(self.kind, N => unpack::<N>(stored, |numbers| {
            let (at, end) = (plain.len(), plain.len() + numbers.len() * <N as Bytes>::BYTES);
            if end > most {
                return Err(over_limit(NAME, limit));
            }
            plain.resize(end, 0);
            write_all(numbers, &mut plain[at..]);
            Ok(())
        }));
        done.inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let packed = with_number!(self.kind, N => {
            let cells = plain.chunks_exact(<N as Bytes>::BYTES);
            if !cells.remainder().is_empty() {
                return Err(Error::encode(NAME, "the cells are not whole numbers of their type"));
            }
            let numbers: Vec<N> = cells.map(<N as Bytes>::get).collect();
            simple_compress(&numbers, &self.config)
        });
        stored.extend_from_slice(&packed.map_err(|error| Error::encode(NAME, error.to_string()))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trip, sample};
    use super::*;
    use serde_json::json;

    fn pcodec(kind: &str) -> Pcodec {
        let entry = json!({"name": "pcodec", "dtype": kind, "level": 8, "mode_spec": "auto", "delta_spec": "auto",
            "delta_encoding_order": null, "equal_pages_up_to": 1000});
        Pcodec::build(&entry).unwrap()
    }

    #[test]
    fn numbers_of_every_type_come_back_bit_for_bit() {
        let mut context = Context::new();
        for kind in TYPES {
            for bytes in [0, 16, 4096, 80_000] {
                check_round_trip(&pcodec(kind), &sample(bytes), &mut context);
            }
        }
    }

    #[test]
    fn every_way_to_pack_is_read_back() {
        let mut context = Context::new();
        for mode in ["auto", "classic"] {
            for (delta, order) in [
                ("auto", None),
                ("auto", Some(2)),
                ("none", None),
                ("try_consecutive", Some(7)),
                ("try_consecutive", None),
                ("try_lookback", None),
            ] {
                for level in [0, 12] {
                    let entry = json!({"name": "pcodec", "dtype": "i4", "level": level, "mode_spec": mode,
                        "delta_spec": delta, "delta_encoding_order": order, "equal_pages_up_to": 700});
                    check_round_trip(&Pcodec::build(&entry).unwrap(), &sample(12_000), &mut context);
                }
            }
        }
    }

    #[test]
    fn a_file_of_other_numbers_is_refused() {
        let (mut context, mut stored) = (Context::new(), Vec::new());
        pcodec("i4").encode(&sample(4000), &mut stored, &mut context).unwrap();
        let mut back = vec![0; 4000];
        pcodec("f4").decode(&stored, &mut back, &mut context).unwrap_err();
        pcodec("i8").decode(&stored, &mut back, &mut context).unwrap_err();
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for kind in ["i4", "f8", "u2"] {
            let codec = pcodec(kind);
            let seeds = [0, 64, 1000, 20_000].map(|bytes| {
                let mut stored = Vec::new();
                codec.encode(&sample(bytes), &mut stored, &mut Context::new()).unwrap();
                (stored, bytes)
            });
            Mutants::from(&codec, 3000, seeds.into()).run();
        }
    }
}
