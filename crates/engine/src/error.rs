//! The failures of a request: what this crate's parts say, with the array and the key they were met at.

use crate::store;

/// A chunk's object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The store's URL.
    pub store: String,
    /// The array's path.
    pub array: String,
    /// The key of the object.
    pub key: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "array {:?} in {}, chunk {:?}", self.array, self.store, self.key)
    }
}

/// A request's failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Stored bytes could not be read as cells.
    #[error("{place}: {why}")]
    Decode {
        /// Where.
        place: Box<Place>,
        /// The cause.
        why: zarrite_core::Error,
    },
    /// Cells could not be made stored bytes.
    #[error("{place}: {why}")]
    Encode {
        /// Where.
        place: Box<Place>,
        /// The cause.
        why: zarrite_core::Error,
    },
    /// A chunk is not stored, and its array says that this is an error.
    #[error("{place} is not stored")]
    Missing {
        /// Where.
        place: Box<Place>,
    },
    /// The store failed.
    #[error("{why} (in {store})")]
    Store {
        /// The store's URL.
        store: String,
        /// The cause.
        why: store::Error,
    },
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

impl From<store::Error> for Error {
    fn from(why: store::Error) -> Self {
        let store = String::new();
        Self::Store { store, why }
    }
}

impl Error {
    /// Names the store that failed, where that is not yet said.
    #[must_use]
    pub fn in_store(mut self, place: &dyn store::Store) -> Self {
        if let Self::Store { store, .. } = &mut self
            && store.is_empty()
        {
            *store = place.url();
        }
        self
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
