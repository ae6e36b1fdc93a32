//! `zarrs.vlen`: cells of varying length as one list of offsets and one of bytes, each with codecs of its own.
//!
//! Eight bytes, little endian, say how long the stored offsets are. They stand before the offsets and the bytes, or after the bytes
//! and the offsets.

use super::line::Line;
use super::{Codec, parameters};
use crate::cells::{VIEW_BYTES, put_view, view};
use crate::chain::{Chain, Foreign};
use crate::sharding::with_workspace;
use crate::{Context, Error, Result, Workspace, shape};
use serde_json::Value;

const NAME: &str = "zarrs.vlen";
const LENGTH_BYTES: usize = 8;

/// The codec; its plain side are views of cells.
pub struct VLenSplit {
    text: bool,
    cells: usize,
    offset_bytes: usize,
    at_end: bool,
    index: Chain,
    data: Line,
}

/// Bytes of the cells of a chunk, at most: as everywhere where no document tells a size.
const MOST_BYTES: u64 = 1 << 31;

fn refuse(why: impl Into<String>) -> Error {
    Error::decode(NAME, why)
}

/// An offset of 4 or 8 bytes.
fn offset(raw: &[u8]) -> u64 {
    match raw.try_into() {
        Ok(raw) => u64::from(u32::from_ne_bytes(raw)),
        Err(_) => raw.try_into().map_or(u64::MAX, u64::from_ne_bytes),
    }
}

