"""What the system gives a process is not all ours: file descriptors, memory for threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the limits are POSIX's")

FILES = """
import resource, sys
import numpy as np, zarrite
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
array = zarrite.create_array(sys.argv[1], shape=(3000,), chunks=(1,), shards=(10,), dtype="i4")
array[...] = np.arange(3000)
for number in range(0, 3000, 10):
    assert array[number] == number
assert (array[...] == np.arange(3000)).all()
others = [open("/dev/null") for _ in range(20)]
small = [zarrite.create_array(f"{sys.argv[1]}/../{number}", shape=4, dtype="i4", chunks=2) for number in range(100)]
for one in small:
    one[...] = 5
    assert (one[...] == 5).all()
print("fine")
"""


def test_shards_held_open_leave_file_descriptors_to_others(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILES, str(tmp_path / "a")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "fine\n", done.stderr[-1500:]


THREADS = """
import resource, sys
import numpy as np, zarrite
array = zarrite.create_array(None, shape=(400, 1000), chunks=(10, 1000), dtype="f8")
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
array[...] = 1
assert (array[...] == 1).all()
print("fine")
"""


def test_without_another_thread_the_caller_does_the_work() -> None:
    if os.geteuid() == 0:
        pytest.skip("root may start as many threads as it likes")
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "fine\n", done.stderr[-1500:]


STACK = """
import threading
import numpy as np, zarrite
from zarrite import codecs
threading.stack_size(256 * 1024)
chain = [codecs.BytesCodec(), codecs.ZstdCodec()]
edge = 2
for _ in range(6):
    chain = [codecs.ShardingCodec((edge,), chain, [codecs.BytesCodec()])]
    edge *= 2
failures = []
def work():
    try:
        layout = {"shape": (1000,), "chunks": (edge,), "dtype": "i4"}
        array = zarrite.create_array(None, **layout, serializer=chain[0], compressors=None)
        array[...] = np.arange(1000)
        array[7] = 7
        assert (array[...] == np.arange(1000)).all()
    except BaseException as error:
        failures.append(error)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failures or "fine")
"""


def test_threads_with_small_stacks_can_read_and_write() -> None:
    done = subprocess.run([sys.executable, "-c", STACK], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "fine\n", done.stderr[-1500:]
