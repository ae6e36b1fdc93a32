//! How a directory is used, and which one is meant.

use std::path::{Path, PathBuf};

/// How a directory is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalOptions {
    /// Refuses puts and deletes.
    pub read_only: bool,
    /// Waits until each object, and the directory that names it, are on the disk.
    pub fsync: bool,
    /// Follows symbolic links below the root. Otherwise a key that one lies on is refused, and listings leave links out.
    pub follow_symlinks: bool,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            fsync: false,
            follow_symlinks: true,
        }
    }
}

/// The path without links, as far as it exists: the store stays with the directory that was meant when it was opened.
pub(super) fn canonical(absolute: &Path) -> PathBuf {
    for ancestor in absolute.ancestors() {
        if let (Ok(found), Ok(rest)) = (ancestor.canonicalize(), absolute.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() {
                found
            } else {
                found.join(rest)
            };
        }
    }
    absolute.to_owned()
}
