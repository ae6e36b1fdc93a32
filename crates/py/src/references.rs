//! Hierarchies whose chunks lie in other objects, as a table in Python says.

use crate::foreign::failed;
use crate::store::Store;
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use zarrite_engine::stores::References;
use zarrite_engine::stores::references::{Reference, Table};

/// What the numbers of kinds mean.
const IN_OBJECT: u8 = 1;
const INLINE: u8 = 3;

/// A store whose chunks lie in objects of another, below a folder. `load` gives an array's columns, or `None`.
#[pyfunction]
pub fn references_store(rest: PyRef<'_, Store>, objects: PyRef<'_, Store>, folder: &str, load: Py<PyAny>) -> Store {
    let asked = move |array: &str| {
        let table = Python::attach(|py| -> PyResult<Option<_>> {
            let found = load.bind(py).call1((array,))?;
            if found.is_none() {
                return Ok(None);
            }
            columns(&found).map(Some)
        });
        match table.map_err(|error| failed(array, error))? {
            None => Ok(None),
            Some((ndim, chunks, references)) => Table::new(ndim, &chunks, references).map(Some),
        }
    };
    Store::of(References::new(rest.inner(), objects.inner(), folder, Box::new(asked)))
}

/// The rows of all batches: places, kinds, names, offsets, lengths and the bytes of those that are inline.
fn columns(batches: &Bound<'_, PyAny>) -> PyResult<(usize, Vec<u32>, Vec<Reference>)> {
    let (mut ndim, mut chunks, mut references) = (0, Vec::new(), Vec::new());
    for batch in batches.try_iter()? {
        let batch = batch?.cast_into::<PyTuple>()?;
        let places: PyReadonlyArray2<'_, u32> = batch.get_item(0)?.extract()?;
        let kinds: PyReadonlyArray1<'_, u8> = batch.get_item(1)?.extract()?;
        let names = batch.get_item(2)?.cast_into::<PyList>()?;
        let offsets: PyReadonlyArray1<'_, u64> = batch.get_item(3)?.extract()?;
        let lengths: PyReadonlyArray1<'_, u64> = batch.get_item(4)?.extract()?;
        let inline = batch.get_item(5)?.cast_into::<PyDict>()?;
        let (places, kinds) = (places.as_array(), kinds.as_array());
        let (offsets, lengths) = (offsets.as_array(), lengths.as_array());
        let rows = places.nrows();
        if [kinds.len(), names.len(), offsets.len(), lengths.len()]
            .iter()
            .any(|&n| n != rows)
        {
            return Err(PyValueError::new_err(
                "the columns of a table of chunks differ in length",
            ));
        }
        if rows == 0 {
            continue;
        }
        if references.is_empty() {
            ndim = places.ncols();
        } else if ndim != places.ncols() {
            return Err(PyValueError::new_err(
                "the chunks of one array have different numbers of axes",
            ));
        }
        chunks.extend(places.iter().copied());
        for row in 0..rows {
            references.push(match kinds[row] {
                IN_OBJECT => match <[u8; 20]>::try_from(names.get_item(row)?.extract::<&str>()?.as_bytes()) {
                    Ok(id) => Reference::Object {
                        id,
                        offset: offsets[row],
                        bytes: lengths[row],
                    },
                    Err(_) => Reference::Elsewhere,
                },
                INLINE => match inline.get_item(row)? {
                    Some(bytes) => Reference::Inline(bytes.cast::<PyBytes>()?.as_bytes().into()),
                    None => Reference::Elsewhere,
                },
                _ => Reference::Elsewhere,
            });
        }
    }
    Ok((ndim, chunks, references))
}
