//! What an object looks like inside: levels of shards, and the leaf chunks in the last of them.
//!
//! Where all objects are alike it is compiled once, with the program. Where chunks differ in shape, each shape that a request meets
//! is compiled when it is met, and kept.

use crate::chain::Chain;
use crate::codecs::Codec;
use crate::grid::Grid;
use crate::shape;
use crate::sharding::Place;
use crate::{Error, Result};
use serde_json::Value;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

/// Finds a codec that was written elsewhere (in Python), by its entry in the lowered document, whenever a shape is compiled.
pub type Finder = Arc<dyn Fn(&Value) -> Result<Box<dyn Codec>> + Send + Sync>;

/// Shapes that are kept compiled, of each level.
const MOST_KEPT: usize = 4096;

/// A leaf chunk of one shape.
pub struct Leaf {
    /// Its shape, along the array's axes.
    pub chunk: Vec<usize>,
    /// Its codecs.
    pub chain: Chain,
    /// Strides in bytes of its decoded cells, along the array's axes.
    pub strides: Vec<isize>,
    /// Whether its decoded cells lie in C order of the array's axes.
    pub is_c_order: bool,
}

impl Leaf {
    /// Bytes of its decoded cells.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.chain.plain_bytes()
    }
}

/// A shard of one shape, at one level.
pub struct Level {
    /// Where its chunks lie.
    pub place: Place,
    /// The shard's axis `i` is the array's axis `order[i]`.
    pub order: Arc<[usize]>,
    /// Along each of the array's axes: numbers of chunks of the next level that it takes, and leaf chunks that each of those takes.
    pub room: Vec<(u64, u64)>,
}

impl Level {
    /// The slot of the chunk that holds a leaf chunk.
    pub fn slot(&self, leaf: &[u64]) -> usize {
        let place = |(&axis, &count): (&usize, &u64)| {
            let (room, leaves) = self.room[axis];
            (leaf[axis] / leaves % room, count)
        };
        let places = self.order.iter().zip(&self.place.counts).map(place);
        places.fold(0, |at, (index, count)| at * count + index) as usize
    }
}

/// Something compiled: with the program, or when it was met.
pub enum Compiled<'a, T> {
    /// With the program.
    Once(&'a Arc<T>),
    /// When it was met.
    Met(Arc<T>),
}

impl<T> Compiled<'_, T> {
    /// It, to keep.
    pub fn share(&self) -> Arc<T> {
        match self {
            Self::Once(made) => Arc::clone(made),
            Self::Met(made) => Arc::clone(made),
        }
    }
}

impl<T> Deref for Compiled<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Once(made) => made,
            Self::Met(made) => made,
        }
    }
}

type Kept<T> = RwLock<HashMap<SmallVec<[usize; 8]>, Arc<T>>>;

/// What one level of the document says, whatever the shape.
struct Recipe {
    /// The sharding entry.
    entry: Value,
    order: Arc<[usize]>,
}

/// The inside of the objects of an array.
pub struct Layout {
    cell_bytes: usize,
    fill: Vec<u8>,
    finder: Finder,
    recipes: Vec<Recipe>,
    /// The leaf chunk's codecs, and the order of the axes they are given.
    codecs: Vec<Value>,
    order: Vec<usize>,
    once: Option<(Vec<Arc<Level>>, Arc<Leaf>)>,
    levels: Vec<Kept<Level>>,
    leaves: Kept<Leaf>,
}

impl Layout {
    /// Takes the codecs of an object apart.
    ///
    /// # Errors
    /// [`Error::Document`] when they make no sense.
    pub fn read(entries: &[Value], ndim: usize, cell_bytes: usize, fill: &[u8], finder: Finder) -> Result<Self> {
        let mut recipes = Vec::new();
        let mut entries = entries;
        let mut order: Vec<usize> = (0..ndim).collect();
        while let Some((entry, before)) = reachable(entries) {
            // Nothing but transpositions, which are the same for every shape.
            let turned = Chain::build(before, &vec![1; ndim], cell_bytes, fill, &mut |entry| finder(entry))?;
            order = turned.order().iter().map(|&axis| order[axis]).collect();
            recipes.push(Recipe {
                entry: entry.clone(),
                order: order.clone().into(),
            });
            entries = entry["codecs"].as_array().map(Vec::as_slice).unwrap_or_default();
        }
        Ok(Self {
            cell_bytes,
            fill: fill.to_vec(),
            finder,
            codecs: entries.to_vec(),
            order,
            once: None,
            levels: recipes.iter().map(|_| Kept::default()).collect(),
            leaves: Kept::default(),
            recipes,
        })
    }

