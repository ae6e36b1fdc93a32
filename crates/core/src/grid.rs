//! The grid a selection meets: where the chunks of an array lie along each axis.
//!
//! An axis has objects of one edge or of listed ones, kept as runs with prefix sums, so that a billion chunks cost what their
//! description costs. Below the objects lie the chunks of shards, each level with one edge; where an edge does not divide what
//! holds it, the last chunk is clipped. Chunks are numbered as if none were clipped and all objects were as long as the longest, so
//! that an object's number is always a chunk's divided by a constant.

use crate::{Error, Result};
use smallvec::SmallVec;

/// Consecutive objects of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Cells of the axis that each covers.
    pub edge: u64,
    /// Cells that each stores, at least as many.
    pub stored: u64,
    /// How many.
    pub count: u64,
}

/// A run, and what comes before it.
#[derive(Debug, Clone)]
struct Placed {
    run: Run,
    first_cell: u64,
    first_object: u64,
}

/// The objects of one axis.
#[derive(Debug, Clone)]
enum Edges {
    Regular(u64),
    Runs(Vec<Placed>),
}

/// An object along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Object {
    index: u64,
    start: u64,
    edge: u64,
    stored: u64,
}

/// A leaf chunk along one axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub leaf: u64,
    /// The cell of the array that its first cell is.
    pub start: u64,
    /// Cells it stores.
    pub stored: u64,
    /// Cells of it that belong to the array.
    pub inside: u64,
}

/// The chunks along one axis.
#[derive(Debug, Clone)]
pub struct GridAxis {
    extent: u64,
    edges: Edges,
    /// Edges of the chunks of each level of shards, outermost first.
    inner: SmallVec<[u64; 2]>,
    /// Numbers that an object, and a chunk of each level, takes: `room[0] / room[1]` chunks of the first level an object, ...
    room: SmallVec<[u64; 3]>,
    /// Leaf chunks of a chunk of each level that is not clipped.
    whole: SmallVec<[u64; 2]>,
    /// The leaf chunk's edge, where all store as many cells.
    uniform: Option<u64>,
    /// Objects store nothing beyond the end of the array.
    bounded: bool,
}

impl GridAxis {
    /// Objects of one edge; `bounded` where the last stores no more than lies inside the array.
    ///
    /// # Errors
    /// [`Error::Document`] for an edge of zero, [`Error::TooLarge`] when chunks cannot be numbered.
    pub fn regular(extent: u64, edge: u64, inner: &[u64], bounded: bool) -> Result<Self> {
        let bounded = bounded && !extent.is_multiple_of(edge.max(1));
        let mut held = edge;
        let mut divides = !bounded;
        for &edge in inner {
            divides &= edge > 0 && held.is_multiple_of(edge);
            held = edge;
        }
        Self::new(
            extent,
            Edges::Regular(edge),
            edge,
            inner,
            divides.then_some(held),
            bounded,
        )
    }

    /// Objects of listed edges.
    ///
    /// # Errors
    /// [`Error::Document`] for an edge of zero or too few of them, [`Error::TooLarge`] when they cannot be numbered.
    pub fn rectilinear(extent: u64, runs: &[Run], inner: &[u64]) -> Result<Self> {
        let mut placed: Vec<Placed> = Vec::with_capacity(runs.len());
        let (mut cell, mut object, mut longest) = (0_u64, 0_u64, 1_u64);
        for &run in runs {
            if run.edge == 0 || run.count == 0 || run.stored < run.edge {
                return Err(Error::Document(format!("{run:?} is no run of chunks")));
            }
            longest = longest.max(run.stored);
            placed.push(Placed {
                run,
                first_cell: cell,
                first_object: object,
            });
            let end = run.edge.checked_mul(run.count).and_then(|n| n.checked_add(cell));
            cell = end.ok_or_else(|| Error::TooLarge("chunks reach beyond 2**64 cells along one axis".into()))?;
            object += run.count;
        }
        if cell < extent {
            return Err(Error::Document(format!(
                "chunks of {cell} cells along an axis do not cover its {extent}"
            )));
        }
        Self::new(extent, Edges::Runs(placed), longest, inner, None, false)
    }

