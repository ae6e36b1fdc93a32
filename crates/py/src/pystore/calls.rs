//! The calls of a store's Python methods, one by one or for many keys, and what their answers mean.

use super::gather::Gather;
use super::object::Lent;
use crate::foreign::failed;
use pyo3::exceptions::{PyBaseException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use zarrite_engine::store::{Error, Range, Result};

/// Bytes of a key: from where, up to where (`None`: to the end; a negative start counts from there), and of which version.
pub type Question = (String, Option<i64>, Option<i64>, Option<String>);

/// A part of an object, the bytes of the whole, and its version where the store has such.
pub struct Part {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many the object has.
    pub object_bytes: u64,
    /// The store's word for this content.
    pub version: Option<String>,
}

/// The object and which methods it has beyond the four.
pub struct Calls {
    store: Py<PyAny>,
    gets: Gather<Question, Result<Option<Vec<u8>>>>,
    opens: Gather<Question, Result<Option<Part>>>,
    puts: Gather<(String, Vec<u8>), Result<()>>,
    has_get_many: bool,
    has_open_many: bool,
    has_put_many: bool,
}

/// A range as Python's two numbers.
pub fn bounds(range: Range) -> (Option<i64>, Option<i64>) {
    match range {
        Range::All => (None, None),
        Range::FromTo(start, stop) => (
            Some(i64::try_from(start).unwrap_or(i64::MAX)),
            i64::try_from(stop.max(start)).ok().filter(|&stop| stop < i64::MAX),
        ),
        Range::Last(0) => (Some(0), Some(0)),
        Range::Last(count) => (Some(-i64::try_from(count).unwrap_or(i64::MAX)), None),
    }
}

fn bytes_of(got: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    Ok(lent(got)?.map(|lent| lent.to_vec()))
}

fn lent(got: &Bound<'_, PyAny>) -> PyResult<Option<Lent>> {
    if got.is_none() {
        Ok(None)
    } else {
        Lent::new(got).map(Some)
    }
}

fn part_of(got: &Bound<'_, PyAny>) -> PyResult<Option<Part>> {
    if got.is_none() {
        return Ok(None);
    }
    let got = got.cast::<PyTuple>()?;
    Ok(Some(Part {
        bytes: bytes_of(&got.get_item(0)?)?.unwrap_or_default(),
        object_bytes: got.get_item(1)?.extract()?,
        version: got.get_item(2)?.extract()?,
    }))
}

fn got<'py>(store: &Bound<'py, PyAny>, key: &str, range: Range) -> PyResult<Bound<'py, PyAny>> {
    let (start, stop) = bounds(range);
    match range {
        Range::All => store.call_method1("get", (key,)),
        _ => store.call_method1("get", (key, start, stop)),
    }
}

