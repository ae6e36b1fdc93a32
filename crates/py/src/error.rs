//! Rust's failures as Python's: one table.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use zarrite_engine::{Error, store};

/// A class in `zarrite.errors`, its arguments by name, and the system's number for the cause.
type Described = (&'static str, Vec<(&'static str, Option<String>)>, Option<i32>);

/// How a failure is told.
fn class(error: &Error) -> Described {
    let text = |value: &dyn std::fmt::Display| Some(value.to_string());
    match error {
        Error::Decode { array, key, why } => (
            "ChunkDecodeError",
            vec![("array", text(array)), ("key", text(key)), ("why", text(why))],
            None,
        ),
        Error::Encode { array, key, why } => (
            "ChunkEncodeError",
            vec![("array", text(array)), ("key", text(key)), ("why", text(why))],
            None,
        ),
        Error::Missing { array, key } => (
            "ChunkNotFoundError",
            vec![("array", text(array)), ("key", text(key))],
            None,
        ),
        Error::Request(zarrite_core::Error::TooLarge(why)) => ("LimitError", vec![("why", text(why))], None),
        Error::Request(why) => ("ProgramError", vec![("why", text(why))], None),
        Error::Stopped => ("StoreError", vec![("key", text(&"")), ("why", text(error))], None),
        Error::Defect(_) => ("ProgramError", vec![("why", text(error))], None),
        Error::Store(error) => match error {
            store::Error::ReadOnly { url } => ("ReadOnlyError", vec![("url", text(url))], None),
            store::Error::KeyRefused { key, why } => {
                ("KeyRefusedError", vec![("key", text(key)), ("why", text(why))], None)
            }
            store::Error::NotFound { url } => (
                "StoreNotFoundError",
                vec![("key", text(url)), ("why", text(&"there is no such store"))],
                Some(2),
            ),
            store::Error::Permission { key, errno, why } => (
                "StorePermissionError",
                vec![("key", text(key)), ("why", text(why))],
                errno.or(Some(13)),
            ),
            store::Error::Io { key, errno, why } => {
                ("StoreError", vec![("key", text(key)), ("why", text(why))], *errno)
            }
            store::Error::Corrupt { key, why } => ("StoreError", vec![("key", text(key)), ("why", text(why))], None),
            store::Error::Closed { url } => (
                "StoreError",
                vec![("key", text(url)), ("why", text(&"the store is closed"))],
                None,
            ),
        },
    }
}

/// The exception for a failure. An exception that Python code raised inside the request comes back as itself.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    if let Some(error) = crate::foreign::take_raised(py, error) {
        return error;
    }
    let (name, fields, errno) = class(error);
    let made = (|| {
        let kwargs = PyDict::new(py);
        for (field, value) in fields {
            kwargs.set_item(field, value)?;
        }
        if errno.is_some() {
            kwargs.set_item("errno", errno)?;
        }
        py.import("zarrite.errors")?
            .getattr(name)?
            .call(PyTuple::empty(py), Some(&kwargs))
    })();
    match made {
        Ok(instance) => PyErr::from_value(instance),
        Err(error) => error,
    }
}