    fn new(
        extent: u64,
        edges: Edges,
        longest: u64,
        inner: &[u64],
        uniform: Option<u64>,
        bounded: bool,
    ) -> Result<Self> {
        if longest == 0 || inner.contains(&0) {
            return Err(Error::Document("a chunk without length".into()));
        }
        let mut room: SmallVec<[u64; 3]> = smallvec::smallvec![1; inner.len() + 1];
        for level in (0..inner.len()).rev() {
            let held = if level == 0 { longest } else { inner[level - 1] };
            room[level] = held
                .div_ceil(inner[level])
                .checked_mul(room[level + 1])
                .ok_or_else(|| Error::TooLarge("a shard with more than 2**64 chunks".into()))?;
        }
        let mut whole: SmallVec<[u64; 2]> = smallvec::smallvec![1; inner.len()];
        for level in (0..inner.len().saturating_sub(1)).rev() {
            whole[level] = leaves(&inner[level + 1..], &whole[level + 1..], inner[level]);
        }
        let axis = Self {
            extent,
            edges,
            inner: inner.into(),
            room,
            whole,
            uniform,
            bounded,
        };
        if axis.objects().checked_mul(axis.room[0]).is_none() {
            return Err(Error::TooLarge(
                "an axis with more than 2**64 chunks cannot be numbered".into(),
            ));
        }
        Ok(axis)
    }

    /// Cells of the array along this axis.
    pub fn extent(&self) -> u64 {
        self.extent
    }

    /// The leaf chunk's edge where every leaf chunk stores as many cells, and they follow each other without exception.
    #[inline]
    pub fn uniform(&self) -> Option<u64> {
        self.uniform
    }

    /// Numbers of leaf chunks that an object takes.
    #[inline]
    pub fn per_object(&self) -> u64 {
        self.room[0]
    }

    /// Numbers of chunks of the next level that a chunk of level `depth` takes, and of leaf chunks that each of those takes.
    pub fn room(&self, depth: usize) -> (u64, u64) {
        (self.room[depth] / self.room[depth + 1], self.room[depth + 1])
    }

    /// How many objects hold cells of the array.
    pub fn objects(&self) -> u64 {
        match self.extent.checked_sub(1) {
            None => 0,
            Some(last) => self.object_of(last).index + 1,
        }
    }

    fn object_of(&self, cell: u64) -> Object {
        match &self.edges {
            Edges::Regular(edge) => self.bound(Object {
                index: cell / edge,
                start: cell - cell % edge,
                edge: *edge,
                stored: *edge,
            }),
            Edges::Runs(runs) => {
                let placed = &runs[runs.partition_point(|placed| placed.first_cell <= cell).max(1) - 1];
                placed.object((cell - placed.first_cell) / placed.run.edge)
            }
        }
    }

    fn object(&self, index: u64) -> Object {
        match &self.edges {
            Edges::Regular(edge) => self.bound(Object {
                index,
                start: index.saturating_mul(*edge),
                edge: *edge,
                stored: *edge,
            }),
            Edges::Runs(runs) => {
                let at = runs.partition_point(|placed| placed.first_object <= index);
                match runs.get(at.wrapping_sub(1)) {
                    Some(placed) if index - placed.first_object < placed.run.count => {
                        placed.object(index - placed.first_object)
                    }
                    // Behind the last: no cell of the array is asked for there.
                    _ => Object {
                        index,
                        start: self.extent,
                        edge: 1,
                        stored: 1,
                    },
                }
            }
        }
    }

    fn bound(&self, mut object: Object) -> Object {
        if self.bounded {
            let left = self.extent.saturating_sub(object.start).max(1);
            object.edge = object.edge.min(left);
            object.stored = object.edge;
        }
        object
    }

    /// The leaf chunk that holds a cell of the array.
    pub fn find(&self, cell: u64) -> Part {
        let object = self.object_of(cell);
        let (mut left, mut leaf) = (cell - object.start, object.index * self.room[0]);
        for (edge, room) in self.inner.iter().zip(&self.room[1..]) {
            leaf += left / edge * room;
            left %= edge;
        }
        self.part(leaf, object)
    }

    /// A leaf chunk by its number.
    pub fn leaf(&self, leaf: u64) -> Part {
        self.part(leaf, self.object(leaf / self.room[0]))
    }

