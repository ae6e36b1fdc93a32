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
        if into.is_empty() {
            return Ok(());
        }
        let end = offset + into.len() as u64;
        if offset >= self.start && end <= self.start + self.part.len() as u64 {
            let from = (offset - self.start) as usize;
            into.copy_from_slice(&self.part[from..from + into.len()]);
            return Ok(());
        }
        let found = self
            .store
            .fetch(&self.key, Range::FromTo(offset, end), self.tag.as_deref())?
            .ok_or_else(|| Error::Changed {
                key: self.key.to_string(),
            })?;
        if found.bytes.len() != into.len() {
            return Err(Error::corrupt(
                &*self.key,
                format!(
                    "the object ends at byte {}, and bytes up to {end} are wanted",
                    found.object_bytes
                ),
            ));
        }
        into.copy_from_slice(&found.bytes);
        Ok(())
    }

    fn is_current(&self) -> bool {
        // Whether it is, the next read finds out: it asks for this version.
        true
    }
}
