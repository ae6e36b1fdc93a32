//! An object of an archive, held open.

use super::Zip;
use super::directory::Entry;
use crate::store::{Error, Object, Result, Version};
use crate::stores::keys::reserve;
use crate::stores::memory::{check_within, slice_of};

/// A read that begins so near to the header takes the header along.
const NEAR_BYTES: u64 = 64 << 10;

/// An object that is read where it lies, or was inflated whole.
pub(super) struct Open {
    pub key: String,
    pub held: Held,
}

pub(super) enum Held {
    Part { zip: Zip, bytes: u64 },
    Inflated { whole: Vec<u8>, version: Version },
}

impl Open {
    fn entry<'a>(&self, zip: &'a Zip) -> Result<&'a Entry> {
        let entry = zip.0.entries.get(&self.key);
        entry.ok_or_else(|| Error::corrupt(&*self.key, "it is not in the archive"))
    }

    /// Where the bytes begin. A read near the begin has the header in it where that is what tells.
    fn begin(&self, zip: &Zip, offset: u64, into: &mut [u8]) -> Result<Option<u64>> {
        let entry = self.entry(zip)?;
        if entry.begin_known().is_some() || offset > NEAR_BYTES {
            return zip.begin(&self.key, entry).map(Some);
        }
        let extra = entry.reach() - entry.header - entry.stored_bytes;
        let bytes = (extra + offset + into.len() as u64).min(entry.reach() - entry.header);
        let mut read = Vec::new();
        zip.0.archive.append_at(entry.header, bytes, &mut read)?;
        let begin = zip.begin_in(&self.key, entry, &read)?;
        let from = (begin - entry.header + offset) as usize;
        if let Some(found) = read.get(from..from + into.len()) {
            into.copy_from_slice(found);
            return Ok(None);
        }
        Ok(Some(begin))
    }
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        match &self.held {
            Held::Part { bytes, .. } => *bytes,
            Held::Inflated { whole, .. } => whole.len() as u64,
        }
    }

    fn version(&self) -> Version {
        match &self.held {
            Held::Part { zip, .. } => zip.0.archive.version(),
            Held::Inflated { version, .. } => version.clone(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        check_within(&self.key, offset, into.len() as u64, self.bytes())?;
        match &self.held {
            Held::Part { zip, .. } => match self.begin(zip, offset, into)? {
                Some(begin) => zip.0.archive.read_at(begin + offset, into),
                None => Ok(()),
            },
            Held::Inflated { whole, .. } => {
                into.copy_from_slice(slice_of(whole, &self.key, offset, into.len() as u64)?);
                Ok(())
            }
        }
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        check_within(&self.key, offset, bytes, self.bytes())?;
        match &self.held {
            Held::Part { zip, .. } => {
                let begin = zip.begin(&self.key, self.entry(zip)?)?;
                zip.0.archive.append_at(begin + offset, bytes, into)
            }
            Held::Inflated { whole, .. } => {
                reserve(&self.key, bytes, into)?;
                into.extend_from_slice(slice_of(whole, &self.key, offset, bytes)?);
                Ok(())
            }
        }
    }

    /// Always: the store is the archive as it was when it was opened.
    fn is_current(&self) -> bool {
        true
    }

    fn in_memory(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Part { zip, bytes } => {
                let begin = self.entry(zip).ok()?.begin_known()?;
                zip.0.archive.in_memory()?.get(begin as usize..(begin + bytes) as usize)
            }
            Held::Inflated { whole, .. } => Some(whole),
        }
    }
}
