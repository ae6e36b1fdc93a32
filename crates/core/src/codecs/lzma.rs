//! `lzma`: xz containers, the older `.lzma`, and raw streams whose filters the metadata names.

use super::growing::{decode_growing, most_compressed, over_limit};
use super::{Codec, parameters};
use crate::{Context, Error, Result};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, MatchFinder, Mode, Status, Stream};
use serde_json::Value;

const NAME: &str = "lzma";
const XZ_MAGIC: &[u8] = b"\xFD7zXZ\0";
const DEFAULT_PRESET: u32 = 6;
/// Room that is always enough for the containers' own bytes.
const OVERHEAD: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    /// Whichever of the next two it is; for reading alone.
    Auto,
    Xz,
    Alone,
    Raw,
}

/// The codec.
pub struct Lzma {
    container: Container,
    check: Check,
    preset: u32,
    filters: Option<Vec<Value>>,
}

impl Lzma {
    /// From `{"format", "check", "preset", "filters"}`, the numbers and filter records of Python's `lzma` module.
    ///
    /// # Errors
    /// [`Error::Document`] for numbers that it does not know.
    pub fn build(entry: &Value) -> Result<Self> {
        let container = match parameters::integer(entry, "format", 0, 3)? {
            0 => Container::Auto,
            1 => Container::Xz,
            2 => Container::Alone,
            _ => Container::Raw,
        };
        let check = match parameters::integer(entry, "check", -1, 10)? {
            0 => Check::None,
            1 => Check::Crc32,
            -1 | 4 => Check::Crc64,
            10 => Check::Sha256,
            other => return Err(Error::Document(format!("codec {NAME:?}: there is no check {other}"))),
        };
        let preset = match &entry["preset"] {
            Value::Null => DEFAULT_PRESET,
            _ => parameters::integer(entry, "preset", 0, i64::from(u32::MAX))? as u32,
        };
        let codec = Self {
            container,
            check,
            preset,
            filters: entry["filters"].as_array().cloned(),
        };
        if container == Container::Raw && codec.filters.is_none() {
            return Err(Error::Document(format!(
                "codec {NAME:?}: a raw stream needs its \"filters\""
            )));
        }
        codec.chain()?;
        codec.options()?;
        Ok(codec)
    }

    /// The filter chain, where the metadata names one.
    fn chain(&self) -> Result<Option<Filters>> {
        self.filters
            .as_ref()
            .map(|records| records.iter().try_fold(Filters::new(), add))
            .transpose()
    }

    /// The options of the one filter that the `.lzma` container has.
    fn options(&self) -> Result<LzmaOptions> {
        match self.filters.as_deref() {
            Some([only]) => options(only),
            _ => preset(self.preset),
        }
    }

    fn decoder(&self) -> Result<Stream> {
        let made = match self.container {
            Container::Auto => Stream::new_auto_decoder(u64::MAX, 0),
            Container::Xz => Stream::new_stream_decoder(u64::MAX, 0),
            Container::Alone => Stream::new_lzma_decoder(u64::MAX),
            Container::Raw => Stream::new_raw_decoder(&self.chain()?.unwrap_or_else(Filters::new)),
        };
        made.map_err(|error| Error::decode(NAME, error.to_string()))
    }

    fn encoder(&self) -> Result<Stream> {
        let made = match (self.container, self.chain()?) {
            (Container::Auto, _) => return Err(Error::encode(NAME, "format 0 is for reading alone")),
            (Container::Xz, None) => Stream::new_easy_encoder(self.preset, self.check),
            (Container::Xz, Some(filters)) => Stream::new_stream_encoder(&filters, self.check),
            (Container::Alone, _) => Stream::new_lzma_encoder(&self.options()?),
            (Container::Raw, filters) => Stream::new_raw_encoder(&filters.unwrap_or_else(Filters::new)),
        };
        made.map_err(|error| Error::encode(NAME, error.to_string()))
    }

