//! `crc32c`: four bytes of checksum (little endian) after or before the bytes they cover.

use super::growing::over_limit;
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use crc_fast::CrcAlgorithm;
use serde_json::Value;

const BYTES: usize = 4;

fn checksum(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// The codec.
pub struct Crc32c {
    at_end: bool,
}

impl Crc32c {
    /// From `{"location": "end" | "start"}`.
    ///
    /// # Errors
    /// [`Error::Document`] for another location.
    pub fn build(entry: &Value) -> Result<Self> {
        Ok(Self {
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
        let (plain, sum) = parts.ok_or_else(|| Error::decode("crc32c", "too short to hold a checksum"))?;
        let (stated, found) = (u32::from_le_bytes(*sum), checksum(plain));
        if stated == found {
            Ok(plain)
        } else {
            Err(Error::decode(
                "crc32c",
                format!("the checksum is {found:08x}, not {stated:08x} as stored"),
            ))
        }
    }
}

impl Codec for Crc32c {
    fn name(&self) -> &'static str {
        "crc32c"
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(plain + BYTES)
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
            return Err(over_limit("crc32c", limit));
        }
        plain.extend_from_slice(covered);
        Ok(())
    }

    fn decode_in_place<'a>(&self, stored: &'a [u8]) -> Option<Result<&'a [u8]>> {
        Some(self.strip(stored))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let sum = checksum(plain).to_le_bytes();
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

    fn crc32c(location: &str) -> Crc32c {
        Crc32c::build(&json!({"name": "crc32c", "location": location})).unwrap()
    }

    #[test]
    fn cells_come_back_from_either_place() {
        check_round_trips(&crc32c("end"));
        check_round_trips(&crc32c("start"));
        assert!(Crc32c::build(&json!({"name": "crc32c", "location": "middle"})).is_err());
    }

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        let mut stored = Vec::new();
        crc32c("end")
            .encode(&[0; 32], &mut stored, &mut Context::new())
            .unwrap();
        assert_eq!(stored[32..], 0x8A91_36AA_u32.to_le_bytes());
    }

    #[test]
    fn one_wrong_bit_anywhere_is_found() {
        let mut stored = Vec::new();
        crc32c("end")
            .encode(b"some cells", &mut stored, &mut Context::new())
            .unwrap();
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(crc32c("end").decode_in_place(&damaged).unwrap().is_err());
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        Mutants::of(&crc32c("end"), 2000).run();
        Mutants::of(&crc32c("start"), 2000).run();
    }
}
