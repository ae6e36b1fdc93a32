//! What a read asks for ahead: the chunks that the reads after it will want.

use super::Read;
use crate::ahead::{Came, Chunks, Wish};
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
pub(in crate::read) fn ask(read: &Arc<Read>) {
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
        for at in 0..expected.read.plan.objects() {
            let wishes: Vec<_> = expected
                .parts(at)
                .filter_map(|piece| Some((piece, expected.wish(&name_of_array, at, piece, most_bytes).ok()??)))
                .collect();
            if wishes.len() < 2 {
                for (piece, wish) in wishes {
                    go(&expected, at, piece, wish);
                }
            } else {
                let expected = Arc::clone(&expected);
                runtime().spawn(IN_FLIGHT, move || {
                    // The index is asked for once, and then is known to all of them.
                    let opened = expected.read.open(at, &expected.key(at));
                    for (piece, wish) in wishes {
                        go(&expected, at, piece, wish);
                    }
                    drop(opened);
                });
            }
        }
    }
}

/// Asks for what is wished.
fn go(expected: &Arc<Expected>, at: usize, piece: Option<usize>, wish: Wish) {
    let expected = Arc::clone(expected);
    runtime().spawn(IN_FLIGHT, move || {
        if runtime().ahead.begin(&wish) {
            runtime().ahead.came(&wish, expected.get(at, piece));
        }
    });
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
struct Expected {
    read: Read,
    /// Decoded chunks are kept: those that are there are not asked for, and shards are never read whole.
    keeps: bool,
}

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
        let keeps = read.keeping.is_some();
        let read = Read {
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
        };
        Ok(Self { read, keeps })
    }

    /// What is asked for of an object: all of it (`None`), or its chunks.
    fn parts(&self, at: usize) -> impl Iterator<Item = Option<usize>> + use<> {
        let (whole, pieces) = (self.whole(at), self.read.plan.object_pieces(at));
        (0..if whole { 1 } else { pieces }).map(move |piece| (!whole).then_some(piece))
    }

    fn whole(&self, at: usize) -> bool {
        self.read.array.program.depth() == 0 || !self.keeps && matches!(self.read.comes_whole(at), Ok(Some(_)))
    }

    fn key(&self, at: usize) -> String {
        self.read.array.key(&self.read.plan.object(at))
    }

    fn wish(&self, array: &str, at: usize, piece: Option<usize>, most_bytes: usize) -> Result<Option<Wish>> {
        let name = name(self.read.array.store.identity(), &self.key(at));
        let (chunk, bytes) = match piece {
            Some(piece) => (self.read.plan.piece(at, piece).0.to_vec(), self.read.leaf_bytes),
            None if self.read.array.program.depth() == 0 => (Vec::new(), self.read.leaf_bytes),
            None => (Vec::new(), self.read.comes_whole(at)?.unwrap_or(self.read.leaf_bytes)),
        };
        if self.keeps
            && self
                .read
                .has_kept(&self.key(at), &self.read.plan.piece(at, piece.unwrap_or(0)).0)
        {
            return Ok(None);
        }
        Ok(runtime().ahead.wish(array, name, chunk, bytes, most_bytes))
    }

    fn get(&self, at: usize, piece: Option<usize>) -> Result<Option<Came>> {
        let key = self.key(at);
        let asked_us = runtime().decoded.now_us();
        let mut bytes = Vec::new();
        let Some(piece) = piece else {
            let found = self.read.array.store.get(&key, Range::All, &mut bytes)?;
            return Ok(found.map(|found| Came {
                bytes,
                version: found.version,
                asked_us,
            }));
        };
        let Some(handle) = self.read.open(at, &key)? else {
            return Ok(None);
        };
        let place = self.read.plan.piece(at, piece).0;
        let Some((start, end)) = self.read.locate(&handle, &place, &mut Workspace::new())? else {
            return Ok(None);
        };
        handle.object.append_at(start, end - start, &mut bytes)?;
        Ok(Some(Came {
            bytes,
            version: Some(handle.object.version()),
            asked_us,
        }))
    }
}
