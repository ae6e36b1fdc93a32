//! What a read asks for ahead: the chunks that the reads after it will want.

use super::Read;
use crate::ahead::{Chunks, Wish};
use crate::array::{Array, Cells, IN_FLIGHT};
use crate::error::Result;
use crate::handles::name;
use crate::read::Items;
use crate::runtime::runtime;
use crate::store::Range;
use crate::sync::Mutex;
use std::sync::Arc;
use zarrite_core::{Axis, Memory, Plan, Workspace};

/// Of the budget's bytes one in so many may be kept for reads that are to come.
const SHARE: usize = 8;

/// Follows a read, and asks for what is expected after it. A failure here is met again, and told, by who reads.
pub(super) fn ask(read: &Arc<Read>) {
    let array = &read.array;
    let Some(chunks) = touched(read) else { return };
    if !array.store.reads_ahead() {
        return;
    }
    let axes = array.program.grid.axes();
    let counts: Vec<u64> = axes
        .iter()
        .map(|axis| axis.extent().checked_sub(1).map_or(0, |last| axis.find(last).leaf + 1))
        .collect();
    let most_bytes = runtime().budget.total() / SHARE;
    let name_of_array = name(array.store.identity(), &array.path);
    let bytes = read.plan.pieces().saturating_mul(read.leaf_bytes);
    for chunks in runtime()
        .ahead
        .follow(&name_of_array, &chunks, &counts, bytes, most_bytes)
    {
        let Ok(expected) = Expected::of(read, &chunks) else {
            return;
        };
        let expected = Arc::new(expected);
        for (at, piece) in expected.parts() {
            let Ok(Some(wish)) = expected.wish(&name_of_array, at, piece, most_bytes) else {
                continue;
            };
            let expected = Arc::clone(&expected);
            runtime().spawn(IN_FLIGHT, move || {
                if runtime().ahead.begin(&wish) {
                    runtime().ahead.came(&wish, expected.get(at, piece));
                }
            });
        }
    }
}

/// The box of chunks that a read touches, when it is one and is read as whole chunks are.
fn touched(read: &Read) -> Option<Chunks> {
    let last = read.plan.objects().checked_sub(1)?;
    let (first, wanted) = read.plan.piece(0, 0);
    let leaf = read.array.program.leaf(&first).ok()?;
    if read.stretch(&leaf, &wanted).is_some() {
        return None;
    }
    let (end, _) = read.plan.piece(last, read.plan.object_pieces(last).checked_sub(1)?);
    let chunks: Chunks = first.iter().zip(&end).map(|(&first, &last)| (first, last)).collect();
    let count = chunks
        .iter()
        .try_fold(1_u64, |n, (first, last)| n.checked_mul(last.checked_sub(*first)? + 1));
    (count == Some(read.plan.pieces() as u64)).then_some(chunks)
}

/// A read that is expected, without a place for its cells.
struct Expected(Read);

impl Expected {
    fn of(read: &Read, chunks: &Chunks) -> Result<Self> {
        let array: Array = read.array.clone();
        let axes: Vec<Axis> = chunks
            .iter()
            .zip(array.program.grid.axes())
            .map(|(&(first, last), axis)| {
                let (first, last) = (axis.leaf(first), axis.leaf(last));
                let count = (last.start + last.inside).saturating_sub(first.start);
                Axis::Stride {
                    start: first.start,
                    step: 1,
                    count,
                }
            })
            .collect();
        let plan = Plan::new(&array.program.grid, &axes)?;
        let out = Cells {
            memory: Memory::of_mut(&mut []),
            strides: vec![0; chunks.len()],
            keep: Box::new(()),
        };
        Ok(Self(Read {
            array,
            plan,
            out,
            open: Vec::new(),
            items: Items::Objects,
            few: false,
            leaf_bytes: read.leaf_bytes,
            keeping: None,
            cache: &runtime().decoded,
            arena: Mutex::default(),
        }))
    }

    /// Objects that come whole, and chunks of the others.
    fn parts(&self) -> Vec<(usize, Option<usize>)> {
        let mut parts = Vec::new();
        for at in 0..self.0.plan.objects() {
            if self.whole(at) {
                parts.push((at, None));
            } else {
                parts.extend((0..self.0.plan.object_pieces(at)).map(|piece| (at, Some(piece))));
            }
        }
        parts
    }

    fn whole(&self, at: usize) -> bool {
        self.0.array.program.depth() == 0 || matches!(self.0.comes_whole(at), Ok(Some(_)))
    }

    fn key(&self, at: usize) -> String {
        self.0.array.key(&self.0.plan.object(at))
    }

    fn wish(&self, array: &str, at: usize, piece: Option<usize>, most_bytes: usize) -> Result<Option<Wish>> {
        let name = name(self.0.array.store.identity(), &self.key(at));
        let (chunk, bytes) = match piece {
            Some(piece) => (self.0.plan.piece(at, piece).0.to_vec(), self.0.leaf_bytes),
            None if self.0.array.program.depth() == 0 => (Vec::new(), self.0.leaf_bytes),
            None => (Vec::new(), self.0.comes_whole(at)?.unwrap_or(self.0.leaf_bytes)),
        };
        Ok(runtime().ahead.wish(array, name, chunk, bytes, most_bytes))
    }

    fn get(&self, at: usize, piece: Option<usize>) -> Result<Option<Vec<u8>>> {
        let key = self.key(at);
        let Some(piece) = piece else {
            let mut stored = Vec::new();
            let found = self.0.array.store.get(&key, Range::All, &mut stored)?;
            return Ok(found.map(|_| stored));
        };
        let Some(handle) = self.0.open(at, &key)? else {
            return Ok(None);
        };
        let place = self.0.plan.piece(at, piece).0;
        let Some((start, end)) = self.0.locate(&handle, &place, &mut Workspace::new())? else {
            return Ok(None);
        };
        let mut stored = Vec::new();
        handle.object.append_at(start, end - start, &mut stored)?;
        Ok(Some(stored))
    }
}
