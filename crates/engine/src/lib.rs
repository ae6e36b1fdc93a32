//! What waits: stores, threads, and the read and the write that run whole requests on them.

pub mod ahead;
pub mod array;
pub mod blocks;
pub mod budget;
pub mod decoded;
mod errand;
pub mod error;
pub mod exclude;
pub mod gate;
pub mod handles;
pub mod interrupt;
pub mod level;
pub mod read;
pub mod runtime;
pub mod store;
pub mod stores;
pub mod sync;
pub mod transfer;
pub mod write;

pub use array::{Array, Cells, Door, Selection};
pub use error::{Error, Result};
pub use read::read;
pub use write::write;
