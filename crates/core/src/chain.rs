//! The codec chain of one chunk: cells to stored bytes and back.

use crate::codecs::n5::N5;
use crate::codecs::reshape::{self, Transpose};
use crate::codecs::{self, Codec};
use crate::optional::Optional;
use crate::shape;
use crate::sharding::Sharding;
use crate::{Error, Result, Workspace};
use serde_json::Value;

/// A codec that was written elsewhere (in Python), found by its number in the lowered document.
pub type Foreign<'a> = &'a mut dyn FnMut(&Value) -> Result<Box<dyn Codec>>;

/// Consecutive units of a cell whose bytes are turned round: from byte `offset`, `count` units of `unit` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swap {
    offset: usize,
    unit: usize,
    count: usize,
}

enum Stage {
    /// Byte order, in place.
    Swap { swaps: Vec<Swap>, cell_bytes: usize },
    /// Everything else.
    Codec(Box<dyn Codec>),
}

/// A compiled chain.
///
/// Transpositions at its beginning are not work: they are the order in which the cells lie, which whoever copies them takes into
/// account ([`Chain::order`]).
pub struct Chain {
    /// Shape of the cells at the end of the chain so far.
    shape: Vec<usize>,
    order: Vec<usize>,
    /// Whether the axes of `shape` are no longer those of the chunk in another order.
    is_reshaped: bool,
    cell_bytes: usize,
    stages: Vec<Stage>,
    /// `sizes[i]`: bytes before stage `i`, where fixed; the last entry is the size of what is stored.
    sizes: Vec<Option<usize>>,
}

/// What decoding may make of bytes whose size no document tells, when nothing tighter is known.
const UNSIZED_LIMIT: usize = 1 << 31;

impl Chain {
    /// Compiles lowered entries for chunks of `shape`.
    ///
    /// # Errors
    /// [`Error::Document`] when an entry is unknown or does not fit what comes before it.
    pub fn build(
        entries: &[Value],
        shape: &[usize],
        cell_bytes: usize,
        fill: &[u8],
        foreign: Foreign<'_>,
    ) -> Result<Self> {
        let mut chain = Self {
            shape: shape.to_vec(),
            order: (0..shape.len()).collect(),
            is_reshaped: false,
            cell_bytes,
            stages: Vec::new(),
            sizes: vec![Some(shape::bytes(shape, cell_bytes)?)],
        };
        let mut fill = fill.to_vec();
        for entry in entries {
            chain.push(entry, &mut fill, foreign)?;
        }
        Ok(chain)
    }

    fn push(&mut self, entry: &Value, fill: &mut Vec<u8>, foreign: Foreign<'_>) -> Result<()> {
        let before = self.sizes.last().copied().flatten();
        match entry["name"].as_str() {
            Some("transpose") => {
                let order = permutation(&entry["order"], self.shape.len())?;
                let shape = order.iter().map(|&axis| self.shape[axis]).collect();
                if self.stages.is_empty() && !self.is_reshaped {
                    self.order = order.iter().map(|&axis| self.order[axis]).collect();
                } else {
                    let moved = Transpose::new(&self.shape, order, self.cell_bytes);
                    self.stages.push(Stage::Codec(Box::new(moved)));
                    self.sizes.push(before);
                }
                self.shape = shape;
                return Ok(());
            }
            // Cells that keep their order are not touched: what follows sees them under another shape.
            Some("reshape") => {
                self.shape = reshape::reshaped(entry, &self.shape)?;
                self.is_reshaped = true;
                return Ok(());
            }
            Some("zarrs.squeeze") => {
                self.shape = reshape::squeezed(&self.shape);
                self.is_reshaped = true;
                return Ok(());
            }
            Some("bytes") => {
                let (swaps, cell_bytes) = swaps(entry)?;
                if before.is_some_and(|n| cell_bytes > 0 && n % cell_bytes != 0) {
                    return Err(Error::Document(
                        "a bytes codec whose cells do not fill the chunk".into(),
                    ));
                }
                if !swaps.is_empty() {
                    if fill.len() == cell_bytes {
                        turn(fill, &swaps, cell_bytes);
                    }
                    self.stages.push(Stage::Swap { swaps, cell_bytes });
                    self.sizes.push(before);
                }
                return Ok(());
            }
            Some("sharding_indexed") => {
                let sharding = Sharding::build(entry, &self.shape, self.cell_bytes, fill, foreign)?;
                self.stages.push(Stage::Codec(Box::new(sharding)));
                self.sizes.push(None);
                return Ok(());
            }
            Some("n5_default") => {
                let block = N5::build(entry, &self.shape, self.cell_bytes, fill, foreign)?;
                self.stages.push(Stage::Codec(Box::new(block)));
            }
            Some("optional") => {
                let optional = Optional::build(entry, &self.shape, self.cell_bytes, foreign)?;
                self.stages.push(Stage::Codec(Box::new(optional)));
                self.sizes.push(None);
                return Ok(());
            }
            Some("python") => self.stages.push(Stage::Codec(foreign(entry)?)),
            _ => self
                .stages
                .push(Stage::Codec(codecs::build(entry, &self.shape, foreign)?)),
        }
        if let Some(Stage::Codec(codec)) = self.stages.last() {
            let after = before.and_then(|n| codec.stored_bytes(n));
            // A filter may change the size of a cell; the fill value goes the way of all cells.
            if let Some(coded) = codec.encode_fill(fill, &mut crate::Context::new()) {
                *fill = coded?;
                self.cell_bytes = fill.len();
                if after.is_some_and(|n| Ok(n) != shape::bytes(&self.shape, fill.len())) {
                    return Err(Error::Document(format!(
                        "codec {:?} is set for cells of another type than those that come to it",
                        codec.name()
                    )));
                }
            } else if codec.name() == "numcodecs.packbits" {
                (self.shape, self.cell_bytes) = (after.into_iter().collect(), 1);
            }
            self.sizes.push(after);
        }
        Ok(())
    }

