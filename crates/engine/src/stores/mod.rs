//! The places objects are kept in, and the layers around them. One file each.

pub mod error;
pub mod keys;
#[cfg(unix)]
pub mod local;
pub mod memory;
pub mod prefix;
pub mod read_only;
pub mod record;
pub mod zip;

#[cfg(test)]
mod contract;

pub use local::{Local, LocalOptions};
pub use memory::Memory;
pub use prefix::Prefix;
pub use read_only::ReadOnly;
pub use record::{Call, Record};
pub use zip::Zip;
