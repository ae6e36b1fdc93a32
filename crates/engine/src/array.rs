//! An array where it is: a program bound to a store and a path, and the caller's memory it is read into or written from.

use crate::error::{Error, Place, Result};
use crate::runtime::{ASK, Interrupted, Work, runtime, with_workspace};
use crate::store::Store;
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;
use zarrite_core::copy::{Copy, CopyAxis};
use zarrite_core::{Axis, Leaf, Memory, Plan, Program, Span, Wanted};

/// Threads that wait for a network at most.
pub const IN_FLIGHT: usize = 256;

/// An array in a store.
#[derive(Clone)]
pub struct Array {
    /// What it is.
    pub program: Arc<Program>,
    /// Where it is.
    pub store: Arc<dyn Store>,
    /// Its path, without slashes around it.
    pub path: Arc<str>,
    /// Whether its decoded chunks are kept: all, none, or as the process does.
    pub keeps_decoded: Option<bool>,
}

/// What is asked of an array.
pub enum Selection {
    /// A product of axes.
    Axes(Vec<Axis>),
    /// Single cells, a list of places for each axis.
    Points(Vec<Vec<u64>>),
}

impl Selection {
    /// How many cells are asked for.
    pub fn cells(&self) -> usize {
        match self {
            Self::Axes(axes) => axes.iter().fold(1, |cells, axis| cells.saturating_mul(axis.count())),
            Self::Points(points) => points.first().map_or(0, Vec::len),
        }
    }
}

/// The caller's memory: cells at byte strides, one an axis of the selection (one for all points).
pub struct Cells {
    /// The memory.
    pub memory: Memory,
    /// Bytes from one cell to the next, along each axis.
    pub strides: Vec<isize>,
    /// Keeps the memory alive as long as a worker may touch it.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// How a request is driven.
pub enum Door<'a> {
    /// By a thread that waits, and may be interrupted.
    Wait(Interrupted<'a>),
    /// By a thread of the pool, which helps.
    Help,
}

impl Array {
    /// The key of an object.
    pub fn key(&self, object: &[u64]) -> String {
        let mut key = String::with_capacity(self.path.len() + 24);
        if !self.path.is_empty() {
            key.push_str(&self.path);
            key.push('/');
        }
        self.program.push_key(object, &mut key);
        key
    }

    /// Takes a selection apart; with the bytes of the largest leaf chunk it touches.
    ///
    /// # Errors
    /// When it leaves the array, or its chunks are larger than the machine.
    pub fn plan(&self, selection: &Selection) -> Result<(Plan, usize)> {
        let plan = match selection {
            Selection::Axes(axes) => Plan::new(&self.program.grid, axes)?,
            Selection::Points(points) => Plan::points(&self.program.grid, points)?,
        };
        let (bytes, machine) = (self.program.leaf_bytes(&plan)?, runtime().machine_bytes);
        if bytes > machine {
            let why = format!(
                "array {:?} has chunks of {bytes} bytes, more than this machine's memory of {machine}",
                self.path
            );
            return Err(zarrite_core::Error::TooLarge(why).into());
        }
        Ok((plan, bytes))
    }

    /// The copy from a decoded leaf chunk to the caller's cells.
    pub fn copy_out(&self, leaf: &Leaf, wanted: &Wanted<'_>, strides: &[isize]) -> Copy {
        let from = &leaf.strides;
        let mut copy = Copy::default();
        match wanted {
            Wanted::Box(spans) => {
                for (axis, span) in spans.iter().enumerate() {
                    match *span {
                        Span::Stride {
                            start,
                            step,
                            count,
                            out,
                        } => {
                            copy.from += start as isize * from[axis];
                            copy.to += out as isize * strides[axis];
                            copy.axes.push(CopyAxis::Stride {
                                count,
                                from: step * from[axis],
                                to: strides[axis],
                            });
                        }
                        Span::List(pairs) => {
                            let offset = |&(cell, out): &(usize, usize)| {
                                (cell as isize * from[axis], out as isize * strides[axis])
                            };
                            copy.axes.push(CopyAxis::List(pairs.iter().map(offset).collect()));
                        }
                    }
                }
            }
            Wanted::Points(points) => {
                let offset = |&(cell, out): &(usize, usize)| {
                    let from = if leaf.is_c_order {
                        (cell * self.program.cell_bytes) as isize
                    } else {
                        leaf_offset(leaf, cell)
                    };
                    (from, out as isize * strides[0])
                };
                copy.axes.push(CopyAxis::List(points.iter().map(offset).collect()));
            }
        }
        copy
    }

