//! A selection on a regular grid becomes pieces, grouped by the object that holds them.
//!
//! Work and memory are proportional to what is touched, never to what is spanned: an axis is a list of runs, one a chunk, and a
//! box of axes is only ever their product, walked by number.

use crate::shape::{Coords, ravel};
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
    fn inside(&self, extent: u64) -> bool {
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
struct AxisPlan {
    /// The chunks touched and what is wanted of each, by ascending chunk.
    runs: Vec<(u64, Run)>,
    /// (cell in its chunk, place in the output), for `Run::List`.
    pairs: Vec<(usize, usize)>,
    /// Objects touched: index and which runs.
    objects: Vec<(u64, Range<usize>)>,
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
    fn len(&self) -> usize {
        match self {
            Self::Stride { count, .. } => *count,
            Self::List(pairs) => pairs.len(),
        }
    }

    /// Whether cells `0..extent` are all there (a list is not looked at).
    fn covers(&self, extent: usize) -> bool {
        match *self {
            Self::Stride { start, step, count, .. } => {
                count == extent && (count <= 1 && start == 0 || step == 1 || step == -1)
            }
            Self::List(_) => extent == 0,
        }
    }
}

/// What is wanted of one chunk.
#[derive(Debug)]
// One at a time, on the stack: a box of its own would cost what the inline spans save.
#[allow(clippy::large_enum_variant)]
pub enum Wanted<'a> {
    /// A box, one span an axis.
    Box(smallvec::SmallVec<[Span<'a>; 8]>),
    /// Single cells: (index of the cell in the chunk in C order, place in the output).
    Points(&'a [(usize, usize)]),
}

impl Wanted<'_> {
    /// How many cells are wanted.
    pub fn cells(&self) -> usize {
        match self {
            Self::Box(spans) => spans.iter().map(Span::len).product(),
            Self::Points(points) => points.len(),
        }
    }

    /// Whether all of `extents` is wanted (a chunk may be larger than what lies inside the array).
    pub fn covers(&self, extents: &[usize]) -> bool {
        match self {
            Self::Box(spans) => spans.iter().zip(extents).all(|(span, &extent)| span.covers(extent)),
            Self::Points(_) => false,
        }
    }
}

/// The grid a selection meets: chunks of one shape, and how many of them an object holds along each axis.
#[derive(Debug, Clone)]
pub struct Grid {
    /// The array's shape.
    pub shape: Vec<u64>,
    /// The chunk's shape.
    pub chunk: Vec<usize>,
    /// Chunks an object holds, along each axis.
    pub per_object: Vec<u64>,
}

#[derive(Debug)]
enum Kind {
    Box(Vec<AxisPlan>),
    Points(Points),
}

#[derive(Debug)]
struct Points {
    cells: Vec<(usize, usize)>,
    /// Chunk, and its points among `cells`.
    chunks: Vec<(Coords, Range<usize>)>,
    /// Object, and its chunks among `chunks`.
    objects: Vec<(Coords, Range<usize>)>,
}

/// A selection, taken apart.
#[derive(Debug)]
pub struct Plan {
    kind: Kind,
    objects: usize,
    pieces: usize,
}

impl Plan {
    /// Takes a selection along axes apart.
    ///
    /// # Errors
    /// When an axis leaves the array or the selection is larger than memory.
    pub fn new(grid: &Grid, axes: &[Axis]) -> Result<Self> {
        if axes.len() != grid.shape.len() {
            return Err(Error::Document(format!(
                "{} axes selected of an array of {}",
                axes.len(),
                grid.shape.len()
            )));
        }
        let mut plans = Vec::with_capacity(axes.len());
        for (at, axis) in axes.iter().enumerate() {
            if !axis.inside(grid.shape[at]) {
                return Err(Error::Document(format!(
                    "a selection leaves axis {at} of {} cells",
                    grid.shape[at]
                )));
            }
            plans.push(plan_axis(axis, grid.chunk[at] as u64, grid.per_object[at])?);
        }
        let count = |of: fn(&AxisPlan) -> usize| {
            plans
                .iter()
                .try_fold(1_usize, |n, plan| n.checked_mul(of(plan)))
                .ok_or_else(|| Error::TooLarge("the selection touches more chunks than memory can address".into()))
        };
        let (objects, pieces) = (count(|plan| plan.objects.len())?, count(|plan| plan.runs.len())?);
        Ok(Self {
            kind: Kind::Box(plans),
            objects,
            pieces,
        })
    }

    /// Takes single cells apart: `points[axis][i]` is point `i`'s place on `axis`.
    ///
    /// # Errors
    /// When a point leaves the array.
    pub fn points(grid: &Grid, points: &[Vec<u64>]) -> Result<Self> {
        if points.len() != grid.shape.len() || points.is_empty() {
            return Err(Error::Document(format!(
                "{} axes selected of an array of {}",
                points.len(),
                grid.shape.len()
            )));
        }
        let n = points[0].len();
        for (axis, (places, &extent)) in points.iter().zip(&grid.shape).enumerate() {
            if places.len() != n || places.iter().any(|&place| place >= extent) {
                return Err(Error::Document(format!("a point leaves axis {axis} of {extent} cells")));
            }
        }
        let mut order: Vec<(u64, u64, usize, usize)> = Vec::with_capacity(n);
        let counts: Vec<(u64, u64)> = grid
            .shape
            .iter()
            .zip(&grid.chunk)
            .zip(&grid.per_object)
            .map(|((&extent, &chunk), &per)| (extent.div_ceil(chunk as u64).div_ceil(per), per))
            .collect();
        if counts
            .iter()
            .try_fold(1_u64, |n, &(objects, _)| n.checked_mul(objects))
            .is_none()
        {
            return Err(Error::TooLarge(
                "points cannot be selected in a grid of more than 2**64 objects".into(),
            ));
        }
        order.extend((0..n).map(|at| (0, 0, at, 0)));
        for ((places, &chunk), &(objects, per)) in points.iter().zip(&grid.chunk).zip(&counts) {
            for ((object, inner, _, cell), &place) in order.iter_mut().zip(places) {
                let (index, offset) = (place / chunk as u64, (place % chunk as u64) as usize);
                *object = *object * objects + index / per;
                *inner = *inner * per + index % per;
                *cell = *cell * chunk + offset;
            }
        }
        order.sort_unstable_by_key(|&(object, inner, at, _)| (object, inner, at));
        let mut out = Points {
            cells: Vec::with_capacity(n),
            chunks: Vec::new(),
            objects: Vec::new(),
        };
        let mut last = None;
        for &(object, inner, at, cell) in &order {
            if last != Some((object, inner)) {
                let coords = |per: bool| -> Coords {
                    (0..points.len())
                        .map(|axis| {
                            let index = points[axis][at] / grid.chunk[axis] as u64;
                            if per { index / grid.per_object[axis] } else { index }
                        })
                        .collect()
                };
                if last.is_none_or(|(before, _)| before != object) {
                    out.objects.push((coords(true), out.chunks.len()..out.chunks.len()));
                }
                out.chunks.push((coords(false), out.cells.len()..out.cells.len()));
                if let Some((_, range)) = out.objects.last_mut() {
                    range.end += 1;
                }
                last = Some((object, inner));
            }
            out.cells.push((cell, at));
            if let Some((_, range)) = out.chunks.last_mut() {
                range.end += 1;
            }
        }
        let (objects, pieces) = (out.objects.len(), out.chunks.len());
        Ok(Self {
            kind: Kind::Points(out),
            objects,
            pieces,
        })
    }

    /// How many objects are touched.
    pub fn objects(&self) -> usize {
        self.objects
    }

    /// How many chunks are touched.
    pub fn pieces(&self) -> usize {
        self.pieces
    }

    /// The index of touched object `at` in the grid of objects.
    pub fn object(&self, at: usize) -> Coords {
        match &self.kind {
            Kind::Box(axes) => {
                let mut rest = at;
                let mut coords: Coords = smallvec::smallvec![0; axes.len()];
                for (coord, axis) in coords.iter_mut().zip(axes).rev() {
                    *coord = axis.objects[rest % axis.objects.len()].0;
                    rest /= axis.objects.len();
                }
                coords
            }
            Kind::Points(points) => points.objects[at].0.clone(),
        }
    }

    /// How many chunks of touched object `at` are touched.
    pub fn object_pieces(&self, at: usize) -> usize {
        match &self.kind {
            Kind::Box(axes) => {
                let mut rest = at;
                let mut n = 1;
                for axis in axes.iter().rev() {
                    n *= axis.objects[rest % axis.objects.len()].1.len();
                    rest /= axis.objects.len();
                }
                n
            }
            Kind::Points(points) => points.objects[at].1.len(),
        }
    }

    /// Touched chunk `piece` of touched object `at`: its index in the grid of chunks, and what is wanted of it.
    pub fn piece(&self, at: usize, piece: usize) -> (Coords, Wanted<'_>) {
        match &self.kind {
            Kind::Box(axes) => {
                let (mut rest, mut inner) = (at, piece);
                let mut coords: Coords = smallvec::smallvec![0; axes.len()];
                let mut spans = smallvec::smallvec![Span::List(&[]); axes.len()];
                for (dim, axis) in axes.iter().enumerate().rev() {
                    let range = &axis.objects[rest % axis.objects.len()].1;
                    rest /= axis.objects.len();
                    let (chunk, run) = axis.runs[range.start + inner % range.len()];
                    inner /= range.len();
                    coords[dim] = chunk;
                    spans[dim] = match run {
                        Run::Stride {
                            start,
                            step,
                            count,
                            out,
                        } => Span::Stride {
                            start,
                            step,
                            count,
                            out,
                        },
                        Run::List { first, last } => Span::List(&axis.pairs[first..last]),
                    };
                }
                (coords, Wanted::Box(spans))
            }
            Kind::Points(points) => {
                let (coords, cells) = &points.chunks[points.objects[at].1.start + piece];
                (coords.clone(), Wanted::Points(&points.cells[cells.clone()]))
            }
        }
    }
}

fn plan_axis(axis: &Axis, chunk: u64, per_object: u64) -> Result<AxisPlan> {
    let mut plan = AxisPlan::default();
    if let Axis::Stride { step, count, .. } = axis {
        let spanned = u128::from(*count) * u128::from(step.unsigned_abs()) / u128::from(chunk) + 2;
        let runs = usize::try_from(spanned.min(u128::from(*count))).unwrap_or(usize::MAX);
        let room = plan
            .runs
            .try_reserve(runs)
            .and_then(|()| plan.objects.try_reserve(runs / 2));
        room.map_err(|_| {
            Error::TooLarge(format!(
                "the selection touches {runs} chunks along one axis, more than memory holds"
            ))
        })?;
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
                let first = plan.pairs.len();
                plan.pairs
                    .extend(group.iter().map(|&(cell, out)| ((cell % chunk) as usize, out)));
                let pairs = &plan.pairs[first..];
                let together = pairs
                    .windows(2)
                    .all(|two| two[1].0 == two[0].0 + 1 && two[1].1 == two[0].1 + 1);
                let run = if together {
                    Run::Stride {
                        start: pairs[0].0,
                        step: 1,
                        count: pairs.len(),
                        out: pairs[0].1,
                    }
                } else {
                    Run::List {
                        first,
                        last: plan.pairs.len(),
                    }
                };
                plan.runs.push((group[0].0 / chunk, run));
            }
        }
    }
    for (at, (chunk, _)) in plan.runs.iter().enumerate() {
        match plan.objects.last_mut() {
            Some((object, runs)) if *object == chunk / per_object => runs.end = at + 1,
            _ => plan.objects.push((chunk / per_object, at..at + 1)),
        }
    }
    Ok(plan)
}