    fn part(&self, leaf: u64, object: Object) -> Part {
        let (start, stored) = self.descend(leaf, object, self.inner.len());
        // What an object stores beyond its edge belongs to nothing.
        let end = (object.start.saturating_add(object.edge)).min(self.extent);
        Part {
            leaf,
            start,
            stored,
            inside: stored.min(end.saturating_sub(start)),
        }
    }

    /// First cell and stored cells of the chunk of level `depth` (0: the object) that holds a leaf chunk.
    fn descend(&self, leaf: u64, object: Object, depth: usize) -> (u64, u64) {
        let (mut start, mut stored, mut rest) = (object.start, object.stored, leaf % self.room[0]);
        for (edge, room) in self.inner.iter().zip(&self.room[1..]).take(depth) {
            let before = (rest / room).saturating_mul(*edge);
            rest %= room;
            start = start.saturating_add(before);
            stored = (*edge).min(stored.saturating_sub(before));
        }
        (start, stored)
    }

    /// Cells that the chunk of level `depth` (0: the object) stores which holds a leaf chunk.
    pub fn stored(&self, leaf: u64, depth: usize) -> u64 {
        self.descend(leaf, self.object(leaf / self.room[0]), depth).1
    }

    /// How many leaf chunks of an object hold cells of the array.
    pub fn leaves_inside(&self, object: u64) -> u64 {
        let object = self.object(object);
        let cells = object.edge.min(self.extent.saturating_sub(object.start));
        leaves(&self.inner, &self.whole, cells)
    }

    /// Whether an object has room for cells beyond the end of the array.
    pub fn overhangs(&self, object: u64) -> bool {
        let object = self.object(object);
        object.start.saturating_add(object.stored) > self.extent
    }
}

/// Leaf chunks among `cells` cells, given the edges of the levels below and the leaf chunks of a whole chunk of each.
fn leaves(inner: &[u64], whole: &[u64], mut cells: u64) -> u64 {
    let mut count = 0_u64;
    for (edge, each) in inner.iter().zip(whole) {
        count = count.saturating_add((cells / edge).saturating_mul(*each));
        cells %= edge;
    }
    count.saturating_add(u64::from(cells > 0))
}

impl Placed {
    fn object(&self, nth: u64) -> Object {
        Object {
            index: self.first_object + nth,
            start: self.first_cell + nth * self.run.edge,
            edge: self.run.edge,
            stored: self.run.stored,
        }
    }
}

/// The grid of an array.
#[derive(Debug, Clone)]
pub struct Grid {
    /// The array's shape.
    pub shape: Vec<u64>,
    axes: Vec<GridAxis>,
}

impl Grid {
    /// A grid of these axes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the chunks of an object cannot be numbered.
    pub fn new(axes: Vec<GridAxis>) -> Result<Self> {
        axes.iter()
            .try_fold(1_u64, |n, axis| n.checked_mul(axis.per_object()))
            .ok_or_else(|| Error::TooLarge("a shard with more than 2**64 chunks".into()))?;
        Ok(Self {
            shape: axes.iter().map(GridAxis::extent).collect(),
            axes,
        })
    }

    /// The axes.
    #[inline]
    pub fn axes(&self) -> &[GridAxis] {
        &self.axes
    }

    /// The shape of every leaf chunk, where all are alike.
    pub fn uniform(&self) -> Option<Vec<usize>> {
        let edge = |axis: &GridAxis| axis.uniform().map(|edge| edge as usize);
        self.axes.iter().map(edge).collect()
    }

    /// Cells that the chunk of level `depth` (0: the object) stores along each axis which holds a leaf chunk.
    pub fn stored(&self, leaf: &[u64], depth: usize) -> SmallVec<[usize; 8]> {
        let edge = |(axis, &leaf): (&GridAxis, &u64)| axis.stored(leaf, depth) as usize;
        self.axes.iter().zip(leaf).map(edge).collect()
    }

