//! An archive as it was when it was opened.

use std::sync::Arc;

use crate::store::{Error, Object, Result, Version};

/// The object that is an archive. What says that it was replaced says it of the archive, not of an object in it.
pub(super) struct Pinned {
    pub archive: Arc<dyn Object>,
    pub url: String,
}

impl Pinned {
    fn told<T>(&self, done: Result<T>) -> Result<T> {
        done.map_err(|cause| match cause {
            Error::Changed { .. } => Error::Io {
                key: self.url.clone(),
                errno: None,
                why: "the archive was replaced by another one since it was opened here; open it again".to_owned(),
            },
            cause => cause,
        })
    }
}

impl Object for Pinned {
    fn bytes(&self) -> u64 {
        self.archive.bytes()
    }

    fn version(&self) -> Version {
        self.archive.version()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.told(self.archive.read_at(offset, into))
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        self.told(self.archive.append_at(offset, bytes, into))
    }

    fn is_current(&self) -> bool {
        self.archive.is_current()
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.archive.in_memory()
    }
}
