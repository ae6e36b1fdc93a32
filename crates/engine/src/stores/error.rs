//! What can go wrong in a store.

/// What can go wrong in a store. A missing key is none of it: that is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The store itself is not there.
    #[error("there is no store at {url}")]
    NotFound {
        /// The place looked at.
        url: String,
    },
    /// The system does not let this process do it.
    #[error("{key:?}: {why}")]
    Permission {
        /// The key, or the prefix.
        key: String,
        /// The system's number for the cause.
        errno: Option<i32>,
        /// The cause in words.
        why: String,
    },
    /// The store was opened for reading, or can only be read.
    #[error("{url} is read-only")]
    ReadOnly {
        /// The store.
        url: String,
    },
    /// A key that no store takes, or that this one cannot.
    #[error("the key {key:?} is refused: {why}")]
    KeyRefused {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system failed.
    #[error("{key:?}: {why}")]
    Io {
        /// The key, or the prefix.
        key: String,
        /// The system's number for the cause, where it has one: a full disk is `ENOSPC`.
        errno: Option<i32>,
        /// The cause in words.
        why: String,
    },
    /// What the store found contradicts itself.
    #[error("{key:?}: {why}")]
    Corrupt {
        /// The key, or the name of the whole container.
        key: String,
        /// What was found.
        why: String,
    },
    /// The object is no longer the version that was opened.
    #[error("{key:?} was replaced while it was read")]
    Changed {
        /// The key.
        key: String,
    },
    /// Nothing keeps other writers from undoing this, and the caller does not want it done then.
    #[error("{key:?}: {why}")]
    Unsafe {
        /// The key.
        key: String,
        /// What the store cannot do, and the way out.
        why: String,
    },
    /// The store was closed.
    #[error("{url} is closed")]
    Closed {
        /// The store.
        url: String,
    },
}

impl Error {
    /// A key that is refused.
    pub fn refused(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::KeyRefused {
            key: key.into(),
            why: why.into(),
        }
    }

    /// Something that contradicts itself.
    pub fn corrupt(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Corrupt {
            key: key.into(),
            why: why.into(),
        }
    }

    /// A failure of the system, named after the key it met.
    pub fn from_io(key: impl Into<String>, cause: &std::io::Error) -> Self {
        let (key, errno, why) = (key.into(), cause.raw_os_error(), cause.to_string());
        match cause.kind() {
            std::io::ErrorKind::PermissionDenied => Self::Permission { key, errno, why },
            _ => Self::Io { key, errno, why },
        }
    }

    /// The key or prefix the failure names; the place where it concerns the whole store.
    pub fn key(&self) -> &str {
        match self {
            Self::Permission { key, .. }
            | Self::KeyRefused { key, .. }
            | Self::Io { key, .. }
            | Self::Corrupt { key, .. }
            | Self::Changed { key }
            | Self::Unsafe { key, .. } => key,
            Self::NotFound { url } | Self::ReadOnly { url } | Self::Closed { url } => url,
        }
    }
}

/// A store's result.
pub type Result<T> = std::result::Result<T, Error>;