    /// Stored axis `i` is axis `order[i]` of the chunk.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Bytes of the cells of a chunk.
    pub fn plain_bytes(&self) -> usize {
        self.sizes[0].unwrap_or(0)
    }

    /// Bytes of a stored chunk, where its content does not matter.
    pub fn stored_bytes(&self) -> Option<usize> {
        self.sizes.last().copied().flatten()
    }

    /// Whether stored bytes are the cells as they are.
    pub fn is_plain(&self) -> bool {
        self.stages.is_empty()
    }

    /// The one codec of a chain that has no other, for reading a chunk in part.
    pub fn only_codec(&self) -> Option<&dyn Codec> {
        match &self.stages[..] {
            [Stage::Codec(codec)] => Some(codec.as_ref()),
            _ => None,
        }
    }

    /// The most bytes there can be before stage `at`.
    fn most_bytes(&self, at: usize) -> usize {
        let most = self.stages[..at]
            .iter()
            .try_fold(self.plain_bytes(), |n, stage| match stage {
                Stage::Swap { .. } => Some(n),
                Stage::Codec(codec) => codec.most_stored_bytes(n),
            });
        most.unwrap_or(UNSIZED_LIMIT)
    }

    /// Stored bytes to cells, packed in C order of the stored axes.
    ///
    /// # Errors
    /// A codec's refusal, or [`Error::Size`] when `cells` has not exactly [`Chain::plain_bytes`].
    pub fn decode(&self, stored: &[u8], cells: &mut [u8], workspace: &mut Workspace) -> Result<()> {
        if cells.len() != self.plain_bytes() {
            return Err(Error::size("the chunk", self.plain_bytes(), cells.len()));
        }
        // Stages below `direct` only turn bytes round, which is done in place: the stage at `direct` decodes into the cells.
        let direct = self
            .stages
            .iter()
            .take_while(|stage| matches!(stage, Stage::Swap { .. }))
            .count();
        let mut held: Option<(Vec<u8>, usize)> = None;
        let mut view = stored;
        let mut spare: Option<Vec<u8>> = None;
        let mut outcome = Ok(());
        for at in (direct..self.stages.len()).rev() {
            let source: &[u8] = match &held {
                Some((buffer, n)) => &buffer[..*n],
                None => view,
            };
            match &self.stages[at] {
                Stage::Swap { swaps, cell_bytes } => {
                    let (mut buffer, n) = if let Some(held) = held.take() {
                        held
                    } else {
                        let mut buffer = workspace.buffer(view.len())?;
                        buffer[..view.len()].copy_from_slice(view);
                        (buffer, view.len())
                    };
                    turn(&mut buffer[..n], swaps, *cell_bytes);
                    held = Some((buffer, n));
                }
                Stage::Codec(codec) => {
                    if held.is_none()
                        && at > direct
                        && let Some(inside) = codec.decode_in_place(view)
                    {
                        match inside {
                            Ok(inside) => view = inside,
                            Err(error) => {
                                outcome = Err(error);
                                break;
                            }
                        }
                        continue;
                    }
                    if at == direct {
                        let done = codec.decode(source, cells, &mut workspace.context);
                        outcome = done.map_err(|error| at_fault(codec.as_ref(), error));
                        break;
                    }
                    let mut buffer = spare.take().unwrap_or_else(|| workspace.empty_buffer());
                    let made = if let Some(n) = self.sizes[at] {
                        if buffer.len() < n {
                            workspace.put_back(buffer);
                            buffer = workspace.buffer(n)?;
                        }
                        codec
                            .decode(source, &mut buffer[..n], &mut workspace.context)
                            .map(|()| n)
                    } else {
                        buffer.clear();
                        codec
                            .decode_unsized(source, &mut buffer, self.most_bytes(at), &mut workspace.context)
                            .map(|()| buffer.len())
                    };
                    let made = made.map_err(|error| at_fault(codec.as_ref(), error));
                    match made {
                        Ok(n) => spare = held.replace((buffer, n)).map(|(buffer, _)| buffer),
                        Err(error) => {
                            outcome = Err(error);
                            break;
                        }
                    }
                }
            }
        }
        if outcome.is_ok() && direct == self.stages.len() {
            if stored.len() == cells.len() {
                cells.copy_from_slice(stored);
            } else {
                outcome = Err(Error::size("the stored chunk", cells.len(), stored.len()));
            }
        }
        if let Some((buffer, _)) = held {
            workspace.put_back(buffer);
        }
        if let Some(buffer) = spare {
            workspace.put_back(buffer);
        }
        outcome?;
        for stage in self.stages[..direct].iter().rev() {
            if let Stage::Swap { swaps, cell_bytes } = stage {
                turn(cells, swaps, *cell_bytes);
            }
        }
        Ok(())
    }

