//! One axis of a selection, taken apart: which chunks it touches, and what is wanted of each.

use crate::grid::{GridAxis, Part};
use crate::{Error, Result};
use std::ops::Range;

/// What is wanted of one axis, inside the array's shape.
#[derive(Debug, Clone)]
pub enum Axis {
    /// `count` cells from `start`, `step` apart.
    Stride {
        /// First cell.
        start: u64,
        /// Distance, never zero; negative walks down.
        step: i64,
        /// How many.
        count: u64,
    },
    /// These cells, in this order.
    Index(Vec<u64>),
}

impl Axis {
    /// How many cells are wanted.
    pub fn count(&self) -> usize {
        match self {
            Self::Stride { count, .. } => *count as usize,
            Self::Index(cells) => cells.len(),
        }
    }

    /// Whether every wanted cell lies inside an axis of `extent` cells.
    pub(crate) fn inside(&self, extent: u64) -> bool {
        match self {
            Self::Stride { count: 0, .. } => true,
            Self::Stride { start, step, count } => {
                let last = i128::from(*start) + i128::from(*step) * (i128::from(*count) - 1);
                *step != 0 && *start < extent && (0..i128::from(extent)).contains(&last)
            }
            Self::Index(cells) => cells.iter().all(|&cell| cell < extent),
        }
    }
}

/// The cells of one axis that lie in one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// `count` cells of the chunk from `start`, `step` apart, to consecutive places from `out`.
    Stride {
        /// First cell in the chunk.
        start: usize,
        /// Distance in the chunk.
        step: isize,
        /// How many.
        count: usize,
        /// Place of the first in the output.
        out: usize,
    },
    /// Pairs `first..last` of the axis' list.
    List {
        /// First pair.
        first: usize,
        /// One past the last pair.
        last: usize,
    },
}

#[derive(Debug, Default)]
pub(crate) struct AxisPlan {
    /// The chunks touched and what is wanted of each, by ascending chunk.
    pub runs: Vec<(u64, Run)>,
    /// (cell in its chunk, place in the output), for `Run::List`.
    pub pairs: Vec<(usize, usize)>,
    /// Objects touched: index and which runs.
    pub objects: Vec<(u64, Range<usize>)>,
    /// The most cells that a touched chunk stores along this axis.
    pub longest: usize,
}

/// Which of a chunk's cells go where, for one axis.
#[derive(Debug, Clone, Copy)]
pub enum Span<'a> {
    /// Consecutive in the output.
    Stride {
        /// First cell in the chunk.
        start: usize,
        /// Distance in the chunk.
        step: isize,
        /// How many.
        count: usize,
        /// First place in the output.
        out: usize,
    },
    /// (cell in the chunk, place in the output).
    List(&'a [(usize, usize)]),
}

impl Span<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Stride { count, .. } => *count,
            Self::List(pairs) => pairs.len(),
        }
    }

    /// Whether cells `0..extent` are all there (a list is not looked at).
    pub(crate) fn covers(&self, extent: usize) -> bool {
        match *self {
            Self::Stride { start, step, count, .. } => {
                count == extent && (count <= 1 && start == 0 || step == 1 || step == -1)
            }
            Self::List(_) => extent == 0,
        }
    }
}

/// Takes one axis apart.
pub(crate) fn plan_axis(axis: &Axis, grid: &GridAxis) -> Result<AxisPlan> {
    let mut plan = match grid.uniform() {
        Some(edge) => regular(axis, edge)?,
        None => irregular(axis, grid)?,
    };
    let per_object = grid.per_object();
    for (at, (chunk, _)) in plan.runs.iter().enumerate() {
        match plan.objects.last_mut() {
            Some((object, runs)) if *object == chunk / per_object => runs.end = at + 1,
            _ => plan.objects.push((chunk / per_object, at..at + 1)),
        }
    }
    Ok(plan)
}

/// Makes room for runs, or says that memory has none.
fn reserve(plan: &mut AxisPlan, runs: usize) -> Result<()> {
    let room = plan
        .runs
        .try_reserve(runs)
        .and_then(|()| plan.objects.try_reserve(runs / 2));
    room.map_err(|_| {
        Error::TooLarge(format!(
            "the selection touches {runs} chunks along one axis, more than memory holds"
        ))
    })
}

