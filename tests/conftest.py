"""What every test has: hypothesis without deadlines, since machines are shared and no test may judge by the clock.

With CI set the examples are the same at every run, so that a change is judged by the change; elsewhere they are new
ones each time, and what they find becomes a test of its own.
"""

import os

from hypothesis import settings

settings.register_profile("haulier", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "haulier")