    /// One stream; the lengths of its stored and its plain side, or `None` when it does not fit.
    fn stream(&self, stored: &[u8], plain: &mut [u8]) -> Result<Option<(usize, usize)>> {
        let mut decoder = self.decoder()?;
        // Once the room is full, one byte more tells the end of the stream from a stream too long.
        let mut beyond = [0];
        loop {
            let (used, filled) = (decoder.total_in() as usize, decoder.total_out() as usize);
            let room = if filled < plain.len() {
                &mut plain[filled..]
            } else {
                &mut beyond[..]
            };
            let status = decoder.process(&stored[used..], room, Action::Run);
            let (used, filled) = (decoder.total_in() as usize, decoder.total_out() as usize);
            if filled > plain.len() {
                return Ok(None);
            }
            match status {
                Ok(Status::StreamEnd) => return Ok(Some((used, filled))),
                Ok(Status::Ok | Status::GetCheck) => {}
                // A raw stream need not say where it ends.
                Ok(Status::MemNeeded) if self.container == Container::Raw && used == stored.len() => {
                    return Ok(Some((used, filled)));
                }
                Ok(Status::MemNeeded) => return Err(Error::decode(NAME, "the stream is cut short")),
                Err(error) => return Err(Error::decode(NAME, error.to_string())),
            }
        }
    }

    /// All streams; how many bytes came out, or `None` when they do not fit.
    fn streams(&self, stored: &[u8], plain: &mut [u8]) -> Result<Option<usize>> {
        let (mut rest, mut filled) = (stored, 0);
        loop {
            let Some((used, more)) = self.stream(rest, &mut plain[filled..])? else {
                return Ok(None);
            };
            rest = &rest[used..];
            filled += more;
            if !rest.starts_with(XZ_MAGIC) || self.container == Container::Raw {
                return Ok(Some(filled));
            }
        }
    }
}

fn preset(preset: u32) -> Result<LzmaOptions> {
    LzmaOptions::new_preset(preset).map_err(|_| Error::Document(format!("codec {NAME:?}: there is no preset {preset}")))
}

/// The options in the record of an LZMA filter.
fn options(record: &Value) -> Result<LzmaOptions> {
    let number = |member: &str| match &record[member] {
        Value::Null => Ok(None),
        _ => parameters::integer(record, member, 0, i64::from(u32::MAX)).map(|number| Some(number as u32)),
    };
    let unknown = |member: &str| Error::Document(format!("codec {NAME:?}: there is no {member} {}", record[member]));
    let mut options = preset(number("preset")?.unwrap_or(DEFAULT_PRESET))?;
    if let Some(bytes) = number("dict_size")? {
        options.dict_size(bytes);
    }
    if let Some(bits) = number("lc")? {
        options.literal_context_bits(bits);
    }
    if let Some(bits) = number("lp")? {
        options.literal_position_bits(bits);
    }
    if let Some(bits) = number("pb")? {
        options.position_bits(bits);
    }
    if let Some(length) = number("nice_len")? {
        options.nice_len(length);
    }
    if let Some(depth) = number("depth")? {
        options.depth(depth);
    }
    match number("mode")? {
        None => {}
        Some(1) => drop(options.mode(Mode::Fast)),
        Some(2) => drop(options.mode(Mode::Normal)),
        Some(_) => return Err(unknown("mode")),
    }
    let finder = match number("mf")? {
        None => return Ok(options),
        Some(3) => MatchFinder::HashChain3,
        Some(4) => MatchFinder::HashChain4,
        Some(18) => MatchFinder::BinaryTree2,
        Some(19) => MatchFinder::BinaryTree3,
        Some(20) => MatchFinder::BinaryTree4,
        Some(_) => return Err(unknown("mf")),
    };
    options.match_finder(finder);
    Ok(options)
}

/// Adds the filter of one record to a chain.
fn add(mut chain: Filters, record: &Value) -> Result<Filters> {
    let refused = |error: liblzma::stream::Error| Error::Document(format!("codec {NAME:?}: filter {record}: {error}"));
    let start = match &record["start_offset"] {
        Value::Null => 0,
        _ => parameters::integer(record, "start_offset", 0, i64::from(u32::MAX))? as u32,
    };
    let start = start.to_le_bytes();
    match record["id"].as_u64() {
        Some(0x4000_0000_0000_0001) => drop(chain.lzma1(&options(record)?)),
        Some(0x21) => drop(chain.lzma2(&options(record)?)),
        Some(3) => {
            let distance = match &record["dist"] {
                Value::Null => 1,
                _ => parameters::integer(record, "dist", 1, 256)?,
            };
            chain.delta_properties(&[(distance - 1) as u8]).map_err(refused)?;
        }
        Some(4) => drop(chain.x86_properties(&start).map_err(refused)?),
        Some(5) => drop(chain.powerpc_properties(&start).map_err(refused)?),
        Some(6) => drop(chain.ia64_properties(&start).map_err(refused)?),
        Some(7) => drop(chain.arm_properties(&start).map_err(refused)?),
        Some(8) => drop(chain.arm_thumb_properties(&start).map_err(refused)?),
        Some(9) => drop(chain.sparc_properties(&start).map_err(refused)?),
        _ => return Err(Error::Document(format!("codec {NAME:?}: there is no filter {record}"))),
    }
    Ok(chain)
}

