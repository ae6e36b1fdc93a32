//! What a Zarr request means: a selection becomes pieces, stored bytes become cells.
//!
//! Pure: nothing here waits, opens a file, starts a thread or knows Python.
#![deny(unsafe_code)]

mod along;
pub mod cells;
pub mod chain;
pub mod codecs;
pub mod context;
pub mod copy;
pub mod error;
pub mod grid;
pub mod keys;
pub mod layout;
pub mod optional;
pub mod plan;
mod points;
pub mod program;
pub mod shape;
pub mod shard;
pub mod sharding;
pub mod workspace;

pub use along::{Axis, Span};
pub use chain::Chain;
pub use codecs::Codec;
pub use context::Context;
pub use copy::Memory;
pub use error::{Error, Result};
pub use grid::Grid;
pub use layout::Leaf;
pub use plan::{Plan, Wanted};
pub use program::Program;
pub use workspace::Workspace;