impl VLenSplit {
    /// From `{"text": bool, "index_codecs": [entries], "data_codecs": [entries], "offset_bytes": 4 | 8, "index_location": "start" |
    /// "end"}`, for chunks of `shape`.
    ///
    /// # Errors
    /// [`Error::Document`] for parameters of another kind; as [`Chain::build`] and [`Line::build`].
    pub fn build(entry: &Value, shape: &[usize], foreign: Foreign<'_>) -> Result<Self> {
        let cells = shape::cells(shape)?;
        let offset_bytes = parameters::integer(entry, "offset_bytes", 4, 8)? as usize;
        let entries = entry["index_codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let index = Chain::build(entries, &[cells + 1], offset_bytes, &vec![0; offset_bytes], foreign)?;
        Ok(Self {
            text: parameters::flag(entry, "text")?,
            cells,
            offset_bytes,
            at_end: parameters::choice(entry, "index_location", &["start", "end"])? == 1,
            index,
            data: Line::build(NAME, &entry["data_codecs"], foreign)?,
        })
    }

    /// The stored offsets and the stored bytes.
    fn split<'a>(&self, stored: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
        let short = || refuse("the chunk is cut short");
        let (length, rest) = if self.at_end {
            let (rest, length) = stored.split_last_chunk::<LENGTH_BYTES>().ok_or_else(short)?;
            (length, rest)
        } else {
            stored.split_first_chunk::<LENGTH_BYTES>().ok_or_else(short)?
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        if self.at_end {
            let at = rest.len().checked_sub(length).ok_or_else(short)?;
            let (data, index) = rest.split_at(at);
            Ok((index, data))
        } else {
            rest.split_at_checked(length).ok_or_else(short)
        }
    }

    fn decode_with(&self, stored: &[u8], plain: &mut [u8], workspace: &mut Workspace) -> Result<()> {
        if plain.len() != self.cells * VIEW_BYTES {
            return Err(Error::size(
                "a chunk decoded by zarrs.vlen",
                plain.len(),
                self.cells * VIEW_BYTES,
            ));
        }
        let (index, data) = self.split(stored)?;
        let mut raw = workspace.buffer(self.index.plain_bytes())?;
        let offsets = &mut raw[..self.index.plain_bytes()];
        self.index.decode(index, offsets, workspace)?;
        let mut offsets = offsets.chunks_exact(self.offset_bytes).map(offset);
        let bytes = offsets.next_back().unwrap_or(0);
        if bytes > MOST_BYTES {
            return Err(refuse(format!("{bytes} bytes of cells in one chunk are too many")));
        }
        // What the offsets claim bounds what comes out, and nothing is taken for it beforehand.
        let mut kept = Vec::new();
        if bytes > 0 {
            let applied = vec![true; self.data.len()];
            let context = &mut workspace.context;
            self.data
                .decode_unsized(data, &applied, &mut kept, bytes as usize, context)?;
        }
        if kept.len() as u64 != bytes {
            return Err(refuse(format!("{} bytes are stored for cells of {bytes}", kept.len())));
        }
        let kept = kept.into_boxed_slice();
        let mut start = offsets.next().unwrap_or(bytes);
        if start != 0 && self.cells > 0 {
            return Err(refuse("the first cell does not begin at the beginning"));
        }
        for (at, slot) in plain.chunks_exact_mut(VIEW_BYTES).enumerate() {
            let end = offsets.next().unwrap_or(bytes);
            let cell = (start <= end)
                .then(|| kept.get(start as usize..end as usize))
                .flatten()
                .ok_or_else(|| refuse(format!("cell {at} lies outside of the bytes")))?;
            if self.text && str::from_utf8(cell).is_err() {
                return Err(refuse(format!("cell {at} is not UTF-8")));
            }
            put_view(slot, cell);
            start = end;
        }
        if !kept.is_empty() {
            workspace.context.arena.push(kept);
        }
        workspace.put_back(raw);
        Ok(())
    }

    #[allow(unsafe_code)]
    fn encode_with(&self, plain: &[u8], stored: &mut Vec<u8>, workspace: &mut Workspace) -> Result<()> {
        if plain.len() != self.cells * VIEW_BYTES {
            return Err(Error::encode(NAME, "the cells are not those of a chunk"));
        }
        let mut data = Vec::new();
        let mut offsets = Vec::with_capacity((self.cells + 1) * self.offset_bytes);
        let mut push = |end: usize| {
            let fits = u32::try_from(end).ok().filter(|end| u64::from(*end) <= MOST_BYTES);
            let end =
                fits.ok_or_else(|| Error::encode(NAME, "more than 2 GiB in one chunk; make the chunks smaller"))?;
            if self.offset_bytes == 8 {
                offsets.extend_from_slice(&u64::from(end).to_ne_bytes());
            } else {
                offsets.extend_from_slice(&end.to_ne_bytes());
            }
            Ok::<_, Error>(())
        };
        push(0)?;
        for slot in plain.chunks_exact(VIEW_BYTES) {
            // SAFETY: the plain side of this codec are views, written by `put_view`, whose bytes the request keeps alive.
            data.extend_from_slice(unsafe { view(slot) });
            push(data.len())?;
        }
        let mut index = Vec::new();
        self.index.encode(&offsets, &mut index, workspace)?;
        if !data.is_empty() {
            data = self.data.encode(&data, false, &mut workspace.context)?.0;
        }
        let length = (index.len() as u64).to_le_bytes();
        let parts: [&[u8]; 3] = if self.at_end {
            [&data, &index, &length]
        } else {
            [&length, &index, &data]
        };
        for part in parts {
            stored.extend_from_slice(part);
        }
        Ok(())
    }
}

impl Codec for VLenSplit {
    fn name(&self) -> &'static str {
        NAME
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.decode_with(stored, plain, workspace))
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let bytes = self.cells * VIEW_BYTES;
        if bytes > limit {
            return Err(super::growing::over_limit(NAME, limit));
        }
        let start = plain.len();
        plain.resize(start + bytes, 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.encode_with(plain, stored, workspace))
    }
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::super::testing::Mutants;
    use super::*;
    use serde_json::json;

    fn split(text: bool, cells: usize, location: &str, offset_bytes: usize, packed: bool) -> VLenSplit {
        let bytes = json!({"name": "bytes", "swap": [], "cell_bytes": offset_bytes});
        let (mut index, mut data) = (vec![bytes.clone()], vec![bytes]);
        if packed {
            index.push(json!({"name": "zstd", "level": 1, "checksum": false}));
            data.push(json!({"name": "gzip", "level": 1}));
            data.push(json!({"name": "crc32c", "location": "end"}));
        }
        let entry = json!({"name": NAME, "text": text, "index_codecs": index, "data_codecs": data,
            "offset_bytes": offset_bytes, "index_location": location});
        VLenSplit::build(&entry, &[cells], &mut |entry| {
            Err(Error::Document(format!("no codec {entry}")))
        })
        .unwrap()
    }

    fn views(cells: &[&[u8]]) -> Vec<u8> {
        let mut plain = vec![0; cells.len() * VIEW_BYTES];
        for (slot, cell) in plain.chunks_exact_mut(VIEW_BYTES).zip(cells) {
            put_view(slot, cell);
        }
        plain
    }

    const CELLS: [&[u8]; 5] = [b"", b"a", "zwölf".as_bytes(), "日本".as_bytes(), b""];

    #[test]
    fn cells_come_back_and_outlive_the_stored_bytes() {
        let mut context = Context::new();
        for location in ["start", "end"] {
            for (offset_bytes, packed) in [(4, false), (8, true)] {
                for count in 0..=CELLS.len() {
                    let codec = split(true, count, location, offset_bytes, packed);
                    let mut stored = Vec::new();
                    codec
                        .encode(&views(&CELLS[..count]), &mut stored, &mut context)
                        .unwrap();
                    let mut plain = vec![0; count * VIEW_BYTES];
                    codec.decode(&stored, &mut plain, &mut context).unwrap();
                    drop(stored);
                    for (slot, cell) in plain.chunks_exact(VIEW_BYTES).zip(CELLS) {
                        // SAFETY: written by the codec; the context still holds what it points at.
                        assert_eq!(unsafe { view(slot) }, cell);
                    }
                }
            }
        }
    }

    #[test]
    fn the_length_of_the_offsets_stands_before_them_or_last() {
        let encode = |location| {
            let mut stored = Vec::new();
            let codec = split(false, 2, location, 4, false);
            codec
                .encode(&views(&[b"ab", b"c"]), &mut stored, &mut Context::new())
                .unwrap();
            stored
        };
        let (length, offsets) = ([12, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
        if cfg!(target_endian = "little") {
            assert_eq!(encode("start"), [&length[..], &offsets, b"abc"].concat());
            assert_eq!(encode("end"), [&b"abc"[..], &offsets, &length].concat());
        }
    }

    #[test]
    fn offsets_that_go_back_or_beyond_and_wrong_text_are_refused() {
        let codec = split(true, 2, "start", 4, false);
        let chunk = |offsets: [u32; 3], data: &[u8]| {
            let offsets: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_ne_bytes()).collect();
            [&12_u64.to_le_bytes()[..], &offsets, data].concat()
        };
        let mut plain = [0; 2 * VIEW_BYTES];
        codec
            .decode(&chunk([0, 1, 2], b"ab"), &mut plain, &mut Context::new())
            .unwrap();
        for wrong in [
            chunk([0, 2, 1], b"a"),
            chunk([1, 1, 2], b"ab"),
            chunk([0, 3, 2], b"ab"),
            chunk([0, 1, u32::MAX], b"ab"),
            chunk([0, 1, 2], b"\xff\xff"),
            chunk([0, 1, 2], b"a"),
            u64::MAX.to_le_bytes().to_vec(),
            vec![0; 3],
        ] {
            codec.decode(&wrong, &mut plain, &mut Context::new()).unwrap_err();
        }
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for packed in [false, true] {
            for location in ["start", "end"] {
                let codec = split(true, CELLS.len(), location, 8, packed);
                let mut stored = Vec::new();
                codec.encode(&views(&CELLS), &mut stored, &mut Context::new()).unwrap();
                Mutants::from(&codec, 2000, vec![(stored, CELLS.len() * VIEW_BYTES)]).run();
            }
        }
    }
}
