//! One array's lowered document, compiled: everything a request needs to know that does not change between requests.

use crate::cells::{VIEW_BYTES, put_view};
use crate::chain::{Chain, Foreign};
use crate::plan::Grid;
use crate::shape::{self, Coords};
use crate::sharding::Place;
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// The lowered document as it crosses from Python.
#[derive(Debug, Deserialize)]
struct Document {
    shape: Vec<u64>,
    cell_bytes: usize,
    vlen: Option<Vlen>,
    fill: String,
    chunk_shape: Vec<u64>,
    keys: Keys,
    codecs: Vec<Value>,
    write_empty_chunks: bool,
    missing: Missing,
}

/// What cells of varying length hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vlen {
    /// UTF-8 text.
    String,
    /// Bytes.
    Bytes,
}

/// What a chunk that is not stored reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The fill value.
    Fill,
    /// An error.
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Keys {
    name: KeyStyle,
    separator: char,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyStyle {
    Default,
    V2,
}

/// One level of sharding, outermost first.
pub struct Level {
    /// Where its chunks lie.
    pub place: Place,
    /// The shard's axis `i` is the array's axis `order[i]`.
    pub order: Vec<usize>,
    /// Chunks of the next level it holds, along the array's axes.
    pub per: Vec<u64>,
    /// Leaf chunks that one chunk of the next level holds, along the array's axes.
    pub leaves: Vec<u64>,
}

impl Level {
    /// The slot of the chunk that holds leaf chunk `leaf` (its index in the array's grid of leaves).
    pub fn slot(&self, leaf: &[u64]) -> usize {
        let index = |axis: usize| leaf[axis] / self.leaves[axis] % self.per[axis];
        self.order.iter().fold(0, |at, &axis| at * self.per[axis] + index(axis)) as usize
    }
}

/// A compiled array.
pub struct Program {
    /// The array's shape and the grid of its leaf chunks.
    pub grid: Grid,
    /// Bytes of a cell in memory.
    pub cell_bytes: usize,
    /// Set where cells vary in length and are views inside the engine.
    pub vlen: Option<Vlen>,
    /// Levels of sharding, outermost first; empty when an object is a chunk.
    pub levels: Vec<Level>,
    /// The leaf chunk's codecs.
    pub chain: Chain,
    /// Strides in bytes of a decoded leaf chunk, along the array's axes.
    pub leaf_strides: Vec<isize>,
    /// Whether a chunk of nothing but fill value is stored.
    pub write_empty_chunks: bool,
    /// What a chunk that is not stored reads as.
    pub missing: Missing,
    fill: Vec<u8>,
    /// What the fill view points at.
    _fill_text: Box<[u8]>,
    keys: Keys,
}

impl Program {
    /// Compiles a lowered document.
    ///
    /// # Errors
    /// [`Error::Document`] when it is not one, or asks for what this engine does not do.
    pub fn build(text: &str, foreign: Foreign<'_>) -> Result<Self> {
        let document: Document = serde_json::from_str(text).map_err(|error| Error::Document(error.to_string()))?;
        let ndim = document.shape.len();
        if document.chunk_shape.len() != ndim || document.chunk_shape.contains(&0) {
            return Err(Error::Document(format!(
                "chunks of shape {:?} do not fit an array of shape {:?}",
                document.chunk_shape, document.shape
            )));
        }
        if document.shape.iter().any(|&extent| i64::try_from(extent).is_err()) {
            return Err(Error::TooLarge(format!(
                "an axis of shape {:?} has more than 2**63-1 cells",
                document.shape
            )));
        }
        let fill_text = unhex(&document.fill)?.into_boxed_slice();
        let (cell_bytes, fill) = if document.vlen.is_some() {
            let mut cell = vec![0; VIEW_BYTES];
            put_view(&mut cell, &fill_text);
            (VIEW_BYTES, cell)
        } else {
            (document.cell_bytes, fill_text.to_vec())
        };
        if fill.len() != cell_bytes {
            return Err(Error::size("the fill value", cell_bytes, fill.len()));
        }
        let object: Vec<usize> = document.chunk_shape.iter().map(|&n| n as usize).collect();

        let mut levels: Vec<Level> = Vec::new();
        let mut entries: &[Value] = &document.codecs;
        // The shape at this level along its own axes, and which of the array's axes they are.
        let mut level_shape = object.clone();
        let mut order: Vec<usize> = (0..ndim).collect();
        while let Some((entry, before)) = reachable(entries) {
            let outer = Chain::build(before, &level_shape, cell_bytes, &fill, foreign)?;
            order = outer.order().iter().map(|&axis| order[axis]).collect();
            level_shape = outer.order().iter().map(|&axis| level_shape[axis]).collect();
            let place = Place::build(entry, &level_shape, foreign)?;
            let mut per = vec![0; ndim];
            for (axis, &array_axis) in order.iter().enumerate() {
                per[array_axis] = place.counts[axis];
            }
            level_shape.clone_from(&place.inner_shape);
            levels.push(Level {
                place,
                order: order.clone(),
                per,
                leaves: vec![1; ndim],
            });
            entries = entry["codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        }
        for at in (0..levels.len().saturating_sub(1)).rev() {
            let leaves = (0..ndim)
                .map(|axis| levels[at + 1].per[axis] * levels[at + 1].leaves[axis])
                .collect();
            levels[at].leaves = leaves;
        }
        let chain = Chain::build(entries, &level_shape, cell_bytes, &fill, foreign)?;
        let mut chunk = vec![0; ndim];
        for (axis, &array_axis) in order.iter().enumerate() {
            chunk[array_axis] = level_shape[axis];
        }
        // The leaf's own axes, after its own transpositions.
        let stored: Vec<usize> = chain.order().iter().map(|&axis| level_shape[axis]).collect();
        let packed = shape::strides(&stored, cell_bytes);
        let mut leaf_strides = vec![0; ndim];
        for (axis, &level_axis) in chain.order().iter().enumerate() {
            leaf_strides[order[level_axis]] = packed[axis];
        }
        let per_object = object
            .iter()
            .zip(&chunk)
            .map(|(&object, &chunk)| (object / chunk) as u64)
            .collect();
        shape::bytes(&chunk, cell_bytes)?;
        Ok(Self {
            grid: Grid {
                shape: document.shape,
                chunk,
                per_object,
            },
            cell_bytes,
            vlen: document.vlen,
            levels,
            chain,
            leaf_strides,
            write_empty_chunks: document.write_empty_chunks,
            missing: document.missing,
            fill,
            _fill_text: fill_text,
            keys: document.keys,
        })
    }

    /// One cell of the fill value (a view where cells vary in length).
    pub fn fill(&self) -> &[u8] {
        &self.fill
    }

    /// Bytes of a decoded leaf chunk.
    pub fn leaf_bytes(&self) -> usize {
        self.chain.plain_bytes()
    }

    /// Whether a decoded leaf chunk lies in C order of the array's axes.
    pub fn leaf_is_c_order(&self) -> bool {
        self.leaf_strides == shape::strides(&self.grid.chunk, self.cell_bytes)
    }

    /// The part of a leaf chunk that lies inside the array.
    pub fn leaf_extents(&self, leaf: &[u64]) -> smallvec::SmallVec<[usize; 8]> {
        let inside = |axis: usize| {
            let chunk = self.grid.chunk[axis] as u64;
            chunk.min(self.grid.shape[axis].saturating_sub(leaf[axis] * chunk)) as usize
        };
        (0..leaf.len()).map(inside).collect()
    }

    /// The key of an object below the array's path, appended to `key`.
    pub fn push_key(&self, object: &[u64], key: &mut String) {
        let mut separate = self.keys.name == KeyStyle::Default;
        if separate {
            key.push('c');
        } else if object.is_empty() {
            key.push('0');
        }
        for index in object {
            if separate {
                key.push(self.keys.separator);
            }
            separate = true;
            // Writing to a string cannot fail.
            let _ = write!(key, "{index}");
        }
    }

    /// The index of the object that holds a leaf chunk.
    pub fn object_of(&self, leaf: &[u64]) -> Coords {
        leaf.iter()
            .zip(&self.grid.per_object)
            .map(|(&index, &per)| index / per)
            .collect()
    }
}

/// The sharding entry of a chain whose chunks can be reached alone (nothing but transpositions before, nothing after).
fn reachable(entries: &[Value]) -> Option<(&Value, &[Value])> {
    let (last, before) = entries.split_last()?;
    (last["name"] == "sharding_indexed" && before.iter().all(|entry| entry["name"] == "transpose"))
        .then_some((last, before))
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Document(format!("the fill value {text:?} is not hexadecimal")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(text: &str) -> Result<Program> {
        Program::build(text, &mut |entry| Err(Error::Document(format!("no codec {entry}"))))
    }

    fn document(shape: &str, chunk: &str, codecs: &str) -> String {
        format!(
            r#"{{"shape":{shape},"cell_bytes":2,"vlen":null,"fill":"0000","chunk_shape":{chunk},
            "keys":{{"name":"default","separator":"/"}},"codecs":{codecs},"write_empty_chunks":false,"missing":"fill"}}"#
        )
    }

    #[test]
    fn nested_shards_below_a_transposition_know_their_slots() {
        let index = r#"[{"name":"bytes","swap":[],"cell_bytes":8}]"#;
        let inner = format!(
            r#"{{"name":"sharding_indexed","chunk_shape":[2,1],"codecs":[],"index_codecs":{index},"index_location":"end"}}"#
        );
        let outer = format!(
            r#"[{{"name":"transpose","order":[1,0]}},{{"name":"sharding_indexed","chunk_shape":[4,2],"codecs":[{inner}],
            "index_codecs":{index},"index_location":"end"}}]"#
        );
        let built = program(&document("[100,100]", "[6,8]", &outer)).expect("valid");
        assert_eq!(built.grid.chunk, [1, 2]);
        assert_eq!(built.grid.per_object, [6, 4]);
        assert_eq!(built.leaf_strides, [2, 2]);
        assert_eq!(built.levels[0].per, [3, 2]);
        assert_eq!(built.levels[0].leaves, [2, 2]);
        // leaf (7, 5): in its object (1, 1); in the outer shard's grid of (3, 2) chunks, transposed to (2, 3)
        assert_eq!(built.levels[0].slot(&[7, 5]), 0);
        assert_eq!(built.levels[0].slot(&[9, 7]), 4);
        assert_eq!(built.levels[1].slot(&[9, 7]), 3);
        let mut key = String::from("a/");
        built.push_key(&built.object_of(&[7, 5]), &mut key);
        assert_eq!(key, "a/c/1/1");
    }

    #[test]
    fn documents_that_make_no_sense_are_refused() {
        assert!(program("{}").is_err());
        assert!(program(&document("[4]", "[0]", "[]")).is_err());
        assert!(program(&document("[4,4]", "[4]", "[]")).is_err());
        assert!(program(&document("[18446744073709551615]", "[4]", "[]")).is_err());
        assert!(program(&document("[4]", "[9223372036854775807]", "[]")).is_err());
        assert!(program(&document("[4]", "[4]", r#"[{"name":"rot13"}]"#)).is_err());
        let shard =
            r#"[{"name":"sharding_indexed","chunk_shape":[3],"codecs":[],"index_codecs":[],"index_location":"end"}]"#;
        assert!(program(&document("[4]", "[4]", shard)).is_err());
    }
}
