//! The archives that this process has open: who opens one that is open already shares it, with what was put since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::{Archive, COUNT, Inner, Layout};
use crate::store::{Error, Result};
use crate::stores::zip::Zip;
use crate::sync::{Mutex, RwLock};

/// The archives that are open in this process, and those with changes, which are kept until they were written.
pub(super) static OPEN: Mutex<BTreeMap<PathBuf, Weak<Inner>>> = Mutex::new(BTreeMap::new());
static CHANGED: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

impl Archive {
    /// The archive of a file, which need not exist yet: closing makes it once something was put.
    ///
    /// # Errors
    /// As [`Zip::new`], without [`Error::NotFound`].
    pub fn new(path: &Path, layout: Layout) -> Result<Self> {
        let path = settled(path)?;
        let mut open = OPEN.lock();
        if let Some(inner) = open.get(&path).and_then(Weak::upgrade)
            && inner.process == std::process::id()
            && inner.is_usable_for(&path)
        {
            return Ok(Self(inner));
        }
        let base = read_base(&path)?;
        let inner = Arc::new(Inner {
            url: format!("zip://{}", path.display()),
            identity: format!("zip:{}#open{}", path.display(), COUNT.fetch_add(1, Ordering::Relaxed)),
            path: path.clone(),
            layout,
            process: std::process::id(),
            state: RwLock::default(),
        });
        inner.state.write().base = base;
        open.retain(|_, inner| inner.strong_count() > 0);
        open.insert(path, Arc::downgrade(&inner));
        Ok(Self(inner))
    }

    /// The archive of a file that has changes which were not written yet.
    ///
    /// # Errors
    /// [`Error::Io`] when the working directory is gone.
    pub fn changed_at(path: &Path) -> Result<Option<Self>> {
        let path = settled(path)?;
        let process = std::process::id();
        let changed = CHANGED.lock();
        let found = changed
            .iter()
            .find(|inner| inner.path == path && inner.process == process);
        Ok(found.map(|inner| Self(Arc::clone(inner))))
    }

    /// The open archive that a store of this process leads to, by the store's identity.
    pub fn by_identity(identity: &str) -> Option<Self> {
        let open = OPEN.lock();
        let found = open.values().filter_map(Weak::upgrade).find(|inner| {
            identity
                .strip_prefix(&*inner.identity)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        found.map(Self)
    }

    /// Every archive of this process with changes that were not written yet.
    pub fn all_changed() -> Vec<Self> {
        let process = std::process::id();
        let changed = CHANGED.lock();
        let own = changed.iter().filter(|inner| inner.process == process);
        own.map(|inner| Self(Arc::clone(inner))).collect()
    }

    /// Puts the archive on the list of those with changes, or takes it off.
    pub(super) fn note(&self, is_changed: bool) {
        let mut changed = CHANGED.lock();
        changed.retain(|inner| !Arc::ptr_eq(inner, &self.0));
        if is_changed {
            changed.push(Arc::clone(&self.0));
        }
    }

    /// Takes the archive off both lists.
    pub(super) fn forget(&self) {
        self.note(false);
        let mut open = OPEN.lock();
        if open
            .get(&self.0.path)
            .is_some_and(|inner| inner.as_ptr() == Arc::as_ptr(&self.0))
        {
            open.remove(&self.0.path);
        }
    }
}

impl Inner {
    /// Whether who opens the path now may share this: it has changes, or is what lies there.
    fn is_usable_for(&self, path: &Path) -> bool {
        let state = self.state.read();
        !state.closed
            && (!state.changed.is_empty()
                || state
                    .base
                    .as_ref()
                    .map_or_else(|| is_absent(path), |base| base.0.archive.is_current()))
    }
}

/// The path as this process tells files apart: absolute, and that of the file a link leads to.
fn settled(path: &Path) -> Result<PathBuf> {
    let failed = |cause| Error::from_io(path.to_string_lossy(), &cause);
    let absolute = std::path::absolute(path).map_err(failed)?;
    if let Ok(found) = absolute.canonicalize() {
        return Ok(found);
    }
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Ok(absolute);
    };
    Ok(parent
        .canonicalize()
        .map_or_else(|_| absolute.clone(), |parent| parent.join(name)))
}

/// Whether there is nothing, or a file of no bytes: a place that somebody made for an archive.
fn is_absent(path: &Path) -> bool {
    path.metadata()
        .map_or(!path.exists(), |found| found.is_file() && found.len() == 0)
}

/// The archive that is there; `None` when there is none.
pub(super) fn read_base(path: &Path) -> Result<Option<Zip>> {
    if is_absent(path) {
        Ok(None)
    } else {
        Zip::new(path).map(Some)
    }
}
