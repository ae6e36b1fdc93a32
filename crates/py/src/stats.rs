//! What the engine counts, in one crossing.

use pyo3::prelude::*;
use std::collections::BTreeMap;
use zarrite_engine::runtime::runtime;
use zarrite_engine::stores::remote::counted::REQUESTS;

/// Counts by their names.
type Section = BTreeMap<&'static str, u64>;

/// What the engine counts, by section; `reset` begins the counts anew once they were read.
#[pyfunction]
#[pyo3(signature = (reset=false))]
pub fn stats(py: Python<'_>, reset: bool) -> BTreeMap<&'static str, Section> {
    py.detach(|| {
        let runtime = runtime();
        let decoded = runtime.decoded.counts();
        let shards = runtime.handles.counts();
        let sections = [
            (
                "decoded_chunks",
                Section::from([
                    ("count", decoded.count),
                    ("bytes", decoded.bytes),
                    ("budget_bytes", decoded.budget_bytes),
                    ("hits", decoded.hits),
                    ("misses", decoded.misses),
                    ("evictions", decoded.evictions),
                ]),
            ),
            (
                "shard_indexes",
                Section::from([
                    ("count", shards.count),
                    ("bytes", shards.bytes),
                    ("budget_bytes", shards.budget_bytes),
                    ("hits", shards.hits),
                    ("misses", shards.misses),
                    ("evictions", shards.evictions),
                ]),
            ),
            (
                "requests",
                REQUESTS.counts(reset).into_iter().collect(),
            ),
            (
                "memory",
                Section::from([
                    ("recycled_bytes", runtime.blocks.kept_bytes() as u64),
                    ("most_bytes_in_flight", runtime.budget.most() as u64),
                    ("budget_bytes", runtime.budget.total() as u64),
                ]),
            ),
        ];
        if reset {
            runtime.decoded.reset_counts();
            runtime.handles.reset_counts();
        }
        sections.into_iter().collect()
    })
}
