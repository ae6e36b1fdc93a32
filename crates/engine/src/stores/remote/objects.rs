//! An object of a server, held by its version: every later read is of that version or fails.

use std::sync::Arc;

use super::{Fetched, Remote};
use crate::store::{Error, Object, Range, Result, Version};

/// The object, and the part that came when it was opened.
pub struct RemoteObject {
    store: Remote,
    key: Arc<str>,
    bytes: u64,
    tag: Option<String>,
    version: Version,
    start: u64,
    part: bytes::Bytes,
}

impl RemoteObject {
    pub fn new(store: Remote, key: &str, fetched: Fetched) -> Self {
        let version = fetched.version.unwrap_or_else(|| Version::tag(""));
        Self {
            store,
            key: key.into(),
            bytes: fetched.object_bytes,
            tag: fetched.tag,
            version,
            start: fetched.start,
            part: fetched.bytes,
        }
    }
}

impl Object for RemoteObject {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn version(&self) -> Version {
        self.version.clone()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.read_with(offset, into.len() as u64, &mut |bytes| into.copy_from_slice(bytes))
    }

    fn read_with(&self, offset: u64, bytes: u64, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let end = offset.saturating_add(bytes);
        if offset >= self.start && end <= self.start + self.part.len() as u64 {
            let from = (offset - self.start) as usize;
            each(&self.part[from..from + bytes as usize]);
            return Ok(());
        }
        if bytes == 0 {
            each(&[]);
            return Ok(());
        }
        let found = self
            .store
            .fetch(&self.key, Range::FromTo(offset, end), self.tag.as_deref())?
            .ok_or_else(|| Error::Changed {
                key: self.key.to_string(),
            })?;
        if found.bytes.len() as u64 != bytes {
            return Err(Error::corrupt(
                &*self.key,
                format!(
                    "the object ends at byte {}, and bytes up to {end} are wanted",
                    found.object_bytes
                ),
            ));
        }
        each(&found.bytes);
        Ok(())
    }

    fn is_current(&self) -> bool {
        // Whether it is, the next read finds out: it asks for this version.
        true
    }
}
