import subprocess
import sys

_HANGS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from worker.__main__ import leave

ThreadPoolExecutor(1).submit(threading.Event().wait)
print("said", end="")
leave(4)
"""


def test_the_process_ends_with_its_code_when_a_library_hangs_in_a_thread():
    ended = subprocess.run([sys.executable, "-c", _HANGS], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (4, "said")
