//! What the engine counts, in one crossing.

use pyo3::prelude::*;
use std::collections::BTreeMap;
use zarrite_engine::decoded::Counts;
use zarrite_engine::runtime::runtime;
use zarrite_engine::stores::cached::shelf::SUMS;
use zarrite_engine::stores::remote::counted::REQUESTS;

/// Counts by their names.
type Section = BTreeMap<&'static str, u64>;

fn section(counts: Counts) -> Section {
    Section::from([
        ("count", counts.count),
        ("bytes", counts.bytes),
        ("budget_bytes", counts.budget_bytes),
        ("hits", counts.hits),
        ("misses", counts.misses),
        ("evictions", counts.evictions),
    ])
}

/// What the engine counts, by section; `reset` begins the counts anew once they were read.
#[pyfunction]
#[pyo3(signature = (reset=false))]
pub fn stats(py: Python<'_>, reset: bool) -> BTreeMap<&'static str, Section> {
    py.detach(|| {
        let runtime = runtime();
        let sections = [
            ("decoded_chunks", section(runtime.decoded.counts())),
            ("shard_indexes", section(runtime.handles.counts())),
            ("stored_bytes", section(SUMS.counts(reset))),
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
