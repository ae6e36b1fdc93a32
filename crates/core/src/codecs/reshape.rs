//! `reshape` and `zarrs.squeeze`: the same cells in the same order under another shape, which is no work, and transpositions that
//! are.

use super::Codec;
use super::growing::over_limit;
use crate::copy::{Copy, CopyAxis, Memory};
use crate::{Context, Error, Result, shape};
use serde_json::Value;

/// The shape that a lowered `reshape` entry, `{"shape": [n | [axes] | -1, ...]}`, gives to chunks of `before`.
///
/// # Errors
/// [`Error::Document`] when the number of cells would change, or axes are named that do not lie where they are named.
pub fn reshaped(entry: &Value, before: &[usize]) -> Result<Vec<usize>> {
    let refuse = |why: &str| {
        Error::Document(format!(
            "codec \"reshape\" cannot give chunks of shape {before:?} the shape {}: {why}",
            entry["shape"]
        ))
    };
    let wanted = entry["shape"].as_array().ok_or_else(|| refuse("it is no list"))?;
    let cells = shape::cells(before)?;
    let mut after = Vec::with_capacity(wanted.len());
    let mut open = None;
    let mut named: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut known = 1_usize;
    for (at, one) in wanted.iter().enumerate() {
        let extent = if let Some(extent) = one.as_u64().filter(|extent| *extent > 0) {
            extent as usize
        } else if one.as_i64() == Some(-1) && open.is_none() {
            open = Some(at);
            1
        } else if let Some(axes) = one.as_array() {
            let axes: Vec<usize> = axes
                .iter()
                .filter_map(|axis| axis.as_u64().map(|axis| axis as usize))
                .collect();
            if axes.len() != one.as_array().map_or(0, Vec::len) || axes.iter().any(|axis| *axis >= before.len()) {
                return Err(refuse("it names axes that are not there"));
            }
            let extent = axes
                .iter()
                .try_fold(1_usize, |extent, axis| extent.checked_mul(before[*axis]))
                .ok_or_else(|| refuse("it has too many cells"))?;
            named.push((at, axes));
            extent
        } else {
            return Err(refuse("each entry is an extent, a list of axes, or -1 once"));
        };
        known = known
            .checked_mul(extent)
            .ok_or_else(|| refuse("it has too many cells"))?;
        after.push(extent);
    }
    if let Some(at) = open {
        if known == 0 || cells % known != 0 {
            return Err(refuse("nothing fits in the place of -1"));
        }
        after[at] = cells / known;
    }
    if after.iter().product::<usize>() != cells {
        return Err(refuse("the number of cells changes"));
    }
    let mut last = None;
    for (at, axes) in named {
        for axis in &axes {
            if last.is_some_and(|last| last >= *axis) {
                return Err(refuse("the axes it names are out of order"));
            }
            last = Some(*axis);
        }
        if let (Some(first), Some(end)) = (axes.first(), axes.last()) {
            let slower = after[..at].iter().product::<usize>() == before[..*first].iter().product::<usize>();
            let faster = after[at + 1..].iter().product::<usize>() == before[end + 1..].iter().product::<usize>();
            if !slower || !faster {
                return Err(refuse("the axes it names would lie elsewhere"));
            }
        }
    }
    Ok(after)
}

/// The shape without its axes of one cell; one such axis is left where nothing else would be.
pub fn squeezed(before: &[usize]) -> Vec<usize> {
    let after: Vec<usize> = before.iter().copied().filter(|extent| *extent != 1).collect();
    if after.is_empty() { vec![1] } else { after }
}

/// A transposition after another codec, where it is a step of its own and not the way in which a chunk is copied.
pub struct Transpose {
    shape: Vec<usize>,
    order: Vec<usize>,
    cell_bytes: usize,
}

impl Transpose {
    /// Of chunks of `shape`, whose axis `order[i]` becomes axis `i`; `order` is a permutation.
    pub fn new(shape: &[usize], order: Vec<usize>, cell_bytes: usize) -> Self {
        Self {
            shape: shape.to_vec(),
            order,
            cell_bytes,
        }
    }

