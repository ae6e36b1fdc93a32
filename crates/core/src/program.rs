//! One array's lowered document, compiled: everything a request needs to know that does not change between requests.

use crate::cells::{VIEW_BYTES, put_view};
use crate::grid::{Grid, GridAxis, Run};
use crate::keys::Keys;
use crate::layout::{Compiled, Finder, Layout, Leaf, Level};
use crate::plan::Plan;
use crate::shape;
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

/// The lowered document as it crosses from Python.
#[derive(Debug, Deserialize)]
struct Document {
    shape: Vec<u64>,
    cell_bytes: usize,
    vlen: Option<Vlen>,
    fill: String,
    chunk_shape: Vec<Edges>,
    /// Objects store nothing beyond the end of the array.
    #[serde(default)]
    bounded: bool,
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

/// Objects along one axis: of one edge, or runs of (edge, count, stored cells).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Edges {
    Regular(u64),
    Runs(Vec<(u64, u64, u64)>),
}

/// A compiled array.
pub struct Program {
    /// The array's shape and the grid of its leaf chunks.
    pub grid: Grid,
    /// Bytes of a cell in memory.
    pub cell_bytes: usize,
    /// Set where cells vary in length and are views inside the engine.
    pub vlen: Option<Vlen>,
    layout: Layout,
    /// Whether a chunk of nothing but fill value is stored.
    pub write_empty_chunks: bool,
    /// What a chunk that is not stored reads as.
    pub missing: Missing,
    fill: Vec<u8>,
    /// What the fill view points at.
    _fill_text: Box<[u8]>,
    keys: Keys,
    /// Tells programs apart that decode the same stored bytes to other cells.
    pub print: u64,
}

impl Program {
    /// Compiles a lowered document.
    ///
    /// # Errors
    /// [`Error::Document`] when it is not one, or asks for what this engine does not do.
    pub fn build(text: &str, finder: Finder) -> Result<Self> {
        let document: Document = serde_json::from_str(text).map_err(|error| Error::Document(error.to_string()))?;
        let ndim = document.shape.len();
        if document.chunk_shape.len() != ndim {
            return Err(Error::Document(format!(
                "chunks of shape {:?} do not fit an array of shape {:?}",
                document.chunk_shape, document.shape
            )));
        }
        document.keys.check(ndim)?;
        if document.shape.iter().any(|&extent| i64::try_from(extent).is_err()) {
            return Err(Error::TooLarge(format!(
                "an axis of shape {:?} has more than 2**63-1 cells",
                document.shape
            )));
        }
        let fill_text = unhex(&document.fill)
            .ok_or_else(|| Error::Document(format!("the fill value {:?} is not hexadecimal", document.fill)))?
            .into_boxed_slice();
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
        let print = print(&document);
        let mut layout = Layout::read(&document.codecs, ndim, cell_bytes, &fill, finder)?;
        let axes = document.shape.iter().zip(&document.chunk_shape).zip(layout.inner()?);
        let axes = axes.map(|((&extent, edges), inner)| match edges {
            Edges::Regular(edge) => GridAxis::regular(extent, *edge, &inner, document.bounded),
            Edges::Runs(runs) => {
                let run = |&(edge, count, stored)| Run { edge, stored, count };
                GridAxis::rectilinear(extent, &runs.iter().map(run).collect::<Vec<_>>(), &inner)
            }
        });
        let grid = Grid::new(axes.collect::<Result<_>>()?)?;
        layout.compile(&grid)?;
        Ok(Self {
            grid,
            cell_bytes,
            vlen: document.vlen,
            layout,
            write_empty_chunks: document.write_empty_chunks,
            missing: document.missing,
            fill,
            _fill_text: fill_text,
            keys: document.keys,
            print,
        })
    }

    /// One cell of the fill value (a view where cells vary in length).
    pub fn fill(&self) -> &[u8] {
        &self.fill
    }

    /// How many levels of shards there are; zero when an object is a chunk.
    #[inline]
    pub fn depth(&self) -> usize {
        self.layout.depth()
    }

    /// A leaf chunk, compiled.
    ///
    /// # Errors
    /// What codecs have against its shape.
    #[inline]
    pub fn leaf(&self, leaf: &[u64]) -> Result<Compiled<'_, Leaf>> {
        self.layout.leaf(&self.grid, leaf)
    }

    /// The shard of level `depth` that holds a leaf chunk, compiled.
    ///
    /// # Errors
    /// What codecs have against its shape.
    #[inline]
    pub fn level(&self, depth: usize, leaf: &[u64]) -> Result<Compiled<'_, Level>> {
        self.layout.level(&self.grid, depth, leaf)
    }

    /// Bytes of the largest decoded leaf chunk that a plan touches, at most.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond what memory can address.
    #[inline]
    pub fn leaf_bytes(&self, plan: &Plan) -> Result<usize> {
        match self.layout.only_leaf() {
            Some(leaf) => Ok(leaf.bytes()),
            None => shape::bytes(&plan.largest(), self.cell_bytes),
        }
    }

    /// The key of an object below the array's path, appended to `key`.
    pub fn push_key(&self, object: &[u64], key: &mut String) {
        self.keys.push(object, key);
    }
}

/// A number made of what decoding depends on.
fn print(document: &Document) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (document.cell_bytes, &document.fill, document.bounded).hash(&mut hasher);
    if document.bounded {
        document.shape.hash(&mut hasher);
    }
    format!("{:?}", document.chunk_shape).hash(&mut hasher);
    for codec in &document.codecs {
        codec.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

/// The bytes that hexadecimal text stands for.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn program(text: &str) -> Result<Program> {
        Program::build(
            text,
            Arc::new(|entry| Err(Error::Document(format!("no codec {entry}")))),
        )
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
        let leaf = built.leaf(&[7, 5]).expect("compiled");
        assert_eq!(leaf.chunk, [1, 2]);
        assert_eq!(leaf.strides, [2, 2]);
        let per: Vec<u64> = built.grid.axes().iter().map(GridAxis::per_object).collect();
        assert_eq!(per, [6, 4]);
        let outer = built.level(0, &[7, 5]).expect("compiled");
        assert_eq!(outer.room, [(3, 2), (2, 2)]);
        // leaf (7, 5): in its object (1, 1); in the outer shard's grid of (3, 2) chunks, transposed to (2, 3)
        assert_eq!(outer.slot(&[7, 5]), 0);
        assert_eq!(outer.slot(&[9, 7]), 4);
        assert_eq!(built.level(1, &[9, 7]).expect("compiled").slot(&[9, 7]), 3);
        let mut key = String::from("a/");
        built.push_key(&[1, 1], &mut key);
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
        assert!(program(&document("[4]", "[[[3,1,3]]]", "[]")).is_err());
        assert!(program(&document("[4]", "[[[4,1,3]]]", "[]")).is_err());
        let shard =
            r#"[{"name":"sharding_indexed","chunk_shape":[0],"codecs":[],"index_codecs":[],"index_location":"end"}]"#;
        assert!(program(&document("[4]", "[4]", shard)).is_err());
    }
}
