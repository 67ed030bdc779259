"""The usual serverless ETL, frozen: the yardstick. Never make it better; a number from it must mean the same next year.

The whole object is read, decoded, looped over with `csv.DictReader` (or `json`), dumped with an indent and put.
"""

import csv
import io
import json
from typing import Any


def csv_to_json(s3: Any, bucket: str, key: str, output_bucket: str, output_key: str, delimiter: str = ",") -> int:
    """Returns the number of rows."""
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    s3.put_object(Bucket=output_bucket, Key=output_key, Body=json.dumps(rows, indent=2))
    return len(rows)


def json_lines_to_json(s3: Any, bucket: str, key: str, output_bucket: str, output_key: str) -> int:
    """Returns the number of rows; a line that is broken is left out."""
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    rows = []
    for line in text.splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    s3.put_object(Bucket=output_bucket, Key=output_key, Body=json.dumps(rows, indent=2))
    return len(rows)


def json_array_to_json(s3: Any, bucket: str, key: str, output_bucket: str, output_key: str) -> int:
    """Returns the number of rows."""
    rows = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8"))
    s3.put_object(Bucket=output_bucket, Key=output_key, Body=json.dumps(rows, indent=2))
    return len(rows)