    fn run(&self, from: &[u8], to: &mut [u8], doing: &'static str) -> Result<()> {
        let n = shape::bytes(&self.shape, self.cell_bytes)?;
        for found in [from.len(), to.len()] {
            if found != n {
                return Err(Error::size("a chunk that is transposed", n, found));
            }
        }
        let plain = shape::strides(&self.shape, self.cell_bytes);
        let stored: Vec<usize> = self.order.iter().map(|axis| self.shape[*axis]).collect();
        let packed = shape::strides(&stored, self.cell_bytes);
        let mut copy = Copy::default();
        // Along the axes of whichever side is written to, so that writing is sequential.
        if doing == "encode" {
            for (at, axis) in self.order.iter().enumerate() {
                copy.axes.push(CopyAxis::Stride {
                    count: stored[at],
                    from: plain[*axis],
                    to: packed[at],
                });
            }
        } else {
            let mut places = vec![0; self.order.len()];
            for (at, axis) in self.order.iter().enumerate() {
                places[*axis] = at;
            }
            for (axis, at) in places.into_iter().enumerate() {
                copy.axes.push(CopyAxis::Stride {
                    count: self.shape[axis],
                    from: packed[at],
                    to: plain[axis],
                });
            }
        }
        copy.run(&Memory::of(from), &Memory::of_mut(to), self.cell_bytes)
    }
}

impl Codec for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn stored_bytes(&self, plain: usize) -> Option<usize> {
        Some(plain)
    }

    fn decode(&self, stored: &[u8], plain: &mut [u8], _context: &mut Context) -> Result<()> {
        self.run(stored, plain, "decode")
    }

    fn decode_unsized(&self, stored: &[u8], plain: &mut Vec<u8>, limit: usize, context: &mut Context) -> Result<()> {
        if stored.len() > limit {
            return Err(over_limit("transpose", limit));
        }
        let start = plain.len();
        plain.resize(start + stored.len(), 0);
        self.decode(stored, &mut plain[start..], context)
            .inspect_err(|_| plain.truncate(start))
    }

    fn encode(&self, plain: &[u8], stored: &mut Vec<u8>, _context: &mut Context) -> Result<()> {
        let start = stored.len();
        stored.resize(start + plain.len(), 0);
        self.run(plain, &mut stored[start..], "encode")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_round_trip;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_shape_follows_from_extents_axes_and_what_is_left() {
        let after = |shape: Value, before: &[usize]| reshaped(&json!({"shape": shape}), before);
        assert_eq!(
            after(json!([[0, 1], [2], 3]), &[100, 50, 64, 3]).unwrap(),
            [5000, 64, 3]
        );
        assert_eq!(after(json!([-1, 4]), &[6, 4]).unwrap(), [6, 4]);
        assert_eq!(after(json!([-1]), &[2, 3, 4]).unwrap(), [24]);
        assert_eq!(after(json!([]), &[1, 1]).unwrap(), [0; 0]);
        assert_eq!(after(json!([1, [], 1]), &[]).unwrap(), [1, 1, 1]);
        assert_eq!(after(json!([[0], 2, 3]), &[5, 6]).unwrap(), [5, 2, 3]);
        for wrong in [
            json!([5, 5]),
            json!([-1, 7]),
            json!([-1, -1]),
            json!([0, 24]),
            json!([[1], [0]]),
            json!([[1, 0]]),
            json!([[2]]),
            json!([2, [1]]),
            json!([[0], 6, [1]]),
            json!(["6", 4]),
            json!(24),
        ] {
            assert!(after(wrong.clone(), &[6, 4]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn axes_of_one_cell_go() {
        assert_eq!(squeezed(&[4, 1, 3, 1]), [4, 3]);
        assert_eq!(squeezed(&[1, 1]), [1]);
        assert_eq!(squeezed(&[]), [1]);
    }

    #[test]
    fn a_transposition_moves_cells_and_is_undone() {
        let codec = Transpose::new(&[2, 3, 4], vec![2, 0, 1], 2);
        let plain: Vec<u8> = (0..24_u16).flat_map(u16::to_ne_bytes).collect();
        let mut stored = Vec::new();
        codec.encode(&plain, &mut stored, &mut Context::new()).unwrap();
        let cells: Vec<u16> = stored
            .chunks(2)
            .map(|raw| u16::from_ne_bytes([raw[0], raw[1]]))
            .collect();
        assert_eq!(cells[..8], [0, 4, 8, 12, 16, 20, 1, 5]);
        check_round_trip(&codec, &plain, &mut Context::new());
    }
}
