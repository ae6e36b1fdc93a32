//! A file held open, by the standard library.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::sync::Mutex;

use super::version;
use crate::store::{Error, Object, Result, Version};
use crate::stores::keys::reserve;
use crate::stores::memory::check_within;

/// A file held open. Reads of several threads wait for one another: the place to read at belongs to the file.
pub(super) struct Open {
    key: String,
    path: PathBuf,
    bytes: u64,
    version: Version,
    file: Mutex<File>,
}

impl Open {
    pub(super) fn new(key: &str, path: PathBuf, file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        let (bytes, version) = (found.len(), version(&found));
        Ok(Self {
            key: key.to_owned(),
            path,
            bytes,
            version,
            file: Mutex::new(file),
        })
    }
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn version(&self) -> Version {
        self.version.clone()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        check_within(&self.key, offset, into.len() as u64, self.bytes)?;
        let mut file = self.file.lock();
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(into));
        read.map_err(|cause| match cause.kind() {
            ErrorKind::UnexpectedEof => Error::corrupt(&*self.key, "the object was shortened while it was open"),
            _ => Error::from_io(&*self.key, &cause),
        })
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        check_within(&self.key, offset, bytes, self.bytes)?;
        reserve(&self.key, bytes, into)?;
        let before = into.len();
        into.resize(before + bytes as usize, 0);
        self.read_at(offset, &mut into[before..])
            .inspect_err(|_| into.truncate(before))
    }

    fn is_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| version(&found) == self.version)
    }
}