impl Codec for Lzma {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn most_stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(most_compressed(plain))
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        match self.streams(stored, plain)? {
            Some(filled) if filled == plain.len() => Ok(()),
            Some(filled) => Err(Error::size("a chunk decoded by lzma", plain.len(), filled)),
            None => Err(over_limit(NAME, plain.len())),
        }
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, _context: &mut Context) -> Result<()> {
        decode_growing(NAME, stored.len(), None, plain, limit, |room| {
            self.streams(stored, room)
        })
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let mut encoder = self.encoder()?;
        stored.reserve(plain.len() / 2 + OVERHEAD);
        loop {
            let used = encoder.total_in() as usize;
            match encoder.process_vec(&plain[used..], stored, Action::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) => stored.reserve(plain.len() / 2 + OVERHEAD),
                Err(error) => return Err(Error::encode(NAME, error.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Mutants, check_round_trip, sample};
    use super::*;
    use serde_json::json;

    fn every_kind() -> Vec<Lzma> {
        let lzma1 = json!([{"id": 0x4000_0000_0000_0001_u64, "preset": 1}]);
        let chain =
            json!([{"id": 3, "dist": 4}, {"id": 0x21, "preset": 0, "dict_size": 65536, "lc": 2, "mf": 4, "mode": 1}]);
        [
            json!({"name": "lzma", "format": 1, "check": -1, "preset": null, "filters": null}),
            json!({"name": "lzma", "format": 1, "check": 10, "preset": 0, "filters": null}),
            json!({"name": "lzma", "format": 1, "check": 0, "preset": null, "filters": chain}),
            json!({"name": "lzma", "format": 2, "check": -1, "preset": 1, "filters": null}),
            json!({"name": "lzma", "format": 2, "check": -1, "preset": null, "filters": lzma1}),
            json!({"name": "lzma", "format": 3, "check": -1, "preset": null, "filters": chain}),
            json!({"name": "lzma", "format": 3, "check": -1, "preset": null, "filters": lzma1}),
        ]
        .map(|entry| Lzma::build(&entry).unwrap())
        .into()
    }

    #[test]
    fn cells_come_back_from_every_container() {
        let mut context = Context::new();
        for codec in every_kind() {
            for bytes in [0, 1, 17, 4096, 100_000] {
                check_round_trip(&codec, &sample(bytes), &mut context);
            }
        }
    }

    #[test]
    fn several_xz_streams_are_read_and_the_container_is_found() {
        let (mut context, plain) = (Context::new(), sample(30_000));
        let codec = &every_kind()[0];
        let mut stored = Vec::new();
        codec.encode(&plain[..10_000], &mut stored, &mut context).unwrap();
        codec.encode(&plain[10_000..], &mut stored, &mut context).unwrap();
        let entry = json!({"name": "lzma", "format": 0, "check": -1, "preset": null, "filters": null});
        for reader in [codec, &Lzma::build(&entry).unwrap()] {
            let mut back = vec![0; plain.len()];
            reader.decode(&stored, &mut back, &mut context).unwrap();
            assert!(back == plain);
        }
    }

    #[test]
    fn unknown_numbers_are_refused() {
        for (member, wrong) in [
            ("format", json!(4)),
            ("check", json!(3)),
            ("preset", json!(77)),
            ("filters", json!([{"id": 99}])),
            ("filters", json!([{"id": 33, "mf": 99}])),
            ("filters", json!([{"id": 33, "mode": 9}])),
            ("filters", json!([{"id": 3, "dist": 300}])),
        ] {
            let mut entry = json!({"name": "lzma", "format": 1, "check": -1, "preset": null, "filters": null});
            entry[member] = wrong;
            assert!(matches!(Lzma::build(&entry), Err(Error::Document(_))), "{entry}");
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for codec in every_kind() {
            Mutants::of(&codec, 800).run();
        }
    }
}
