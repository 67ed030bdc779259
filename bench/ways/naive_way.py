"""The naive way over the endpoint, with boto3 as it comes."""

import boto3

from bench import naive
from bench.endpoint import INPUT
from bench.job import Answer, Job
from bench.ways.stopwatch import Stopwatch


def run(job: Job) -> Answer:
    s3 = boto3.client("s3", endpoint_url=job.url)
    key = job.recipe.key
    with Stopwatch() as watch:
        if key.endswith(".jsonl"):
            rows = naive.json_lines_to_json(s3, INPUT, key, job.bucket, "naive.json")
        elif key.endswith(".json"):
            rows = naive.json_array_to_json(s3, INPUT, key, job.bucket, "naive.json")
        else:
            rows = naive.csv_to_json(s3, INPUT, key, job.bucket, "naive.json", job.recipe.delimiter)
    return Answer(watch.seconds, watch.cpu_seconds, rows)