    /// The part of a leaf chunk that lies inside the array.
    pub fn inside(&self, leaf: &[u64]) -> SmallVec<[usize; 8]> {
        let inside = |(axis, &leaf): (&GridAxis, &u64)| match axis.uniform {
            Some(edge) => edge.min(axis.extent.saturating_sub(leaf.saturating_mul(edge))) as usize,
            None => axis.leaf(leaf).inside as usize,
        };
        self.axes.iter().zip(leaf).map(inside).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(edge: u64, count: u64) -> Run {
        Run {
            edge,
            stored: edge,
            count,
        }
    }

    #[test]
    fn a_billion_chunks_are_found_by_their_prefix_sums() {
        let runs = [run(4, 1_000_000_000), run(7, 1), run(1, 1_000_000_000)];
        let axis = GridAxis::rectilinear(5_000_000_000, &runs, &[]).expect("covers");
        assert_eq!(axis.objects(), 1_000_000_000 + 1 + 999_999_993);
        let part = axis.find(4_000_000_006);
        assert_eq!(
            (part.leaf, part.start, part.stored, part.inside),
            (1_000_000_000, 4_000_000_000, 7, 7)
        );
        assert_eq!(axis.find(4_000_000_007).leaf, 1_000_000_001);
        assert_eq!(axis.find(3_999_999_999).start, 3_999_999_996);
    }

    #[test]
    fn every_cell_is_in_one_chunk_however_shards_are_clipped() {
        for (runs, inner) in [
            (vec![run(10, 2), run(3, 1), run(7, 2)], vec![4, 3]),
            (vec![run(5, 3)], vec![2]),
            (vec![run(1, 9)], vec![]),
            (vec![run(9, 3)], vec![4, 4, 1]),
            (vec![run(3, 4)], vec![5]),
        ] {
            let total: u64 = runs.iter().map(|run| run.edge * run.count).sum();
            for extent in 0..=total {
                let axis = GridAxis::rectilinear(extent, &runs, &inner).expect("covers");
                let mut cell = 0;
                let mut counts = std::collections::BTreeMap::new();
                while cell < extent {
                    let part = axis.find(cell);
                    assert_eq!(part.start, cell, "{runs:?} {inner:?} {extent}");
                    assert_eq!(axis.leaf(part.leaf), part);
                    assert_eq!(axis.stored(part.leaf, inner.len()), part.stored);
                    assert!(part.inside > 0 && part.inside <= part.stored);
                    assert_eq!(axis.find(cell + part.inside - 1), part);
                    *counts.entry(part.leaf / axis.per_object()).or_insert(0) += 1;
                    cell += part.inside;
                }
                assert_eq!(counts.len() as u64, axis.objects());
                for (object, count) in counts {
                    assert_eq!(
                        axis.leaves_inside(object),
                        count,
                        "{runs:?} {inner:?} {extent} {object}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_last_object_of_a_bounded_axis_stores_what_lies_inside() {
        let axis = GridAxis::regular(10, 4, &[], true).expect("valid");
        assert_eq!((axis.find(9).stored, axis.find(7).stored, axis.uniform()), (2, 4, None));
        let axis = GridAxis::regular(12, 4, &[], true).expect("valid");
        assert_eq!(axis.uniform(), Some(4));
        assert_eq!(GridAxis::regular(10, 4, &[3], false).expect("valid").uniform(), None);
        assert_eq!(GridAxis::regular(10, 4, &[2], false).expect("valid").uniform(), Some(2));
    }

    #[test]
    fn objects_may_store_more_than_they_cover() {
        let long = Run {
            edge: 3,
            stored: 5,
            count: 2,
        };
        let axis = GridAxis::rectilinear(7, &[long, run(4, 1)], &[2]).expect("covers");
        assert_eq!(axis.per_object(), 3);
        let part = axis.find(2);
        assert_eq!((part.leaf, part.stored, part.inside), (1, 2, 1));
        assert_eq!(axis.find(3).leaf, 3);
        assert_eq!(axis.leaf(2).inside, 0);
        assert_eq!(axis.leaves_inside(0), 2);
    }

    #[test]
    fn runs_that_make_no_axis_are_refused() {
        assert!(GridAxis::rectilinear(5, &[run(2, 2)], &[]).is_err());
        assert!(GridAxis::rectilinear(5, &[run(0, 2), run(5, 1)], &[]).is_err());
        assert!(GridAxis::rectilinear(5, &[run(u64::MAX, 2)], &[]).is_err());
        assert!(GridAxis::rectilinear(0, &[], &[]).is_ok());
        assert!(GridAxis::regular(5, 0, &[], false).is_err());
        assert!(GridAxis::regular(5, 5, &[0], false).is_err());
    }
}