    /// Where a whole leaf chunk lies together, and in its own order, in the caller's cells: its offset there.
    pub fn lies_together(&self, leaf: &Leaf, wanted: &Wanted<'_>, strides: &[isize]) -> Option<isize> {
        let Wanted::Box(spans) = wanted else { return None };
        let (mut step, mut at) = (self.program.cell_bytes as isize, 0);
        for (axis, span) in spans.iter().enumerate().rev() {
            let extent = leaf.chunk[axis];
            match *span {
                Span::Stride {
                    start: 0,
                    count,
                    step: along,
                    out,
                } if count == extent
                    && (extent == 1 || along == 1 && strides[axis] == step && leaf.strides[axis] == step) =>
                {
                    at += out as isize * strides[axis];
                    step *= extent as isize;
                }
                _ => return None,
            }
        }
        Some(at)
    }

    /// Names the place of a failure.
    pub fn place(&self, key: &str) -> Box<Place> {
        let (store, array) = (self.store.url(), self.path.to_string());
        let key = key.to_owned();
        Box::new(Place { store, array, key })
    }

    /// A failure to decode.
    pub fn undecodable(&self, key: &str, why: zarrite_core::Error) -> Error {
        Error::Decode {
            place: self.place(key),
            why,
        }
    }

    /// A failure to encode.
    pub fn unencodable(&self, key: &str, why: zarrite_core::Error) -> Error {
        Error::Encode {
            place: self.place(key),
            why,
        }
    }
}

/// Where cell `cell` (in C order) of a leaf chunk is, in bytes.
fn leaf_offset(leaf: &Leaf, mut cell: usize) -> isize {
    let mut offset = 0;
    for (&extent, &stride) in leaf.chunk.iter().zip(&leaf.strides).rev() {
        offset += (cell % extent) as isize * stride;
        cell /= extent;
    }
    offset
}

/// Drives items that wait for a network, many at once; a single one with little to compute on the caller's own thread.
///
/// # Errors
/// As [`drive`].
pub fn far(items: usize, little: bool, work: Arc<Work>, door: &mut Door<'_>) -> Result<()> {
    match door {
        _ if items == 0 => Ok(()),
        // A thread of the pool would be woken for it, and wake this one. A wait for an answer asks whether it was interrupted.
        Door::Wait(_) if items == 1 && little => with_workspace(|workspace| work(0, workspace)),
        Door::Wait(interrupted) => runtime().run_wide(items, 1, IN_FLIGHT, work, interrupted),
        // Every thread there may be could be here: one that only waited would wait for ever.
        Door::Help => with_workspace(|workspace| runtime().run_wide_and_help(items, 1, IN_FLIGHT, work, workspace)),
    }
}

/// Drives items by whichever door: inline when there is little to do, else on the pool.
///
/// # Errors
/// The first failure of an item; [`Error::Stopped`] when the caller was interrupted.
pub fn drive(
    store: &dyn Store,
    items: usize,
    batch: usize,
    little: bool,
    work: Arc<Work>,
    mut door: Door<'_>,
) -> Result<()> {
    if !store.is_local() {
        return far(items, little, work, &mut door);
    }
    match door {
        _ if items == 0 => Ok(()),
        Door::Wait(interrupted) if little => {
            let mut asked = Instant::now();
            with_workspace(|workspace| {
                (0..items).try_for_each(|at| {
                    // A store may be slow however little there is to decode.
                    if at % 16 == 15 && asked.elapsed() > ASK {
                        asked = Instant::now();
                        if interrupted() {
                            return Err(Error::Stopped);
                        }
                    }
                    work(at, workspace)
                })
            })
        }
        Door::Wait(interrupted) => runtime().run_and_wait(items, batch, work, interrupted),
        Door::Help => with_workspace(|workspace| runtime().run_and_help(items, batch, work, workspace)),
    }
}
