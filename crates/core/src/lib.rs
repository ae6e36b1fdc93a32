//! What a Zarr request means: a selection becomes pieces, stored bytes become cells.
//!
//! Pure: nothing here waits, opens a file, starts a thread or knows Python.
#![deny(unsafe_code)]

pub mod cells;
pub mod chain;
pub mod codecs;
pub mod context;
pub mod copy;
pub mod error;
pub mod plan;
pub mod program;
pub mod shape;
pub mod shard;
pub mod sharding;
pub mod workspace;

pub use chain::Chain;
pub use codecs::Codec;
pub use context::Context;
pub use copy::Memory;
pub use error::{Error, Result};
pub use plan::{Axis, Grid, Plan, Span, Wanted};
pub use program::Program;
pub use workspace::Workspace;
