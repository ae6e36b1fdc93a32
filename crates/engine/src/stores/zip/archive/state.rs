//! What was put into an archive and is not written yet, and what a key leads to meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scratch::{self, Scratch};
use crate::store::{Error, Result, Version};
use crate::stores::keys::{all_below, reserve};
use crate::stores::memory::{check_within, slice_of};
use crate::stores::zip::Zip;

#[derive(Default)]
pub(super) struct State {
    /// The archive as it was when it was opened.
    pub base: Option<Zip>,
    /// What was put since; `None` for what was deleted.
    pub changed: BTreeMap<String, Option<Held>>,
    pub scratch: Option<Arc<Scratch>>,
    /// Bytes of the scratch file, those included that are being written.
    pub end: u64,
    pub memory_bytes: usize,
    pub closed: bool,
}

/// An object that was put.
#[derive(Clone)]
pub(super) struct Held {
    pub value: Value,
    pub crc: u32,
    pub version: u64,
}

#[derive(Clone)]
pub(super) enum Value {
    Memory(Arc<[u8]>),
    /// In the scratch file, behind a header.
    Scratch {
        file: Arc<Scratch>,
        header: u64,
        begin: u64,
        bytes: u64,
    },
}

impl Held {
    pub fn bytes(&self) -> u64 {
        match &self.value {
            Value::Memory(bytes) => bytes.len() as u64,
            Value::Scratch { bytes, .. } => *bytes,
        }
    }

    fn memory_bytes(&self) -> usize {
        match &self.value {
            Value::Memory(bytes) => bytes.len(),
            Value::Scratch { .. } => 0,
        }
    }

    pub fn append(&self, key: &str, offset: u64, bytes: u64, into: &mut Vec<u8>) -> Result<()> {
        match &self.value {
            Value::Memory(held) => {
                let found = slice_of(held, key, offset, bytes)?;
                reserve(key, bytes, into)?;
                into.extend_from_slice(found);
                Ok(())
            }
            Value::Scratch {
                file,
                begin,
                bytes: held,
                ..
            } => {
                check_within(key, offset, bytes, *held)?;
                let before = into.len();
                reserve(key, bytes, into)?;
                into.resize(before + bytes as usize, 0);
                scratch::read_at(&file.file, &mut into[before..], begin + offset)
                    .map_err(|cause| Error::from_io(key, &cause))
                    .inspect_err(|_| into.truncate(before))
            }
        }
    }
}

/// What a key leads to.
pub(super) enum Slot {
    Held(Held),
    Base(Zip),
}

impl State {
    pub fn slot(&self, key: &str) -> Option<Slot> {
        match self.changed.get(key) {
            Some(held) => held.clone().map(Slot::Held),
            None => self.in_base(key).then(|| self.base.clone().map(Slot::Base)).flatten(),
        }
    }

    fn in_base(&self, key: &str) -> bool {
        self.base.as_ref().is_some_and(|base| base.0.entries.contains_key(key))
    }

    pub fn version(&self, key: &str) -> Option<Version> {
        match self.slot(key)? {
            Slot::Held(held) => Some(Version::counter(held.version)),
            Slot::Base(base) => Some(base.0.archive.version()),
        }
    }

    pub fn set(&mut self, key: &str, held: Option<Held>) {
        self.memory_bytes += held.as_ref().map_or(0, Held::memory_bytes);
        let replaced = if held.is_some() || self.in_base(key) {
            self.changed.insert(key.to_owned(), held)
        } else {
            self.changed.remove(key)
        };
        self.memory_bytes -= replaced.flatten().as_ref().map_or(0, Held::memory_bytes);
    }

    /// The objects below a checked prefix and their bytes, in the order of the keys.
    pub fn live(&self, prefix: &str) -> BTreeMap<String, u64> {
        let changed = all_below(&self.changed, prefix);
        let mut found: BTreeMap<String, u64> = changed
            .filter_map(|(key, held)| Some((key.clone(), held.as_ref()?.bytes())))
            .collect();
        if let Some(base) = &self.base {
            let kept = all_below(&base.0.entries, prefix).filter(|(key, _)| !self.changed.contains_key(*key));
            found.extend(kept.map(|(key, entry)| (key.clone(), entry.bytes)));
        }
        found
    }
}
