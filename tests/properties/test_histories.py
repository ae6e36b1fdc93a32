"""Any history of reads and writes gives what NumPy gives, in memory and in the store."""

from __future__ import annotations

from hypothesis import given, strategies as st

import strategies
from properties.histories import History
from properties.profile import share

STEPS = ("write", "write", "write", "read", "read", "read", "fields", "resize", "append", "reopen")


@share(0.75)
@given(st.data())
def test_any_history_of_reads_and_writes_is_numpys(data: st.DataObject) -> None:
    made = data.draw(strategies.arrays())
    place = data.draw(st.sampled_from(("memory", "memory", "local", "mapping")))
    history = History(made, place)
    try:
        for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=8)):
            getattr(history, step)(data.draw)
        history.check(data.draw)
    finally:
        history.close()