/// The index, in C order, of a chunk among the chunks of its object.
pub fn slot(chunk: &[u64], per_object: &[u64]) -> u64 {
    ravel(
        chunk.iter().zip(per_object).map(|(&index, &per)| index % per),
        per_object.iter().copied(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(grid: &Grid, axes: &[Axis]) -> Vec<(Vec<u64>, Vec<usize>)> {
        let cells = |axis: &Axis| -> Vec<u64> {
            match axis {
                Axis::Stride { start, step, count } => {
                    (0..*count).map(|i| (*start as i64 + step * i as i64) as u64).collect()
                }
                Axis::Index(cells) => cells.clone(),
            }
        };
        let lists: Vec<Vec<u64>> = axes.iter().map(cells).collect();
        let mut all = vec![(vec![], vec![])];
        for list in &lists {
            all = all
                .iter()
                .flat_map(|(at, out): &(Vec<u64>, Vec<usize>)| {
                    list.iter()
                        .enumerate()
                        .map(move |(o, &cell)| ([at.as_slice(), &[cell]].concat(), [out.as_slice(), &[o]].concat()))
                })
                .collect();
        }
        assert_eq!(grid.shape.len(), axes.len());
        all.sort();
        all
    }

    fn planned(grid: &Grid, plan: &Plan) -> Vec<(Vec<u64>, Vec<usize>)> {
        let mut all = vec![];
        let mut pieces = 0;
        for object in 0..plan.objects() {
            for piece in 0..plan.object_pieces(object) {
                pieces += 1;
                let (chunk, wanted) = plan.piece(object, piece);
                for (axis, &index) in chunk.iter().enumerate() {
                    assert_eq!(index / grid.per_object[axis], plan.object(object)[axis]);
                }
                let Wanted::Box(spans) = wanted else { unreachable!() };
                let mut cells = vec![(vec![], vec![])];
                for (axis, span) in spans.iter().enumerate() {
                    let pairs: Vec<(usize, usize)> = match *span {
                        Span::Stride {
                            start,
                            step,
                            count,
                            out,
                        } => (0..count)
                            .map(|i| ((start as isize + step * i as isize) as usize, out + i))
                            .collect(),
                        Span::List(pairs) => pairs.to_vec(),
                    };
                    let base = chunk[axis] * grid.chunk[axis] as u64;
                    cells = cells
                        .iter()
                        .flat_map(|(at, out): &(Vec<u64>, Vec<usize>)| {
                            pairs.iter().map(move |&(cell, o)| {
                                (
                                    [at.as_slice(), &[base + cell as u64]].concat(),
                                    [out.as_slice(), &[o]].concat(),
                                )
                            })
                        })
                        .collect();
                }
                all.extend(cells);
            }
        }
        assert_eq!(pieces, plan.pieces());
        all.sort();
        all
    }

    #[test]
    fn every_wanted_cell_is_in_exactly_one_piece() {
        let mut seed = 7_u64;
        let mut random = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % n
        };
        for _ in 0..500 {
            let ndim = random(3) as usize + 1;
            let mut grid = Grid {
                shape: vec![],
                chunk: vec![],
                per_object: vec![],
            };
            let mut axes = vec![];
            for _ in 0..ndim {
                let extent = random(20) + 1;
                grid.shape.push(extent);
                grid.chunk.push(random(6) as usize + 1);
                grid.per_object.push(random(3) + 1);
                axes.push(if random(3) == 0 {
                    Axis::Index((0..random(7)).map(|_| random(extent)).collect())
                } else {
                    let start = random(extent);
                    let step = random(5) as i64 - 2;
                    let step = if step == 0 { 3 } else { step };
                    let room = if step > 0 {
                        (extent - 1 - start) / step as u64
                    } else {
                        start / step.unsigned_abs()
                    };
                    Axis::Stride {
                        start,
                        step,
                        count: random(room + 2),
                    }
                });
            }
            let plan = Plan::new(&grid, &axes).expect("inside");
            assert_eq!(planned(&grid, &plan), naive(&grid, &axes));
        }
    }

    #[test]
    fn a_stride_over_a_billion_cells_plans_what_it_touches() {
        let grid = Grid {
            shape: vec![1_000_000_000],
            chunk: vec![10],
            per_object: vec![1],
        };
        let plan = Plan::new(
            &grid,
            &[Axis::Stride {
                start: 0,
                step: 10_000_000,
                count: 100,
            }],
        )
        .expect("inside");
        assert_eq!((plan.objects(), plan.pieces()), (100, 100));
    }

    #[test]
    fn points_are_bucketed_by_chunk_and_keep_their_order() {
        let grid = Grid {
            shape: vec![10, 10],
            chunk: vec![2, 3],
            per_object: vec![2, 1],
        };
        let plan = Plan::points(&grid, &[vec![9, 0, 3, 0], vec![9, 1, 2, 1]]).expect("inside");
        let mut seen = vec![];
        for object in 0..plan.objects() {
            for piece in 0..plan.object_pieces(object) {
                let (chunk, wanted) = plan.piece(object, piece);
                let Wanted::Points(points) = wanted else { unreachable!() };
                seen.extend(points.iter().map(|&(cell, out)| (out, chunk.to_vec(), cell)));
            }
        }
        seen.sort();
        let at = |a, b| vec![a, b];
        assert_eq!(
            seen,
            [(0, at(4, 3), 3), (1, at(0, 0), 1), (2, at(1, 0), 5), (3, at(0, 0), 1)]
        );
        assert!(Plan::points(&grid, &[vec![10], vec![0]]).is_err());
    }
}
