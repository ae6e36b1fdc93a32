//! Sharding: how an object holds several chunks.
//!
//! [`Place`] is all that reading and writing chunk by chunk needs. [`Sharding`] is the same as a codec of whole shards, for chains
//! in which a step before or after it makes chunks unreachable alone.

use crate::cells::{VIEW_BYTES, is_filled};
use crate::chain::{Chain, Foreign};
use crate::codecs::Codec;
use crate::copy::{self, Copy, CopyAxis, Memory};
use crate::program::unhex;
use crate::shape;
use crate::shard::ShardIndex;
use crate::{Context, Error, Result, Workspace};
use serde_json::Value;
use std::ops::Range;

/// Where a shard keeps its chunks.
pub struct Place {
    /// Chunks along each axis, in the order of the shard's own axes.
    pub counts: Vec<u64>,
    /// Shape of a chunk that is not clipped, likewise.
    pub inner_shape: Vec<usize>,
    slots: usize,
    index: Chain,
    index_bytes: usize,
    at_end: bool,
    /// The index of every shard, where the document has it.
    given: Option<ShardIndex>,
}

/// Axes along which chunks may be clipped within a shard that is decoded whole: each doubles the shapes they have.
const MOST_CLIPPED: usize = 8;

/// Slots a shard may have: beyond this an index is not data but an attack.
const MOST_SLOTS: usize = 1 << 24;

impl Place {
    /// Compiles the part of a lowered `sharding_indexed` entry that says where chunks lie.
    ///
    /// # Errors
    /// [`Error::Document`] when the chunks have other axes than the shard or the index has no fixed size.
    pub fn build(entry: &Value, shape: &[usize], foreign: Foreign<'_>) -> Result<Self> {
        let inner_shape: Vec<usize> = entry["chunk_shape"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|n| n.as_u64().map(|n| n as usize))
            .collect();
        if inner_shape.len() != shape.len() || inner_shape.contains(&0) {
            return Err(Error::Document(format!(
                "chunks of shape {inner_shape:?} do not fit a shard of shape {shape:?}"
            )));
        }
        // Where a chunk does not divide the shard, the last one is clipped to it.
        let counts: Vec<u64> = shape
            .iter()
            .zip(&inner_shape)
            .map(|(&outer, &inner)| outer.div_ceil(inner) as u64)
            .collect();
        let slots = counts
            .iter()
            .try_fold(1_usize, |n, &count| n.checked_mul(count as usize))
            .filter(|&n| n <= MOST_SLOTS)
            .ok_or_else(|| {
                Error::TooLarge(format!(
                    "a shard of shape {shape:?} has too many chunks of {inner_shape:?}"
                ))
            })?;
        let codecs = entry["index_codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut index_shape: Vec<usize> = counts.iter().map(|&count| count as usize).collect();
        index_shape.push(2);
        let index = Chain::build(codecs, &index_shape, 8, &[0xff; 8], foreign)?;
        if index.order().iter().copied().ne(0..index_shape.len()) {
            return Err(Error::Document(
                "a shard index that is transposed cannot be read".into(),
            ));
        }
        let mut index_bytes = index
            .stored_bytes()
            .ok_or_else(|| Error::Document("a shard index needs codecs whose output has a fixed size".into()))?;
        let given = match &entry["index"] {
            Value::Null => None,
            given => {
                index_bytes = 0;
                Some(given_index(given, slots, &index)?)
            }
        };
        let at_end = entry["index_location"].as_str() != Some("start");
        Ok(Self {
            counts,
            inner_shape,
            slots,
            index,
            index_bytes,
            at_end,
            given,
        })
    }

    /// How many chunks a shard has room for.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Bytes of the stored index.
    pub fn index_bytes(&self) -> usize {
        self.index_bytes
    }

    /// Whether the index is at the end of the shard.
    pub fn index_at_end(&self) -> bool {
        self.at_end
    }

    /// Where the index is in a shard of `object_bytes`.
    ///
    /// # Errors
    /// [`Error::Short`] when the shard is shorter than its index.
    pub fn index_range(&self, object_bytes: u64) -> Result<Range<u64>> {
        let n = self.index_bytes as u64;
        if object_bytes < n {
            return Err(Error::Short {
                want: n,
                got: object_bytes,
            });
        }
        Ok(if self.at_end {
            object_bytes - n..object_bytes
        } else {
            0..n
        })
    }

    /// The stored index, decoded and checked.
    ///
    /// # Errors
    /// A checksum that fails, a wrong size.
    pub fn decode_index(&self, stored: &[u8], workspace: &mut Workspace) -> Result<ShardIndex> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        let mut plain = workspace.buffer(16 * self.slots)?;
        let index = self
            .index
            .decode(stored, &mut plain[..16 * self.slots], workspace)
            .and_then(|()| ShardIndex::parse(&plain[..16 * self.slots], self.slots));
        workspace.put_back(plain);
        index
    }

