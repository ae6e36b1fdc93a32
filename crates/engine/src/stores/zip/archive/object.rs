//! An object of an archive, as it was when it was opened.

use std::sync::Arc;

use super::state::{Held, Value};
use super::{Archive, scratch};
use crate::store::{Error, Object, Result, Version};
use crate::stores::memory::{check_within, slice_of};

/// An object that is held open.
pub(super) struct Open {
    pub archive: Archive,
    pub key: String,
    pub held: Opened,
}

pub(super) enum Opened {
    Held(Held),
    Base(Arc<dyn Object>),
}

impl Object for Open {
    fn bytes(&self) -> u64 {
        match &self.held {
            Opened::Held(held) => held.bytes(),
            Opened::Base(object) => object.bytes(),
        }
    }

    fn version(&self) -> Version {
        match &self.held {
            Opened::Held(held) => Version::counter(held.version),
            Opened::Base(object) => object.version(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        match &self.held {
            Opened::Base(object) => object.read_at(offset, into),
            Opened::Held(held) => {
                check_within(&self.key, offset, into.len() as u64, held.bytes())?;
                match &held.value {
                    Value::Memory(bytes) => {
                        into.copy_from_slice(slice_of(bytes, &self.key, offset, into.len() as u64)?);
                        Ok(())
                    }
                    Value::Scratch { file, begin, .. } => scratch::read_at(&file.file, into, begin + offset)
                        .map_err(|cause| Error::from_io(&*self.key, &cause)),
                }
            }
        }
    }

    fn append_at(&self, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        match &self.held {
            Opened::Held(held) => held.append(&self.key, offset, bytes, into),
            Opened::Base(object) => object.append_at(offset, bytes, into),
        }
    }

    fn is_current(&self) -> bool {
        let state = self.archive.0.state.read();
        !state.closed && state.version(&self.key) == Some(self.version())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        match &self.held {
            Opened::Held(Held {
                value: Value::Memory(bytes),
                ..
            }) => Some(bytes),
            Opened::Held(_) => None,
            Opened::Base(object) => object.in_memory(),
        }
    }
}
