//! A selection on a grid becomes pieces, grouped by the object that holds them.
//!
//! Work and memory are proportional to what is touched, never to what is spanned: an axis is a list of runs, one a chunk, and a
//! box of axes is only ever their product, walked by number.

use crate::along::{Axis, AxisPlan, Run, Span, plan_axis};
use crate::grid::Grid;
use crate::points::Points;
use crate::shape::Coords;
use crate::{Error, Result};

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

#[derive(Debug)]
enum Kind {
    Box(Vec<AxisPlan>),
    Points(Box<Points>),
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
            plans.push(plan_axis(axis, &grid.axes()[at])?);
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
        let points = Points::new(grid, points)?;
        Ok(Self {
            objects: points.objects.len(),
            pieces: points.chunks.len(),
            kind: Kind::Points(Box::new(points)),
        })
    }

    /// The shape of a chunk that stores as many cells along each axis as any chunk that is touched.
    pub fn largest(&self) -> smallvec::SmallVec<[usize; 8]> {
        match &self.kind {
            Kind::Box(axes) => axes.iter().map(|axis| axis.longest).collect(),
            Kind::Points(points) => points.longest.clone(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{GridAxis, Run as Edges};

    fn regular(extent: u64, chunk: u64, per_object: u64) -> GridAxis {
        GridAxis::regular(extent, chunk * per_object, &[chunk], false).expect("valid")
    }

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
                    assert_eq!(index / grid.axes()[axis].per_object(), plan.object(object)[axis]);
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
                    let base = grid.axes()[axis].leaf(chunk[axis]).start;
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
            let mut grid = vec![];
            let mut axes = vec![];
            for _ in 0..ndim {
                let extent = random(20) + 1;
                grid.push(if random(2) == 0 {
                    regular(extent, random(6) + 1, random(3) + 1)
                } else {
                    let mut runs = vec![];
                    while runs.iter().map(|run: &Edges| run.edge * run.count).sum::<u64>() < extent {
                        let edge = random(6) + 1;
                        let (stored, count) = (edge + random(3) / 2, random(3) + 1);
                        runs.push(Edges { edge, stored, count });
                    }
                    let inner: Vec<u64> = (0..random(3)).map(|_| random(5) + 1).collect();
                    GridAxis::rectilinear(extent, &runs, &inner).expect("covers")
                });
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
            let grid = Grid::new(grid).expect("countable");
            let plan = Plan::new(&grid, &axes).expect("inside");
            assert_eq!(planned(&grid, &plan), naive(&grid, &axes));
        }
    }

    #[test]
    fn a_stride_over_a_billion_cells_plans_what_it_touches() {
        let run = |edge, count| Edges {
            edge,
            stored: edge,
            count,
        };
        for axis in [
            regular(1_000_000_000, 10, 1),
            GridAxis::rectilinear(1_000_000_000, &[run(10, 50_000_000), run(5, 100_000_000)], &[]).expect("covers"),
        ] {
            let grid = Grid::new(vec![axis]).expect("countable");
            let wanted = Axis::Stride {
                start: 0,
                step: 10_000_000,
                count: 100,
            };
            let plan = Plan::new(&grid, &[wanted]).expect("inside");
            assert_eq!((plan.objects(), plan.pieces()), (100, 100));
        }
    }

    #[test]
    fn points_are_bucketed_by_chunk_and_keep_their_order() {
        let grid = Grid::new(vec![regular(10, 2, 2), regular(10, 3, 1)]).expect("countable");
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
