//! The places objects are kept in, and the layers around them. One file each.

pub mod cached;
pub mod error;
pub mod keys;
#[cfg(unix)]
pub mod local;
pub mod memory;
pub mod options;
pub mod overlay;
#[cfg(any(not(unix), test))]
pub mod portable;
pub mod prefix;
pub mod read_only;
pub mod record;
pub mod references;
pub mod remote;
pub mod staged;
pub mod urls;
pub mod version;
pub mod zip;

#[cfg(test)]
mod contract;

pub use cached::{Cached, Check};
#[cfg(unix)]
pub use local::Local;
pub use memory::Memory;
pub use options::LocalOptions;
pub use overlay::Overlay;
#[cfg(not(unix))]
pub use portable::Local;
pub use prefix::Prefix;
pub use read_only::ReadOnly;
pub use record::{Call, Record};
pub use references::References;
pub use remote::Remote;
pub use staged::Staged;
pub use zip::{Archive, Zip};