    /// Cells, packed in C order of the stored axes, to stored bytes, appended.
    ///
    /// # Errors
    /// A codec's refusal.
    pub fn encode(&self, cells: &[u8], stored: &mut Vec<u8>, workspace: &mut Workspace) -> Result<()> {
        if cells.len() != self.plain_bytes() {
            return Err(Error::size("the chunk", self.plain_bytes(), cells.len()));
        }
        let Some(last) = self.stages.len().checked_sub(1) else {
            stored.extend_from_slice(cells);
            return Ok(());
        };
        let mut held: Option<Vec<u8>> = None;
        for (at, stage) in self.stages.iter().enumerate() {
            match stage {
                Stage::Swap { swaps, cell_bytes } => {
                    let mut buffer = held.take().unwrap_or_else(|| {
                        let mut buffer = workspace.empty_buffer();
                        buffer.extend_from_slice(cells);
                        buffer
                    });
                    turn(&mut buffer, swaps, *cell_bytes);
                    held = Some(buffer);
                    if at == last {
                        stored.extend_from_slice(held.as_deref().unwrap_or_default());
                    }
                }
                Stage::Codec(codec) => {
                    let source = held.as_deref().unwrap_or(cells);
                    if at == last {
                        codec.encode(source, stored, &mut workspace.context)?;
                    } else {
                        let mut buffer = workspace.empty_buffer();
                        codec.encode(source, &mut buffer, &mut workspace.context)?;
                        if let Some(old) = held.replace(buffer) {
                            workspace.put_back(old);
                        }
                    }
                }
            }
        }
        if let Some(buffer) = held {
            workspace.put_back(buffer);
        }
        Ok(())
    }
}

/// The error of a codec's decoder, which names the codec: sizes alone do not say at which step they are wrong.
fn at_fault(codec: &dyn Codec, error: Error) -> Error {
    match error {
        Error::Size { .. } | Error::Short { .. } => Error::Codec {
            codec: codec.name().to_owned().into(),
            doing: "decode",
            why: error.to_string(),
        },
        _ => error,
    }
}

fn permutation(order: &Value, ndim: usize) -> Result<Vec<usize>> {
    let order: Vec<usize> = order
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|axis| axis.as_u64().map(|axis| axis as usize))
        .collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..ndim) {
        return Err(Error::Document(format!(
            "a transpose of {ndim} axes cannot have the order {order:?}"
        )));
    }
    Ok(order)
}

pub(crate) fn swaps(entry: &Value) -> Result<(Vec<Swap>, usize)> {
    let bad = || Error::Document(format!("a bytes codec cannot swap {}", entry["swap"]));
    let cell_bytes = entry["cell_bytes"].as_u64().ok_or_else(bad)? as usize;
    let mut out = Vec::new();
    for swap in entry["swap"].as_array().ok_or_else(bad)? {
        let word = |at: usize| swap[at].as_u64().map(|word| word as usize).ok_or_else(bad);
        let swap = Swap {
            offset: word(0)?,
            unit: word(1)?,
            count: word(2)?,
        };
        let end = swap
            .unit
            .checked_mul(swap.count)
            .and_then(|n| n.checked_add(swap.offset));
        if end.is_none_or(|end| end > cell_bytes) {
            return Err(bad());
        }
        if swap.unit > 1 && swap.count > 0 {
            out.push(swap);
        }
    }
    Ok((out, cell_bytes))
}

/// Turns the bytes of every unit round, in place.
pub(crate) fn turn(bytes: &mut [u8], swaps: &[Swap], cell_bytes: usize) {
    fn all<const N: usize>(bytes: &mut [u8]) {
        for unit in bytes.as_chunks_mut::<N>().0 {
            unit.reverse();
        }
    }
    if let [Swap { offset: 0, unit, count }] = *swaps
        && unit * count == cell_bytes
    {
        match unit {
            2 => all::<2>(bytes),
            4 => all::<4>(bytes),
            8 => all::<8>(bytes),
            _ => bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse),
        }
        return;
    }
    for cell in bytes.chunks_exact_mut(cell_bytes.max(1)) {
        for swap in swaps {
            cell[swap.offset..swap.offset + swap.unit * swap.count]
                .chunks_exact_mut(swap.unit)
                .for_each(<[u8]>::reverse);
        }
    }
}
