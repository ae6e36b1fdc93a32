//! The failures of a request: what this crate's parts say, with the array and the key they were met at.

use crate::store;

/// A request's failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Stored bytes could not be read as cells.
    #[error("array {array:?}, chunk {key:?}: {why}")]
    Decode {
        /// The array's path.
        array: String,
        /// The key of the object.
        key: String,
        /// The cause.
        why: zarrite_core::Error,
    },
    /// Cells could not be made stored bytes.
    #[error("array {array:?}, chunk {key:?}: {why}")]
    Encode {
        /// The array's path.
        array: String,
        /// The key of the object.
        key: String,
        /// The cause.
        why: zarrite_core::Error,
    },
    /// A chunk is not stored, and its array says that this is an error.
    #[error("array {array:?}, chunk {key:?} is not stored")]
    Missing {
        /// The array's path.
        array: String,
        /// The key of the object.
        key: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The request makes no sense, or asks for more than memory.
    #[error(transparent)]
    Request(#[from] zarrite_core::Error),
    /// The caller gave up.
    #[error("the request was stopped")]
    Stopped,
    /// A piece of work panicked: a defect of this library, kept from doing more harm.
    #[error("a defect in the engine: {0}")]
    Defect(String),
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
