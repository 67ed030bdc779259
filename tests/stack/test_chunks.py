"""A file cut into chunks anywhere gives exactly the rows of the sequential parse."""

import csv
import io
import json
import random

import pytest

from tests.stack.test_one_chunk import without_added

SIZES = [4096, 5003, 7919, 16384, 40000]


def hostile_csv(seed: int, rows: int) -> bytes:
    """Quoted newlines, quoted delimiters, doubled quotes, blank lines, CRLF and multi-byte characters, everywhere."""
    dice = random.Random(seed)
    words = [
        "alpha",
        "Zoë",
        "漢字",
        "a,b",
        'say ""x""',
        "line\nbreak",
        "line\r\nbreak",
        '\n"",\n',
        "",
        "1,2,3\n4,5,6\n7",
    ]
    out = ["id,text,tail"]
    for n in range(rows):
        text = "".join(dice.choice(words) for _ in range(dice.randint(0, 6)))
        quoted = f'"{text}"' if any(c in text for c in ',"\r\n') or dice.random() < 0.2 else text
        tail = dice.choice(["x", '5" pipe', ""])
        out.append(f"{n},{quoted},{tail}" + ("\r" if dice.random() < 0.3 else ""))
        if dice.random() < 0.05:
            out.append("")
    return ("\n".join(out) + "\n").encode()


def sequential(body: bytes) -> list[dict[str, str]]:
    rows = [row for row in csv.reader(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")) if row]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def dataset(name: str, chunk_bytes: int) -> str:
    return f"match: [{{prefix: incoming/{name}/}}]\nchunking: {{threshold_bytes: 4096, chunk_bytes: {chunk_bytes}}}\n"


@pytest.mark.parametrize("chunk_bytes", SIZES)
def test_a_csv_with_quoted_newlines_is_read_exactly_wherever_it_is_cut(stack, name, chunk_bytes):
    body = hostile_csv(seed=chunk_bytes, rows=4000)
    stack.put_dataset(name, dataset(name, chunk_bytes))
    job = stack.succeed(f"incoming/{name}/hostile.csv", body, seconds=180)
    assert job.chunks == -(-len(body) // chunk_bytes)
    assert without_added(stack.records(job)) == sequential(body)
    manifest = stack.manifest(job)
    assert [c.next for c in manifest.chunks[:-1]] == [c.first for c in manifest.chunks[1:]]
    assert manifest.chunks[-1].next == len(body)
    assert [c.base for c in manifest.chunks][-1] + manifest.chunks[-1].read == manifest.read == 4000


def test_a_wrong_guess_is_caught_and_redone(stack, name):
    """A field that looks like the file itself: whoever starts inside of it is sure, and wrong."""
    inside = "".join(f"{n},{n},{n}\n" for n in range(4000))
    body = ("a,b,c\n" + 'x,"' + inside + '",y\n' + "".join(f"{n},k,z\n" for n in range(500))).encode()
    stack.put_dataset(name, dataset(name, 4096))
    job = stack.succeed(f"incoming/{name}/inside.csv", body, seconds=180)
    assert without_added(stack.records(job)) == sequential(body)
    assert max(chunk.round for chunk in stack.chunks(job)) >= 1


def test_json_lines_are_read_exactly_wherever_they_are_cut(stack, name):
    rows = [{"n": n, "text": "x" * (n % 97), "deep": {"n": [n]}} for n in range(3000)]
    body = b"".join(json.dumps(row).encode() + (b"\r\n" if row["n"] % 5 else b"\n\n") for row in rows)
    stack.put_dataset(name, dataset(name, 5003))
    job = stack.succeed(f"incoming/{name}/rows.jsonl", body, seconds=180)
    assert job.chunks > 10
    assert without_added(stack.records(job)) == rows


def test_what_cannot_be_cut_is_one_chunk_though_it_is_large(stack, name):
    rows = [{"n": n, "text": "x" * 50} for n in range(2000)]
    stack.put_dataset(name, dataset(name, 4096))
    job = stack.succeed(f"incoming/{name}/array.json", json.dumps(rows).encode())
    assert (job.chunks, without_added(stack.records(job))) == (1, rows)
    utf16 = "\n".join(["a,b", *(f"{n},é" for n in range(2000))]).encode("utf-16")
    job = stack.succeed(f"incoming/{name}/wide.csv", utf16)
    assert (job.chunks, len(stack.records(job))) == (1, 2000)


def test_too_many_rejects_in_all_fail_a_chunked_run_and_nothing_is_published(stack, name):
    body = ("a,b\n" + "1,2\n" * 5000 + "1\n" * 100).encode()
    stack.put_dataset(name, dataset(name, 4096) + "max_invalid_ratio: 0.01\n")
    job = stack.process(f"incoming/{name}/ragged.csv", body)
    assert (job.status, job.error.code) == ("FAILED", "too_many_rejects")
    assert not [key for key in stack.listing(stack.prefix(job)) if key.endswith(("_SUCCESS", "_manifest.json"))]
