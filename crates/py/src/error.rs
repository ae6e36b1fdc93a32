//! Rust's failures as Python's: one table.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use zarrite_engine::error::Place;
use zarrite_engine::{Error, store};

/// A class in `zarrite.errors`, its arguments by name, and the system's number for the cause.
type Described = (&'static str, Vec<(&'static str, Option<String>)>, Option<i32>);

/// How a failure is told.
fn class(error: &Error) -> Described {
    let text = |value: &dyn std::fmt::Display| Some(value.to_string());
    match error {
        Error::Decode { place, why } => ("ChunkDecodeError", chunk(place, Some(why)), None),
        Error::Encode { place, why } => ("ChunkEncodeError", chunk(place, Some(why)), None),
        Error::Missing { place } => ("ChunkNotFoundError", chunk(place, None), None),
        Error::Request(zarrite_core::Error::TooLarge(why)) => ("LimitError", vec![("why", text(why))], None),
        Error::Request(why) => ("ProgramError", vec![("why", text(why))], None),
        Error::Stopped => ("StoreError", vec![("key", text(&"")), ("why", text(error))], None),
        Error::Defect(_) => ("ProgramError", vec![("why", text(error))], None),
        Error::Store { store, why } => in_store(store, why),
    }
}

/// What an error of a chunk is told with.
fn chunk(place: &Place, why: Option<&zarrite_core::Error>) -> Vec<(&'static str, Option<String>)> {
    let mut fields = vec![
        ("array", Some(place.array.clone())),
        ("key", Some(place.key.clone())),
        ("url", Some(place.store.clone())),
    ];
    if let Some(why) = why {
        fields.push(("why", Some(why.to_string())));
    }
    fields
}

/// How a failure of a store is told.
fn in_store(url: &str, error: &store::Error) -> Described {
    let text = |value: &dyn std::fmt::Display| Some(value.to_string());
    let told = |class, key, why: &dyn std::fmt::Display, errno| {
        (
            class,
            vec![("key", text(key)), ("why", text(why)), ("url", text(&url))],
            errno,
        )
    };
    match error {
        store::Error::ReadOnly { url } => ("ReadOnlyError", vec![("url", text(url))], None),
        store::Error::KeyRefused { key, why } => {
            ("KeyRefusedError", vec![("key", text(key)), ("why", text(why))], None)
        }
        store::Error::NotFound { url } => told("StoreNotFoundError", url, &"there is no such store", Some(2)),
        store::Error::Permission { key, errno, why } => told("StorePermissionError", key, why, errno.or(Some(13))),
        store::Error::Io { key, errno, why } => told("StoreError", key, why, *errno),
        store::Error::Corrupt { key, why } => told("StoreError", key, why, None),
        store::Error::Changed { key } => told(
            "StoreError",
            key,
            &"it was replaced again and again while it was read",
            None,
        ),
        store::Error::Unsafe { key, why } => told("UnsafeWriteError", key, why, None),
        store::Error::Closed { url } => told("StoreError", url, &"the store is closed", None),
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