    /// Whether a shard may be written.
    ///
    /// # Errors
    /// [`Error::Document`] where the index stands in the document.
    pub fn check_writable(&self) -> Result<()> {
        if self.given.is_none() {
            return Ok(());
        }
        Err(Error::Document(
            "the index of these shards stands in the array's document, so they are not written".into(),
        ))
    }

    /// The index as it is stored.
    ///
    /// # Errors
    /// A codec's refusal.
    pub fn encode_index(&self, index: &ShardIndex, workspace: &mut Workspace) -> Result<Vec<u8>> {
        self.check_writable()?;
        let mut stored = Vec::with_capacity(self.index_bytes);
        self.index.encode(&index.to_bytes(), &mut stored, workspace)?;
        Ok(stored)
    }

    /// Where the first chunk's bytes begin when a shard is written.
    pub fn first_byte(&self) -> u64 {
        if self.at_end { 0 } else { self.index_bytes as u64 }
    }
}

/// An index that stands in the document: as words, or as hexadecimal stored bytes.
fn given_index(given: &Value, slots: usize, chain: &Chain) -> Result<ShardIndex> {
    let bad = || {
        Error::Document(format!(
            "an index in the document does not fit shards of {slots} chunks"
        ))
    };
    if let Some(text) = given.as_str() {
        let mut plain = vec![0; 16 * slots];
        chain.decode(&unhex(text).ok_or_else(bad)?, &mut plain, &mut Workspace::new())?;
        return ShardIndex::parse(&plain, slots);
    }
    let words: Option<Vec<u64>> = given.as_array().ok_or_else(bad)?.iter().map(Value::as_u64).collect();
    let words = words.filter(|words| words.len() == 2 * slots).ok_or_else(bad)?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    ShardIndex::parse(&bytes, slots)
}

/// A whole shard as one codec: cells in C order of the shard's axes to an object and back.
pub struct Sharding {
    place: Place,
    shape: Vec<usize>,
    /// Chains of a chunk: bit `i` of their number says that the chunk is clipped along axis `clipped[i]`.
    inner: Vec<Chain>,
    clipped: Vec<usize>,
    cell_bytes: usize,
    fill: Vec<u8>,
}

