//! The checksums: four bytes (little endian) after or before the bytes they cover, checked when read. One shape for all; what
//! differs is the sum.

mod fletcher32;
mod lookup3;

use super::growing::over_limit;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use crc_fast::CrcAlgorithm;
use serde_json::Value;

const BYTES: usize = 4;

/// Every name that [`Checksum::build`] knows.
pub const NAMES: &[&str] = &["adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"];

/// How the bytes are summed up.
enum Sum {
    Adler32,
    Crc32,
    Crc32c,
    Fletcher32,
    Lookup3 { start: u32, prefix: Vec<u8> },
}

impl Sum {
    fn of(&self, bytes: &[u8]) -> u32 {
        match self {
            Self::Adler32 => libdeflater::adler32(bytes),
            Self::Crc32 => crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32,
            Self::Crc32c => crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32,
            Self::Fletcher32 => fletcher32::sum(bytes),
            Self::Lookup3 { start, prefix } => lookup3::sum(*start, prefix, bytes),
        }
    }
}

/// The codec.
pub struct Checksum {
    name: &'static str,
    sum: Sum,
    at_end: bool,
}

impl Checksum {
    /// From an entry named as in [`NAMES`] with `{"location": "end" | "start"}`, and with `{"initval", "prefix"}` (hexadecimal) for
    /// `jenkins_lookup3`.
    ///
    /// # Errors
    /// [`Error::Document`] for another location, or a seed that has not 32 bits.
    pub fn build(entry: &Value) -> Result<Self> {
        let at = parameters::choice(entry, "name", NAMES)?;
        let sum = match NAMES[at] {
            "adler32" => Sum::Adler32,
            "crc32" => Sum::Crc32,
            "crc32c" => Sum::Crc32c,
            "fletcher32" => Sum::Fletcher32,
            _ => Sum::Lookup3 {
                start: parameters::integer(entry, "initval", 0, i64::from(u32::MAX))? as u32,
                prefix: parameters::hex(entry, "prefix")?,
            },
        };
        Ok(Self {
            name: NAMES[at],
            sum,
            at_end: parameters::choice(entry, "location", &["start", "end"])? == 1,
        })
    }

    /// The covered bytes, after checking them.
    fn strip<'a>(&self, stored: &'a [u8]) -> Result<&'a [u8]> {
        let parts = if self.at_end {
            stored.split_last_chunk()
        } else {
            stored.split_first_chunk().map(|(sum, plain)| (plain, sum))
        };
        let (plain, sum) = parts.ok_or_else(|| Error::decode(self.name, "too short to hold a checksum"))?;
        let (stated, found) = (u32::from_le_bytes(*sum), self.sum.of(plain));
        if stated == found {
            Ok(plain)
        } else {
            Err(Error::decode(
                self.name,
                format!("the checksum is {found:08x}, not {stated:08x} as stored"),
            ))
        }
    }
}

impl Codec for Checksum {
    fn name(&self) -> &'static str {
        self.name
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        plain.checked_add(BYTES)
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        let covered = self.strip(stored)?;
        if covered.len() != plain.len() {
            return Err(Error::size("what a checksum covers", plain.len(), covered.len()));
        }
        plain.copy_from_slice(covered);
        Ok(())
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        let covered = self.strip(stored)?;
        if covered.len() > limit {
            return Err(over_limit(self.name, limit));
        }
        plain.extend_from_slice(covered);
        Ok(())
    }

    fn decode_in_place<'a>(&self, stored: &'a [u8]) -> Option<Result<&'a [u8]>> {
        Some(self.strip(stored))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let sum = self.sum.of(plain).to_le_bytes();
        stored.reserve(plain.len() + BYTES);
        if self.at_end {
            stored.extend_from_slice(plain);
            stored.extend_from_slice(&sum);
        } else {
            stored.extend_from_slice(&sum);
            stored.extend_from_slice(plain);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trips};
    use super::*;
    use serde_json::json;

    fn checksum(name: &str, location: &str) -> Checksum {
        let entry = json!({"name": name, "location": location, "initval": 7, "prefix": "00ff10"});
        Checksum::build(&entry).unwrap()
    }

    #[test]
    fn cells_come_back_from_either_place() {
        for name in NAMES {
            check_round_trips(&checksum(name, "end"));
            check_round_trips(&checksum(name, "start"));
            assert!(Checksum::build(&json!({"name": name, "location": "middle"})).is_err());
        }
        assert!(Checksum::build(&json!({"name": "crc64", "location": "end"})).is_err());
        let lookup3 = |initval: i64, prefix: &str| {
            Checksum::build(
                &json!({"name": "jenkins_lookup3", "location": "end", "initval": initval, "prefix": prefix}),
            )
        };
        assert!(lookup3(1 << 32, "").is_err() && lookup3(0, "0").is_err() && lookup3(0, "").is_ok());
    }

    #[test]
    fn sums_are_those_of_the_documents_that_define_them() {
        for (name, plain, sum) in [
            ("crc32c", &[0; 32][..], 0x8A91_36AA_u32),
            ("crc32", b"123456789", 0xCBF4_3926),
            ("adler32", b"Wikipedia", 0x11E6_0398),
        ] {
            let mut stored = Vec::new();
            checksum(name, "end")
                .encode(plain, &mut stored, &mut Context::new())
                .unwrap();
            assert_eq!(stored[plain.len()..], sum.to_le_bytes(), "{name}");
        }
    }

    #[test]
    fn one_wrong_bit_anywhere_is_found() {
        for name in NAMES {
            let mut stored = Vec::new();
            let codec = checksum(name, "end");
            codec.encode(b"some cells", &mut stored, &mut Context::new()).unwrap();
            for bit in 0..stored.len() * 8 {
                let mut damaged = stored.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let why = codec.decode_in_place(&damaged).unwrap().unwrap_err().to_string();
                assert!(why.contains(name) && why.contains("the checksum is"), "{why}");
            }
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for name in NAMES {
            Mutants::of(&checksum(name, "end"), 1000).run();
            Mutants::of(&checksum(name, "start"), 1000).run();
        }
    }
}
