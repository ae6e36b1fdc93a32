//! An object of a server, held by its version: every later read is of that version or fails.

use bytes::Bytes;
use std::sync::Arc;

use super::{Fetched, Remote};
use crate::store::{Error, Later, Object, Range, Result, Version, Way, read_at_once};

/// The object, and the part that came when it was opened.
pub struct RemoteObject {
    store: Remote,
    key: Arc<str>,
    bytes: u64,
    tag: Option<String>,
    version: Version,
    start: u64,
    part: Bytes,
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

    /// Whether these bytes came when it was opened.
    fn has(&self, offset: u64, bytes: u64) -> bool {
        offset >= self.start && offset.saturating_add(bytes) <= self.start + self.part.len() as u64
    }
}

/// What came, when it is all that was asked for.
fn whole(key: &Arc<str>, found: Option<Fetched>, bytes: u64, end: u64) -> Result<Bytes> {
    let found = found.ok_or_else(|| Error::Changed { key: key.to_string() })?;
    if found.bytes.len() as u64 != bytes {
        return Err(Error::corrupt(
            &**key,
            format!(
                "the object ends at byte {}, and bytes up to {end} are wanted",
                found.object_bytes
            ),
        ));
    }
    Ok(found.bytes)
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
        if self.has(offset, bytes) {
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
            .fetch(&self.key, Range::FromTo(offset, end), self.tag.as_deref())?;
        each(&whole(&self.key, found, bytes, end)?);
        Ok(())
    }

    fn read_later(&self, offset: u64, bytes: u64, then: Later<Bytes>) -> Option<Way> {
        if bytes == 0 || self.has(offset, bytes) {
            return read_at_once(self, offset, bytes, then);
        }
        let (key, end) = (Arc::clone(&self.key), offset.saturating_add(bytes));
        let range = Range::FromTo(offset, end);
        self.store
            .fetch_later(&self.key, range, self.tag.as_deref(), move |found| {
                then(found.and_then(|found| whole(&key, found, bytes, end)));
            })
    }

    fn is_current(&self) -> bool {
        // Whether it is, the next read finds out: it asks for this version.
        true
    }
}
