"""Makes the data and keeps it, by name and piece size; an object's size is how often its piece is repeated."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.data import flights, lineitem, orders
from bench.data.deflate import GZIP_HEAD, flushed, gzip_tail
from bench.data.recipe import Recipe, Segment, Truth

SEED = 42
_GENERATION = "v1-"
"""Of the generators: raised when one of them changes, so that nobody measures with what an older one left."""
PIECE_BYTES = 61 * 1024 * 1024 + 4321
"""At most; no multiple of any chunk size."""
KINDS = ("orders.csv", "orders.jsonl", "good.jsonl", "orders.json", "orders.csv.gz", "lineitem.csv", "flights.csv")
"""`good.jsonl` has no bad record, for engines that give up at the first."""
MARK = ".haulier-bench"
"""A file that says whose directory it is, so that nothing else is ever removed."""
STRUCTURAL = ("bad_json", "not_an_object", "too_many_fields", "too_few_fields")
"""Codes of rows that are bad whatever the schema says."""

Made = tuple[bytes, Truth]


class Shelf:
    """The data directory.

    Args:
        root: where everything lies; made if it is not there.
        flights_cache: where the flights' archive is kept.
    """

    def __init__(self, root: Path, flights_cache: Path) -> None:
        self.root = root
        self._flights = flights_cache
        root.mkdir(parents=True, exist_ok=True)
        (root / MARK).touch()

    def recipe(self, kind: str, size: int, *, output: str = "jsonl", enrich: tuple[str, ...] = ()) -> Recipe:
        """An object of about `size` bytes (of about as many once decompressed, for gzip).

        Args:
            kind: one of KINDS.
            size: bytes.
            output: format of the dataset's output.
            enrich: columns the dataset adds; the engines compared with add none.
        """
        piece = min(size, PIECE_BYTES)
        dataset: dict[str, Any] = {"name": "bench", "output": {"format": output}, "enrich": list(enrich)}
        match kind:
            case "orders.csv":
                head = self._kept("orders-head.csv", lambda: (orders.HEADER, Truth()))
                body = self._kept(f"orders-{piece}.csv", lambda: orders.csv_rows(SEED, piece))
                dataset |= {"schema": orders.SCHEMA}
                return _repeated(kind, dataset, head, body, size)
            case "orders.jsonl":
                body = self._kept(f"orders-{piece}.jsonl", lambda: orders.json_rows(SEED, piece))
                return _repeated(kind, dataset | {"schema": orders.SCHEMA}, None, body, size)
            case "good.jsonl":
                body = self._kept(f"good-{piece}.jsonl", lambda: orders.json_rows(SEED, piece, flaws=()))
                return _repeated(kind, dataset | {"schema": orders.SCHEMA}, None, body, size)
            case "orders.json":
                return self._array(dataset | {"schema": orders.SCHEMA}, piece, size)
            case "orders.csv.gz":
                return self._gzip(self.recipe("orders.csv", size, output=output, enrich=enrich))
            case "lineitem.csv":
                body = self._kept(f"lineitem-{piece}.csv", lambda: lineitem.rows(SEED, piece))
                shape = {"header": False, "columns": lineitem.COLUMNS, "delimiter": "|", "type": "csv"}
                return _repeated(kind, dataset | {"schema": lineitem.SCHEMA, "format": shape}, None, body, size)
            case "flights.csv":
                head = self._kept("flights-head.csv", lambda: (flights.rows(self._flights)[0], Truth()))
                body = self._kept("flights-body.csv", lambda: flights.rows(self._flights)[1:])
                return _repeated(kind, dataset | {"schema": flights.SCHEMA}, head, body, size)
            case _:
                raise ValueError(f"no data called {kind}: {', '.join(KINDS)}")

    def _array(self, dataset: dict[str, Any], piece: int, size: int) -> Recipe:
        head = self._kept("array-head.json", lambda: (b"[\n", Truth()))
        body = self._kept(f"orders-{piece}.json", lambda: _array_rows(piece))
        tail = self._kept("array-tail.json", _last_of_array)
        middle = _repeated("orders.json", dataset, head, body, size)
        return Recipe("orders.json", dataset, (*middle.segments, tail[0]), middle.truth.plus(tail[1]))

    def _gzip(self, plain: Recipe) -> Recipe:
        """The same bytes as one gzip member."""
        packed = [self._kept(f"{segment.file}.deflated", self._flusher(segment)) for segment in plain.segments]
        name = "-".join(f"{segment.file}x{segment.repeats}" for segment in plain.segments)
        head = self._kept("gzip-head", lambda: (GZIP_HEAD, Truth()))
        tail = self._kept(f"{name}.gzip-tail", lambda: (gzip_tail(self._contents(plain)), Truth()))
        middle = tuple(
            Segment(kept.file, kept.size, segment.repeats)
            for (kept, _), segment in zip(packed, plain.segments, strict=True)
        )
        return Recipe("orders.csv.gz", plain.dataset, (head[0], *middle, tail[0]), plain.truth, plain.size)

    def _flusher(self, segment: Segment) -> Callable[[], Made]:
        return lambda: (flushed((self.root / segment.file).read_bytes()), Truth())

    def _contents(self, recipe: Recipe) -> list[tuple[bytes, int]]:
        return [((self.root / segment.file).read_bytes(), segment.repeats) for segment in recipe.segments]

    def _kept(self, name: str, make: Callable[[], Made]) -> tuple[Segment, Truth]:
        """The file of that name with its truth; made if it is not there. Written whole or not at all."""
        name = name if name.startswith(_GENERATION) else f"{_GENERATION}{name}"
        path, about = self.root / name, self.root / f"{name}.truth"
        if not about.exists():
            data, truth = make()
            partial = path.with_name(f"{name}.{os.getpid()}.part")
            partial.write_bytes(data)
            partial.replace(path)
            partial.write_text(json.dumps(asdict(truth)))
            partial.replace(about)
        return Segment(name, path.stat().st_size, 1), Truth(**json.loads(about.read_text()))


def without_schema(recipe: Recipe) -> Recipe:
    """The same object under a dataset that looks into no record: fewer are bad then."""
    dataset = {name: value for name, value in recipe.dataset.items() if name != "schema"}
    bad = {code: n for code, n in recipe.truth.bad.items() if code in STRUCTURAL}
    return replace(recipe, dataset=dataset, truth=Truth(recipe.truth.records, bad))


def repeated(recipe: Recipe, count: int) -> Recipe:
    """The object with its largest piece `count` times instead of once."""
    largest = max(recipe.segments, key=lambda segment: segment.size)
    segments = tuple(one._replace(repeats=count) if one == largest else one for one in recipe.segments)
    return replace(recipe, segments=segments, truth=recipe.truth.times(count))


def _repeated(
    key: str, dataset: dict[str, Any], head: tuple[Segment, Truth] | None, body: tuple[Segment, Truth], size: int
) -> Recipe:
    segment, truth = body
    repeats = max(round(size / segment.size), 1)
    segments: tuple[Segment, ...] = (Segment(segment.file, segment.size, repeats),)
    if head is not None:
        segments = (head[0], *segments)
    return Recipe(key, dataset, segments, truth.times(repeats))


def _last_of_array() -> Made:
    """One good object without a comma after it, and the array's end."""
    data, truth = orders.json_rows(SEED + 1, 1, end=b"\n]\n")
    return data, truth


def _array_rows(size: int) -> Made:
    return orders.json_rows(SEED, size, flaws=orders.ARRAY_FLAWS, end=b",\n")
