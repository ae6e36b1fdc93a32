//! The codecs: one file each, this list, and the contract they keep.

mod astype;
mod bitround;
pub(crate) mod blosc;
mod bz2;
mod cast_value;
mod checksum;
mod conditional;
pub(crate) mod deflate;
mod delta;
mod elementwise;
mod fixedscaleoffset;
mod growing;
mod gzip;
mod line;
mod lz4;
mod lz4_java;
mod lzma;
pub(crate) mod n5;
mod number;
mod numbers;
mod packbits;
mod packed;
mod parameters;
mod pcodec;
mod quantize;
pub(crate) mod reshape;
mod scale_offset;
mod shuffle;
mod shuffling;
#[cfg(test)]
pub(crate) mod testing;
mod vlen;
mod vlen_split;
mod zfp;
mod zlib;
pub(crate) mod zstd;

use crate::chain::Foreign;
use crate::{Context, Error, Result};
use serde_json::Value;

/// Every name that [`build`] knows.
pub const NAMES: &[&str] = &[
    "adler32",
    "astype",
    "bitround",
    "blosc",
    "bz2",
    "cast_value",
    "conditional",
    "crc32",
    "crc32c",
    "delta",
    "fixedscaleoffset",
    "fletcher32",
    "gzip",
    "jenkins_lookup3",
    "lz4",
    "lz4_java",
    "lzma",
    "numcodecs.packbits",
    "packbits",
    "pcodec",
    "quantize",
    "scale_offset",
    "shuffle",
    "vlen-bytes",
    "vlen-utf8",
    "zarrs.vlen",
    "zarrs.vlen_v2",
    "zfp",
    "zfpy",
    "zlib",
    "zstd",
];

/// A step of the chain between cells and stored bytes. Pure: bytes in, bytes out.
///
/// "Plain" is the side of the cells, "stored" the side of the store. Cells are packed in C order of the chunk, each in the byte
/// order of the array's own data type unless a `bytes` step swapped them.
pub trait Codec: Send + Sync {
    /// The name in the metadata.
    fn name(&self) -> &str;

    /// How many bytes `plain` bytes become, where that does not depend on their content (checksums, filters); else `None`.
    fn stored_bytes(&self, plain: usize) -> Option<usize>;

    /// The most bytes that `plain` bytes become, where there is such a bound.
    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        self.stored_bytes(plain)
    }

    /// Stored bytes back to plain ones; `plain` has exactly the size it must be filled to.
    ///
    /// # Errors
    /// The codec's refusal. Stored bytes are never trusted: too long, too short or garbage is an error, never a panic, and memory
    /// taken on the way is bounded by `plain.len()` or by `stored.len()`.
    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()>;

    /// As `decode` where the size is not known beforehand: appends to `plain`, at most `limit` bytes.
    ///
    /// # Errors
    /// As `decode`, and when more than `limit` bytes would come out.
    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()>;

    /// The plain bytes where they lie within the stored ones (a checksum that only strips itself, after checking); `None` when the
    /// codec has to make them.
    ///
    /// # Errors
    /// As `decode`.
    fn decode_in_place<'a>(&self, stored: &'a [u8]) -> Option<Result<&'a [u8]>> {
        let _ = stored;
        None
    }

    /// Plain bytes to stored ones, appended to `stored`. The same input gives the same output, always.
    ///
    /// # Errors
    /// The codec's refusal.
    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()>;

    /// Cells `range` (in bytes of the plain side) decoded alone into `plain`, where the format allows it: returns `false` when
    /// the whole must be decoded instead.
    ///
    /// # Errors
    /// As `decode`.
    fn decode_range(&self, stored: &[u8], start: usize, plain: &mut [u8], context: &mut Context) -> Result<bool> {
        let _ = (stored, start, plain, context);
        Ok(false)
    }

    /// One cell of the fill value after this step, where the step makes a cell of every cell; `None` where cells stay as they are
    /// or are none any more.
    ///
    /// # Errors
    /// A fill value that cannot take this step.
    fn encode_fill(&self, fill: &[u8], context: &mut Context) -> Option<Result<Vec<u8>>> {
        let _ = (fill, context);
        None
    }
}