impl Sharding {
    /// Compiles a lowered entry for shards of `shape`.
    ///
    /// # Errors
    /// As [`Place::build`] and [`Chain::build`].
    pub fn build(entry: &Value, shape: &[usize], cell_bytes: usize, fill: &[u8], foreign: Foreign<'_>) -> Result<Self> {
        let place = Place::build(entry, shape, foreign)?;
        let codecs = entry["codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let axes = shape.iter().zip(&place.inner_shape).enumerate();
        let clipped: Vec<usize> = axes
            .filter(|(_, (outer, inner))| *outer % *inner != 0)
            .map(|(axis, _)| axis)
            .collect();
        if clipped.len() > MOST_CLIPPED {
            return Err(Error::Document(format!(
                "chunks of shape {:?} do not divide a shard of shape {shape:?} along more than {MOST_CLIPPED} axes",
                place.inner_shape
            )));
        }
        let chain = |number: usize| {
            let mut chunk = place.inner_shape.clone();
            for (bit, &axis) in clipped.iter().enumerate() {
                if number >> bit & 1 == 1 {
                    chunk[axis] = shape[axis] % chunk[axis];
                }
            }
            Chain::build(codecs, &chunk, cell_bytes, fill, foreign)
        };
        let inner = (0..1_usize << clipped.len()).map(chain).collect::<Result<_>>()?;
        shape::bytes(shape, cell_bytes)?;
        Ok(Self {
            place,
            shape: shape.to_vec(),
            inner,
            clipped,
            cell_bytes,
            fill: fill.to_vec(),
        })
    }

    /// The chain of a slot's chunk, its place in the shard's grid and its shape.
    fn chunk(&self, slot: usize) -> (&Chain, Vec<usize>, Vec<usize>) {
        let (mut rest, mut number) = (slot, 0);
        let mut index = vec![0; self.shape.len()];
        let mut shape = self.place.inner_shape.clone();
        for axis in (0..self.shape.len()).rev() {
            let count = self.place.counts[axis] as usize;
            index[axis] = rest % count;
            rest /= count;
        }
        for (bit, &axis) in self.clipped.iter().enumerate() {
            if index[axis] + 1 == self.place.counts[axis] as usize {
                shape[axis] = self.shape[axis] % shape[axis];
                number |= 1 << bit;
            }
        }
        (&self.inner[number], index, shape)
    }

    /// The copy between a chunk's packed cells (source) and the shard's (destination), or back.
    fn copy_of(&self, chain: &Chain, index: &[usize], shape: &[usize], to_shard: bool) -> Copy {
        let outer = shape::strides(&self.shape, self.cell_bytes);
        let stored: Vec<usize> = chain.order().iter().map(|&axis| shape[axis]).collect();
        let packed = shape::strides(&stored, self.cell_bytes);
        let mut copy = Copy::default();
        let mut at = 0;
        let mut from = vec![0; self.shape.len()];
        for (stored_axis, &axis) in chain.order().iter().enumerate() {
            from[axis] = packed[stored_axis];
        }
        for axis in 0..self.shape.len() {
            at += (index[axis] * self.place.inner_shape[axis]) as isize * outer[axis];
            let (from, to) = if to_shard {
                (from[axis], outer[axis])
            } else {
                (outer[axis], from[axis])
            };
            copy.axes.push(CopyAxis::Stride {
                count: shape[axis],
                from,
                to,
            });
        }
        (copy.from, copy.to) = if to_shard { (0, at) } else { (at, 0) };
        copy
    }

    fn decode_with(&self, stored: &[u8], plain: &mut [u8], workspace: &mut Workspace) -> Result<()> {
        let index = &stored[to_usize(&self.place.index_range(stored.len() as u64)?)];
        let index = self.place.decode_index(index, workspace)?;
        copy::fill(plain, &self.fill);
        let mut cells = workspace.buffer(self.inner[0].plain_bytes())?;
        for slot in 0..self.place.slots {
            let Some(range) = index.get(slot, stored.len() as u64)? else {
                continue;
            };
            let (chain, at, shape) = self.chunk(slot);
            let chunk = &mut cells[..chain.plain_bytes()];
            chain.decode(&stored[to_usize(&range)], chunk, workspace)?;
            self.copy_of(chain, &at, &shape, true)
                .run(&Memory::of(chunk), &Memory::of_mut(plain), self.cell_bytes)?;
        }
        workspace.put_back(cells);
        Ok(())
    }

    fn encode_with(&self, plain: &[u8], stored: &mut Vec<u8>, workspace: &mut Workspace) -> Result<()> {
        let start = stored.len();
        let mut index = ShardIndex::empty(self.place.slots);
        stored.resize(start + self.place.first_byte() as usize, 0);
        let mut cells = workspace.buffer(self.inner[0].plain_bytes())?;
        for slot in 0..self.place.slots {
            let (chain, at, shape) = self.chunk(slot);
            let chunk = &mut cells[..chain.plain_bytes()];
            self.copy_of(chain, &at, &shape, false)
                .run(&Memory::of(plain), &Memory::of_mut(chunk), self.cell_bytes)?;
            // Views of variable length are compared by what they point at only where the engine knows them to be views.
            if self.cell_bytes != VIEW_BYTES && is_filled(chunk, &self.fill, false) {
                continue;
            }
            let first = stored.len();
            chain.encode(chunk, stored, workspace)?;
            index.set(slot, (first - start) as u64, (stored.len() - first) as u64);
        }
        workspace.put_back(cells);
        let index = self.place.encode_index(&index, workspace)?;
        if self.place.at_end {
            stored.extend_from_slice(&index);
        } else {
            stored[start..start + index.len()].copy_from_slice(&index);
        }
        Ok(())
    }
}

/// Runs `work` with a workspace around a codec's context.
pub(crate) fn with_workspace<T>(context: &mut Context, work: impl FnOnce(&mut Workspace) -> T) -> T {
    let mut workspace = Workspace::new();
    std::mem::swap(context, &mut workspace.context);
    let out = work(&mut workspace);
    std::mem::swap(context, &mut workspace.context);
    out
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl Codec for Sharding {
    fn name(&self) -> &'static str {
        "sharding_indexed"
    }

    fn stored_bytes(&self, _plain: usize) -> Option<usize> {
        None
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.decode_with(stored, plain, workspace))
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        let n = shape::bytes(&self.shape, self.cell_bytes)?;
        if n > limit {
            return Err(Error::TooLarge(format!(
                "a shard of {n} bytes is larger than the {limit} it may have here"
            )));
        }
        let start = plain.len();
        plain.resize(start + n, 0);
        self.decode(stored, &mut plain[start..], context)
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, context: &mut Context) -> Result<()> {
        with_workspace(context, |workspace| self.encode_with(plain, stored, workspace))
    }
}
