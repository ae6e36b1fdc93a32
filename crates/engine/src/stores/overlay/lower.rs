//! An object that is seen through an overlay.

use bytes::Bytes;
use std::sync::Arc;

use super::Overlay;
use crate::store::{Later, Object, Result, Version, Way};

/// An object of the lower store: another one may come to lie over it.
pub(super) struct Lower {
    pub overlay: Overlay,
    pub inner: Arc<dyn Object>,
    pub key: String,
}

#[deny(clippy::missing_trait_methods)]
impl Object for Lower {
    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }

    fn version(&self) -> Version {
        self.inner.version()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, into)
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        self.inner.append_at(offset, bytes, into)
    }

    fn read_with(&self, offset: u64, bytes: u64, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.inner.read_with(offset, bytes, each)
    }

    fn read_later(&self, offset: u64, bytes: u64, then: Later<Bytes>) -> Option<Way> {
        self.inner.read_later(offset, bytes, then)
    }

    fn is_current(&self) -> bool {
        !self.overlay.is_deleted(&self.key)
            && matches!(self.overlay.0.upper.size(&self.key), Ok(None))
            && self.inner.is_current()
    }

    #[cfg(unix)]
    fn as_file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.inner.as_file()
    }

    fn may_be_held(&self) -> bool {
        self.inner.may_be_held()
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.inner.in_memory()
    }
}