/// One answer for each question; an exception among the answers is the failure of its question alone.
fn answers<A>(
    py: Python<'_>,
    called: PyResult<Bound<'_, PyAny>>,
    keys: &[&str],
    take: impl Fn(&Bound<'_, PyAny>) -> PyResult<A>,
) -> Vec<Result<A>> {
    let listed = called.and_then(|answers| {
        let answers = answers.cast_into::<PyList>()?;
        if answers.len() == keys.len() {
            return Ok(answers);
        }
        let why = format!("a store gave {} answers to {} questions", answers.len(), keys.len());
        Err(PyTypeError::new_err(why))
    });
    match listed {
        Ok(answers) => keys
            .iter()
            .zip(answers.iter())
            .map(|(key, answer)| {
                let taken = if answer.is_instance_of::<PyBaseException>() {
                    Err(PyErr::from_value(answer))
                } else {
                    take(&answer)
                };
                taken.map_err(|error| failed(key, error))
            })
            .collect(),
        Err(error) => keys.iter().map(|key| Err(failed(key, error.clone_ref(py)))).collect(),
    }
}

impl Calls {
    /// Looks which methods there are.
    pub fn new(store: Py<PyAny>, py: Python<'_>) -> PyResult<Self> {
        let has = |name| store.bind(py).hasattr(name);
        let (has_get_many, has_open_many, has_put_many) = (has("get_many")?, has("open_many")?, has("put_many")?);
        Ok(Self {
            gets: Gather::default(),
            opens: Gather::default(),
            puts: Gather::default(),
            has_get_many,
            has_open_many,
            has_put_many,
            store,
        })
    }

    /// Calls a method with Python's lock held.
    pub fn call<T>(&self, key: &str, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T> {
        Python::attach(|py| call(self.store.bind(py))).map_err(|error| failed(key, error))
    }

    /// Whether one crossing serves many gets.
    pub fn gathers(&self) -> bool {
        self.has_get_many
    }

    /// The bytes of one key.
    pub fn get(&self, key: &str, range: Range, version: Option<&str>) -> Result<Option<Vec<u8>>> {
        let (start, stop) = bounds(range);
        if self.has_get_many {
            let asked = vec![(key.to_owned(), start, stop, version.map(str::to_owned))];
            return self.get_many(asked).pop().unwrap_or(Ok(None));
        }
        self.call(key, |store| bytes_of(&got(store, key, range)?))
    }

    /// The bytes of one key where Python has them; the store has no `get_many`.
    pub fn lend(&self, key: &str, range: Range) -> Result<Option<Lent>> {
        self.call(key, |store| lent(&got(store, key, range)?))
    }

    /// The bytes of many keys in one crossing; the store has `get_many`.
    pub fn get_many(&self, questions: Vec<Question>) -> Vec<Result<Option<Vec<u8>>>> {
        self.gets.ask(questions, |py, all| {
            let keys: Vec<&str> = all.iter().map(|question| question.0.as_str()).collect();
            let asked = PyList::new(py, all);
            let called = asked.and_then(|asked| self.store.bind(py).call_method1("get_many", (asked,)));
            answers(py, called, &keys, bytes_of)
        })
    }

    /// A part of an object with the size of the whole. A store that cannot say that is asked for all of it.
    pub fn open(&self, key: &str, range: Range) -> Result<Option<Part>> {
        if !self.has_open_many {
            let whole = self.get(key, Range::All, None)?;
            return Ok(whole.map(|bytes| Part {
                object_bytes: bytes.len() as u64,
                bytes,
                version: None,
            }));
        }
        let (start, stop) = bounds(range);
        let asked = vec![(key.to_owned(), start, stop, None)];
        let mut answered = self.opens.ask(asked, |py, all| {
            let keys: Vec<&str> = all.iter().map(|question| question.0.as_str()).collect();
            let asked = PyList::new(py, all.iter().map(|(key, start, stop, _)| (key, start, stop)));
            let called = asked.and_then(|asked| self.store.bind(py).call_method1("open_many", (asked,)));
            answers(py, called, &keys, part_of)
        });
        answered.pop().unwrap_or(Ok(None))
    }

    /// Puts objects, in one crossing where the store can.
    pub fn put_many(&self, items: Vec<(String, Vec<u8>)>) -> Vec<Result<()>> {
        if !self.has_put_many {
            let put = |(key, value): &(String, Vec<u8>)| {
                self.call(key, |store| {
                    let value = PyBytes::new(store.py(), value);
                    store.call_method1("put", (key, value)).map(drop)
                })
            };
            return items.iter().map(put).collect();
        }
        self.puts.ask(items, |py, all| {
            let keys: Vec<&str> = all.iter().map(|(key, _)| key.as_str()).collect();
            let asked = PyList::new(py, all.iter().map(|(key, value)| (key, PyBytes::new(py, value))));
            let called = asked.and_then(|asked| self.store.bind(py).call_method1("put_many", (asked,)));
            answers(py, called, &keys, |_| Ok(()))
        })
    }
}

/// What a read of an object found missing or replaced since it was opened.
pub fn changed(key: &str) -> Error {
    Error::Changed { key: key.to_owned() }
}