    /// Edges of the chunks of each level along each of the array's axes: `edges[axis][level]`.
    ///
    /// # Errors
    /// [`Error::Document`] when a level has another number of axes.
    pub fn inner(&self) -> Result<Vec<SmallVec<[u64; 2]>>> {
        let mut edges: Vec<SmallVec<[u64; 2]>> = vec![SmallVec::new(); self.order.len()];
        for recipe in &self.recipes {
            let shape = recipe.entry["chunk_shape"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let shape: Vec<u64> = shape.iter().filter_map(Value::as_u64).collect();
            if shape.len() != recipe.order.len() || shape.contains(&0) {
                return Err(Error::Document(format!(
                    "chunks of shape {shape:?} do not fit a shard of {} axes",
                    recipe.order.len()
                )));
            }
            for (&axis, &edge) in recipe.order.iter().zip(&shape) {
                edges[axis].push(edge);
            }
        }
        Ok(edges)
    }

    /// Compiles everything now, where all objects are alike.
    ///
    /// # Errors
    /// What codecs have against the shapes.
    pub fn compile(&mut self, grid: &Grid) -> Result<()> {
        let Some(chunk) = grid.uniform() else { return Ok(()) };
        let origin = vec![0; chunk.len()];
        let level = |depth: usize| {
            self.build_level(depth, &grid.stored(&origin, depth), grid)
                .map(Arc::new)
        };
        let levels = (0..self.recipes.len()).map(level).collect::<Result<_>>()?;
        self.once = Some((levels, Arc::new(self.build_leaf(&chunk)?)));
        Ok(())
    }

    /// How many levels of shards there are; zero when an object is a chunk.
    #[inline]
    pub fn depth(&self) -> usize {
        self.recipes.len()
    }

    /// The leaf chunk that all are alike, if they are.
    #[inline]
    pub fn only_leaf(&self) -> Option<&Leaf> {
        self.once.as_ref().map(|(_, leaf)| &**leaf)
    }

    /// A leaf chunk, compiled.
    ///
    /// # Errors
    /// What codecs have against its shape.
    #[inline]
    pub fn leaf(&self, grid: &Grid, leaf: &[u64]) -> Result<Compiled<'_, Leaf>> {
        match &self.once {
            Some((_, leaf)) => Ok(Compiled::Once(leaf)),
            None => self.met_leaf(grid, leaf),
        }
    }

    #[cold]
    fn met_leaf(&self, grid: &Grid, leaf: &[u64]) -> Result<Compiled<'_, Leaf>> {
        let chunk = grid.stored(leaf, self.recipes.len());
        kept(&self.leaves, chunk, |chunk| self.build_leaf(chunk)).map(Compiled::Met)
    }

    /// The shard of level `depth` that holds a leaf chunk, compiled.
    ///
    /// # Errors
    /// What codecs have against its shape.
    #[inline]
    pub fn level(&self, grid: &Grid, depth: usize, leaf: &[u64]) -> Result<Compiled<'_, Level>> {
        match &self.once {
            Some((levels, _)) => Ok(Compiled::Once(&levels[depth])),
            None => self.met_level(grid, depth, leaf),
        }
    }

    #[cold]
    fn met_level(&self, grid: &Grid, depth: usize, leaf: &[u64]) -> Result<Compiled<'_, Level>> {
        let shape = grid.stored(leaf, depth);
        kept(&self.levels[depth], shape, |shape| self.build_level(depth, shape, grid)).map(Compiled::Met)
    }

    fn build_level(&self, depth: usize, shape: &[usize], grid: &Grid) -> Result<Level> {
        let recipe = &self.recipes[depth];
        let own: Vec<usize> = recipe.order.iter().map(|&axis| shape[axis]).collect();
        shape::bytes(&own, self.cell_bytes)?;
        Ok(Level {
            place: Place::build(&recipe.entry, &own, &mut |entry| (self.finder)(entry))?,
            order: Arc::clone(&recipe.order),
            room: grid.axes().iter().map(|axis| axis.room(depth)).collect(),
        })
    }

    fn build_leaf(&self, chunk: &[usize]) -> Result<Leaf> {
        let own: Vec<usize> = self.order.iter().map(|&axis| chunk[axis]).collect();
        let finder = &mut |entry: &Value| (self.finder)(entry);
        let chain = Chain::build(&self.codecs, &own, self.cell_bytes, &self.fill, finder)?;
        // The leaf's own axes, after its own transpositions.
        let stored: Vec<usize> = chain.order().iter().map(|&axis| own[axis]).collect();
        let packed = shape::strides(&stored, self.cell_bytes);
        let mut strides = vec![0; chunk.len()];
        for (axis, &own_axis) in chain.order().iter().enumerate() {
            strides[self.order[own_axis]] = packed[axis];
        }
        Ok(Leaf {
            is_c_order: strides == shape::strides(chunk, self.cell_bytes),
            chunk: chunk.to_vec(),
            chain,
            strides,
        })
    }
}

/// What is kept for a shape, or what is made of it now.
fn kept<T>(kept: &Kept<T>, shape: SmallVec<[usize; 8]>, make: impl FnOnce(&[usize]) -> Result<T>) -> Result<Arc<T>> {
    if let Some(found) = kept.read().unwrap_or_else(PoisonError::into_inner).get(&shape) {
        return Ok(Arc::clone(found));
    }
    // Made without the lock: a codec written in Python waits for Python. Two threads may make the same.
    let new = Arc::new(make(&shape)?);
    let mut all = kept.write().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST_KEPT {
        all.clear();
    }
    Ok(Arc::clone(all.entry(shape).or_insert(new)))
}

/// The sharding entry of a chain whose chunks can be reached alone (nothing but transpositions before, nothing after).
fn reachable(entries: &[Value]) -> Option<(&Value, &[Value])> {
    let (last, before) = entries.split_last()?;
    (last["name"] == "sharding_indexed" && before.iter().all(|entry| entry["name"] == "transpose"))
        .then_some((last, before))
}
