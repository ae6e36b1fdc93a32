//! Single cells of a selection, sorted by the object and the chunk that hold them.

use crate::grid::{Grid, GridAxis};
use crate::shape::Coords;
use crate::{Error, Result};
use smallvec::SmallVec;
use std::ops::Range;

/// Points, taken apart.
#[derive(Debug)]
pub(crate) struct Points {
    /// (index of the cell in its chunk in C order, place in the output).
    pub cells: Vec<(usize, usize)>,
    /// Chunk, and its points among `cells`.
    pub chunks: Vec<(Coords, Range<usize>)>,
    /// Object, and its chunks among `chunks`.
    pub objects: Vec<(Coords, Range<usize>)>,
    /// The most cells that a touched chunk stores along each axis.
    pub longest: SmallVec<[usize; 8]>,
}

impl Points {
    /// Takes single cells apart: `points[axis][i]` is point `i`'s place on `axis`.
    ///
    /// # Errors
    /// When a point leaves the array.
    pub fn new(grid: &Grid, points: &[Vec<u64>]) -> Result<Self> {
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
        if grid
            .axes()
            .iter()
            .try_fold(1_u64, |n, axis| n.checked_mul(axis.objects()))
            .is_none()
        {
            return Err(Error::TooLarge(
                "points cannot be selected in a grid of more than 2**64 objects".into(),
            ));
        }
        order.extend((0..n).map(|at| (0, 0, at, 0)));
        let mut longest: SmallVec<[usize; 8]> = smallvec::smallvec![1; points.len()];
        for ((places, axis), longest) in points.iter().zip(grid.axes()).zip(&mut longest) {
            let (objects, per) = (axis.objects(), axis.per_object());
            let mut add =
                |(object, inner, _, cell): &mut (u64, u64, usize, usize), leaf: u64, edge: usize, offset: usize| {
                    *object = *object * objects + leaf / per;
                    *inner = *inner * per + leaf % per;
                    // Beyond what memory can address only where the chunk is, which is refused before it is read.
                    *cell = cell.wrapping_mul(edge).wrapping_add(offset);
                    *longest = edge.max(*longest);
                };
            if let Some(edge) = axis.uniform() {
                for (point, &place) in order.iter_mut().zip(places) {
                    add(point, place / edge, edge as usize, (place % edge) as usize);
                }
            } else {
                for (point, &place) in order.iter_mut().zip(places) {
                    let part = axis.find(place);
                    add(point, part.leaf, part.stored as usize, (place - part.start) as usize);
                }
            }
        }
        order.sort_unstable_by_key(|&(object, inner, at, _)| (object, inner, at));
        let mut out = Self {
            longest,
            cells: Vec::with_capacity(n),
            chunks: Vec::new(),
            objects: Vec::new(),
        };
        let mut last = None;
        for &(object, inner, at, cell) in &order {
            if last != Some((object, inner)) {
                let coords = |per: bool| -> Coords {
                    let index = |(axis, places): (&GridAxis, &Vec<u64>)| {
                        let leaf = axis.find(places[at]).leaf;
                        if per { leaf / axis.per_object() } else { leaf }
                    };
                    grid.axes().iter().zip(points).map(index).collect()
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
        Ok(out)
    }
}
