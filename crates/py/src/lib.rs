//! The Python face of the engine: conversions and nothing else.
#![allow(missing_docs)]
// PyO3's signatures: owned arguments and results that may fail are its way of asking.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::missing_errors_doc
)]

mod archive;
mod buffer;
mod cached;
mod cells;
mod door;
mod error;
mod foreign;
mod hooks;
mod key;
mod layers;
mod listing;
mod looking;
mod places;
mod program;
mod pystore;
mod references;
mod stats;
mod store;
mod strings;
mod text;
mod values;
mod writers;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::cell::Cell;
use zarrite_engine::{exclude, gate, runtime};

thread_local! {
    static FORKING: Cell<bool> = const { Cell::new(false) };
}

/// Called before a fork: waits until no request is under way.
#[pyfunction]
fn _before_fork(py: Python<'_>) {
    FORKING.set(py.detach(gate::close));
}

/// Called after a fork, in the parent.
#[pyfunction]
fn _after_fork_in_parent() {
    if FORKING.replace(false) {
        gate::open();
    }
}

/// Called after a fork, in the child.
#[pyfunction]
fn _after_fork_in_child() {
    FORKING.set(false);
    gate::open_in_child();
}

/// Sets what is given and returns what holds.
#[pyfunction]
#[pyo3(signature = (*, threads=None, memory_bytes=None, recycle_bytes=None))]
fn configure(
    threads: Option<usize>,
    memory_bytes: Option<usize>,
    recycle_bytes: Option<usize>,
) -> std::collections::BTreeMap<&'static str, usize> {
    let runtime = runtime::runtime();
    if let Some(threads) = threads {
        runtime.set_threads(threads);
    }
    if let Some(bytes) = memory_bytes {
        runtime.budget.set_total(bytes);
    }
    if let Some(bytes) = recycle_bytes {
        runtime.blocks.set_most(bytes);
    }
    let holds = [
        ("threads", runtime.threads()),
        ("memory_bytes", runtime.budget.total()),
        ("recycle_bytes", runtime.blocks.most()),
    ];
    holds.into_iter().collect()
}

/// What becomes of partial writes that nothing protects: "warn", "refuse" or "allow".
#[pyfunction(name = "unsafe_writes")]
fn set_partial_writes(policy: &str) {
    exclude::set_policy(match policy {
        "allow" => exclude::Unsafe::Allow,
        "refuse" => exclude::Unsafe::Refuse,
        _ => exclude::Unsafe::Warn,
    });
}

/// Sets what the caches keep: decoded chunks in bytes (`None`: as much as the engine thinks good), and how long what a network told is
/// not asked again.
#[pyfunction]
fn configure_caches(decoded_bytes: Option<usize>, fresh_s: f64) -> PyResult<()> {
    let fresh = std::time::Duration::try_from_secs_f64(fresh_s)
        .map_err(|why| pyo3::exceptions::PyValueError::new_err(format!("{fresh_s} seconds: {why}")))?;
    let decoded = &runtime::runtime().decoded;
    decoded.set_fresh(fresh);
    decoded.set_budget_bytes(decoded_bytes);
    Ok(())
}

#[pymodule(gil_used = false)]
fn _engine(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("DEBUG", cfg!(debug_assertions))?;
    let built_in = [
        "transpose",
        "bytes",
        "sharding_indexed",
        "n5_default",
        "optional",
        "python",
        "reshape",
        "zarrs.squeeze",
    ];
    let names: Vec<&str> = zarrite_core::codecs::NAMES.iter().copied().chain(built_in).collect();
    module.add("CODECS", PyTuple::new(py, names)?)?;
    module.add_class::<cells::Cells>()?;
    module.add_class::<door::Pending>()?;
    module.add_class::<listing::Listing>()?;
    module.add_class::<program::Program>()?;
    module.add_class::<store::Store>()?;
    module.add_class::<writers::Version>()?;
    module.add_class::<writers::Held>()?;
    module.add_class::<writers::Claim>()?;
    module.add_class::<layers::Stage>()?;
    module.add_function(wrap_pyfunction!(writers::pause, module)?)?;
    module.add_function(wrap_pyfunction!(set_partial_writes, module)?)?;
    module.add_function(wrap_pyfunction!(places::memory_store, module)?)?;
    module.add_function(wrap_pyfunction!(places::local_store, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_store, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_file, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_over, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_archive, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_changed, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zip_state, module)?)?;
    module.add_function(wrap_pyfunction!(archive::zips_changed, module)?)?;
    module.add_function(wrap_pyfunction!(archive::close, module)?)?;
    module.add_function(wrap_pyfunction!(places::remote_store, module)?)?;
    module.add_function(wrap_pyfunction!(places::python_store, module)?)?;
    module.add_function(wrap_pyfunction!(references::references_store, module)?)?;
    module.add_function(wrap_pyfunction!(layers::recorded_store, module)?)?;
    module.add_function(wrap_pyfunction!(cached::cached_store, module)?)?;
    module.add_function(wrap_pyfunction!(layers::recorded, module)?)?;
    module.add_function(wrap_pyfunction!(layers::overlay_store, module)?)?;
    module.add_function(wrap_pyfunction!(places::living_memory_store, module)?)?;
    module.add_function(wrap_pyfunction!(looking::get_parts, module)?)?;
    module.add_function(wrap_pyfunction!(looking::unpacked, module)?)?;
    module.add_function(wrap_pyfunction!(configure, module)?)?;
    module.add_function(wrap_pyfunction!(configure_caches, module)?)?;
    module.add_function(wrap_pyfunction!(stats::stats, module)?)?;
    let hooks = pyo3::types::PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(_before_fork, module)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(_after_fork_in_parent, module)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(_after_fork_in_child, module)?)?;
    let os = py.import("os")?;
    if let Some(register) = os.getattr_opt("register_at_fork")? {
        register.call((), Some(&hooks))?;
    }
    Ok(())
}
