//! The failures of this crate. None names a store or a key: the engine adds the place.

use std::borrow::Cow;

/// What can go wrong between stored bytes and cells.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A codec refused its input.
    #[error("codec {codec:?} could not {doing}: {why}")]
    Codec {
        /// The codec's name in the metadata.
        codec: Cow<'static, str>,
        /// `"decode"` or `"encode"`.
        doing: &'static str,
        /// What it met.
        why: String,
    },
    /// Something has another size than it must have.
    #[error("{what} must have {want} bytes, not {got}")]
    Size {
        /// The thing measured.
        what: Cow<'static, str>,
        /// Bytes expected.
        want: u64,
        /// Bytes found.
        got: u64,
    },
    /// A shard has not even the bytes of its index.
    #[error("a shard of {got} bytes is too short to hold its index of {want}")]
    Short {
        /// Bytes of the index.
        want: u64,
        /// Bytes found.
        got: u64,
    },
    /// A shard's index points at bytes that the shard does not have.
    #[error("the shard index points at bytes {start}..{end} of an object of {object_bytes} bytes")]
    Outside {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// Bytes the object has.
        object_bytes: u64,
    },
    /// The lowered document asks for something this engine does not do.
    #[error("{0}")]
    Document(String),
    /// A request that would need more than memory can address.
    #[error("{0}")]
    TooLarge(String),
}

impl Error {
    /// A codec could not decode.
    pub fn decode(codec: &'static str, why: impl Into<String>) -> Self {
        Self::Codec {
            codec: Cow::Borrowed(codec),
            doing: "decode",
            why: why.into(),
        }
    }

    /// A codec could not encode.
    pub fn encode(codec: &'static str, why: impl Into<String>) -> Self {
        Self::Codec {
            codec: Cow::Borrowed(codec),
            doing: "encode",
            why: why.into(),
        }
    }

    /// Something has another size than it must have.
    pub fn size(what: &'static str, want: usize, got: usize) -> Self {
        Self::Size {
            what: Cow::Borrowed(what),
            want: want as u64,
            got: got as u64,
        }
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