/// Chunks of one edge: nothing is looked up.
fn regular(axis: &Axis, chunk: u64) -> Result<AxisPlan> {
    let mut plan = AxisPlan {
        longest: chunk as usize,
        ..AxisPlan::default()
    };
    if let Axis::Stride { step, count, .. } = axis {
        let spanned = u128::from(*count) * u128::from(step.unsigned_abs()) / u128::from(chunk) + 2;
        let runs = usize::try_from(spanned.min(u128::from(*count))).unwrap_or(usize::MAX);
        reserve(&mut plan, runs)?;
    }
    match axis {
        Axis::Stride { start, step, count } => {
            let (mut at, mut left, mut out) = (*start, *count, 0);
            while left > 0 {
                let within = at % chunk;
                let room = if *step > 0 { chunk - 1 - within } else { within };
                let n = left.min(room / step.unsigned_abs() + 1);
                let (start, count) = (within as usize, n as usize);
                plan.runs.push((
                    at / chunk,
                    Run::Stride {
                        start,
                        step: *step as isize,
                        count,
                        out,
                    },
                ));
                out += count;
                left -= n;
                if left > 0 {
                    at = at.wrapping_add_signed(step.wrapping_mul(n as i64));
                }
            }
            if *step < 0 {
                plan.runs.reverse();
            }
        }
        Axis::Index(cells) => {
            let mut order: Vec<(u64, usize)> = cells.iter().enumerate().map(|(out, &cell)| (cell, out)).collect();
            if !cells.is_sorted_by_key(|cell| cell / chunk) {
                order.sort_by_key(|&(cell, _)| cell / chunk);
            }
            for group in order.chunk_by(|a, b| a.0 / chunk == b.0 / chunk) {
                let run = listed(&mut plan.pairs, group, group[0].0 / chunk * chunk);
                plan.runs.push((group[0].0 / chunk, run));
            }
        }
    }
    Ok(plan)
}

/// Chunks of listed edges, of clipped ones: each that is touched is looked up once.
fn irregular(axis: &Axis, grid: &GridAxis) -> Result<AxisPlan> {
    let mut plan = AxisPlan {
        longest: 1,
        ..AxisPlan::default()
    };
    match axis {
        Axis::Stride { start, step, count } => {
            let (mut at, mut left, mut out) = (*start, *count, 0);
            if left > 0 {
                let last = start.wrapping_add_signed(step.wrapping_mul((left - 1) as i64));
                let per = grid.per_object();
                let objects = (grid.find(*start).leaf / per).abs_diff(grid.find(last).leaf / per);
                reserve(&mut plan, usize::try_from(objects.min(left)).unwrap_or(usize::MAX))?;
            }
            while left > 0 {
                let Part {
                    leaf,
                    start,
                    stored,
                    inside,
                } = grid.find(at);
                let within = at - start;
                let room = if *step > 0 { inside - 1 - within } else { within };
                let n = left.min(room / step.unsigned_abs() + 1);
                let run = Run::Stride {
                    start: within as usize,
                    step: *step as isize,
                    count: n as usize,
                    out,
                };
                if plan.runs.len() == plan.runs.capacity() {
                    let more = plan.runs.len().max(8);
                    reserve(&mut plan, more)?;
                }
                plan.runs.push((leaf, run));
                plan.longest = plan.longest.max(stored as usize);
                out += n as usize;
                left -= n;
                if left > 0 {
                    at = at.wrapping_add_signed(step.wrapping_mul(n as i64));
                }
            }
            if *step < 0 {
                plan.runs.reverse();
            }
        }
        Axis::Index(cells) => {
            let mut order: Vec<(u64, usize)> = cells.iter().enumerate().map(|(out, &cell)| (cell, out)).collect();
            let mut part = Part::default();
            let mut find = |cell: u64| {
                if cell < part.start || cell - part.start >= part.inside {
                    part = grid.find(cell);
                }
                part
            };
            // Chunks follow each other as their cells do, so the cells' chunks are in order when the chunks' first cells are.
            if !cells.is_sorted() {
                order.sort_by_cached_key(|&(cell, _)| find(cell).start);
            }
            let mut rest = &order[..];
            while let Some(&(cell, _)) = rest.first() {
                let part = find(cell);
                let n = rest.iter().take_while(|&&(cell, _)| find(cell) == part).count();
                let (group, later) = rest.split_at(n);
                let run = listed(&mut plan.pairs, group, part.start);
                plan.runs.push((part.leaf, run));
                plan.longest = plan.longest.max(part.stored as usize);
                rest = later;
            }
        }
    }
    Ok(plan)
}

/// What is wanted of one chunk that begins at cell `base`: (cell, place in the output).
fn listed(pairs: &mut Vec<(usize, usize)>, group: &[(u64, usize)], base: u64) -> Run {
    let first = pairs.len();
    pairs.extend(group.iter().map(|&(cell, out)| ((cell - base) as usize, out)));
    let all = &pairs[first..];
    let together = all
        .windows(2)
        .all(|two| two[1].0 == two[0].0 + 1 && two[1].1 == two[0].1 + 1);
    if together {
        Run::Stride {
            start: all[0].0,
            step: 1,
            count: all.len(),
            out: all[0].1,
        }
    } else {
        Run::List {
            first,
            last: pairs.len(),
        }
    }
}