/// Builds the codec of one entry of a lowered chain (`{"name": ..., parameters...}`), for chunks of `shape` at this place of it.
///
/// # Errors
/// [`Error::Document`] for a name or parameter this engine does not know.
pub fn build(entry: &Value, shape: &[usize], foreign: Foreign<'_>) -> Result<Box<dyn Codec>> {
    let name = entry["name"].as_str().unwrap_or_default();
    Ok(match name {
        "astype" => Box::new(astype::AsType::build(entry)?),
        "bitround" => Box::new(bitround::BitRound::build(entry)?),
        "blosc" => Box::new(blosc::Blosc::build(entry)?),
        "bz2" => Box::new(bz2::Bz2::build(entry)?),
        "cast_value" => Box::new(cast_value::CastValue::build(entry)?),
        "conditional" => Box::new(conditional::Conditional::build(entry, foreign)?),
        "delta" => Box::new(delta::Delta::build(entry)?),
        "fixedscaleoffset" => Box::new(fixedscaleoffset::FixedScaleOffset::build(entry)?),
        "gzip" => Box::new(gzip::Gzip::build(entry)?),
        "lz4" => Box::new(lz4::Lz4::build(entry)?),
        "lz4_java" => Box::new(lz4_java::Lz4Java::build(entry)?),
        "lzma" => Box::new(lzma::Lzma::build(entry)?),
        "numcodecs.packbits" => Box::new(packbits::PackBits),
        "packbits" => Box::new(packed::Packed::build(entry)?),
        "pcodec" => Box::new(pcodec::Pcodec::build(entry)?),
        "quantize" => Box::new(quantize::Quantize::build(entry)?),
        "scale_offset" => Box::new(scale_offset::ScaleOffset::build(entry)?),
        "shuffle" => Box::new(shuffle::Shuffle::build(entry)?),
        "vlen-bytes" => Box::new(vlen::VLen::bytes()),
        "vlen-utf8" => Box::new(vlen::VLen::utf8()),
        "zarrs.vlen" => Box::new(vlen_split::VLenSplit::build(entry, shape, foreign)?),
        "zarrs.vlen_v2" => Box::new(vlen::VLen::of_zarrs(parameters::flag(entry, "text")?)),
        "zfp" => Box::new(zfp::Zfp::bare(entry, shape)?),
        "zfpy" => Box::new(zfp::Zfp::with_header(entry, shape)?),
        "zlib" => Box::new(zlib::Zlib::build(entry)?),
        "zstd" => Box::new(zstd::Zstd::build(entry)?),
        _ if checksum::NAMES.contains(&name) => Box::new(checksum::Checksum::build(entry)?),
        _ => return Err(Error::Document(format!("no codec {name:?} in the engine"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_name_of_the_list_is_built_and_no_other() {
        let mut none = |entry: &Value| Err(Error::Document(format!("no codec {entry}")));
        for name in NAMES {
            let mut entry = json!({"name": name, "level": 1, "checksum": false, "location": "end", "elementsize": 4, "acceleration": 1,
                "cname": "lz4", "clevel": 5, "shuffle": 1, "typesize": 4, "blocksize": 0, "block_bytes": 64, "format": 1, "check": -1,
                "preset": null, "filters": null, "dtype": "f4", "astype": "f4", "encode_dtype": "f4", "decode_dtype": "f8",
                "offset": 0, "scale": 1, "digits": 2, "keepbits": 3, "mode_spec": "auto", "delta_spec": "auto",
                "delta_encoding_order": null, "equal_pages_up_to": 1});
            let others = json!({"codecs": [], "header_bits": 8, "text": true, "offset_bytes": 4, "index_location": "end",
                "index_codecs": [], "data_codecs": [], "mode": "reversible",
                "initval": 0, "prefix": "", "width": 1, "bits": 8, "signed": false, "first_bit": 0, "last_bit": 7,
                "padding_encoding": "none", "data_type": "int8", "rounding": "nearest-even", "out_of_range": "error",
                "encode": [], "decode": []});
            for (parameter, value) in others.as_object().unwrap() {
                entry[parameter] = value.clone();
            }
            if matches!(*name, "cast_value" | "scale_offset") {
                entry["dtype"] = json!("uint8");
                (entry["offset"], entry["scale"]) = (json!("00"), json!("01"));
            }
            assert_eq!(build(&entry, &[4], &mut none).unwrap().name(), *name);
        }
        assert!(
            matches!(build(&json!({"name": "gzop"}), &[4], &mut none), Err(Error::Document(why)) if why.contains("gzop"))
        );
        assert!(build(&json!({}), &[], &mut none).is_err() && build(&json!([]), &[], &mut none).is_err());
    }

    #[test]
    fn a_context_may_move_to_another_thread() {
        fn moves<T: Send>(_: &T) {}
        moves(&Context::new());
    }
}
