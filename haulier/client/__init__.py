"""The Python way to a stack: put files, submit objects, wait, read results, mend what failed.

    client = connect("dev")
    job = client.put(Path("flights.csv"), "incoming/flights.csv")
    view = client.wait(job)
    paths = client.download(job, Path("out"))

Read in this order: `errors`, `connection` (where a stack is; the only module that makes calls by itself), `jobs` (find,
list, look), `progress`, `waiting`, `uploads`, `expressions` (patterns and SQL of a dataset), `datasets`, `requests`
(submit, retry, cancel), `batches`, `inference` (a file's schema), `results`, `redrive` (what becomes of a letter) and
`selection` (which letters are meant), both pure, `moving` (SQS's own move task), `deadletters`, `logs`, `reports` (of
each day), `client` (all of it as one object).
"""

from haulier.client.client import Client, connect
from haulier.client.connection import Connection
from haulier.client.errors import (
    Ambiguous,
    BadAddress,
    Damaged,
    HaulierError,
    NotConfigured,
    NotFound,
    Refused,
    TimedOut,
)
from haulier.client.jobs import JobView
from haulier.client.waiting import Patience

__all__ = [
    "Ambiguous",
    "BadAddress",
    "Client",
    "Connection",
    "Damaged",
    "HaulierError",
    "JobView",
    "NotConfigured",
    "NotFound",
    "Patience",
    "Refused",
    "TimedOut",
    "connect",
]
