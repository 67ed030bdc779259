"""An S3 that is not the bottleneck: `python -m bench endpoint ROOT WORK`. Loopback only, no authentication, path style.

Bucket INPUT holds what lies as `WORK/objects/KEY.recipe`, sent by sendfile from the pieces' files in ROOT. What is put
into any bucket is taken and thrown away; into bucket KEPT, it is written below a folder of that name, and its CRC32 is
compared with the header that came. One thread a connection. It prints its port on the first line.
"""

import base64
import os
import re
import shutil
import socket
import sys
import threading
import zlib
from email.utils import formatdate
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from bench.data.recipe import Recipe, pieces

HOST = "127.0.0.1"
INPUT, OUTPUT, KEPT = "bench-in", "bench-out", "bench-kept"
_BUFFER = 1 << 20
_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_MODIFIED = formatdate(1_790_000_000, usegmt=True)


def kept_path(work: Path, key: str) -> Path:
    """Where bucket KEPT has an object."""
    return work / KEPT / key.replace("/", "!")


class Request(NamedTuple):
    method: str
    bucket: str
    key: str
    query: dict[str, list[str]]
    headers: dict[str, str]


class Shop:
    """What all connections share. `uploads`: the numbers of the parts each has, while it is open."""

    def __init__(self, root: Path, work: Path) -> None:
        self.root, self.work = root, work
        self.lock = threading.Lock()
        self.uploads: dict[str, set[int]] = {}
        self.numbers = count(1)
        self._recipes: dict[str, tuple[int, Recipe]] = {}

    def recipe(self, key: str) -> Recipe | None:
        path = self.work / "objects" / f"{key}.recipe"
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        known = self._recipes.get(key)
        if known is None or known[0] != changed:
            known = changed, Recipe.from_json(path.read_text())
            self._recipes[key] = known
        return known[1]


class Connection:
    """One client's connection, request after request."""

    def __init__(self, wire: socket.socket, shop: Shop) -> None:
        self._wire = wire
        self._shop = shop
        self._rest = b""
        self._scratch = memoryview(bytearray(_BUFFER))

    def serve(self) -> None:
        try:
            while (request := self._request()) is not None:
                self._answer(request)
                if request.headers.get("connection", "").lower() == "close":
                    return
        except OSError:
            # The client went away: benches kill children, and readers abandon windows.
            return
        finally:
            self._wire.close()

    def _request(self) -> Request | None:
        while (at := self._rest.find(b"\r\n\r\n")) < 0:
            data = self._wire.recv(65536)
            if not data:
                return None
            self._rest += data
        head, self._rest = self._rest[:at].decode("latin-1"), self._rest[at + 4 :]
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        return Request(method, bucket, key, parse_qs(parts.query, keep_blank_values=True), headers)

    def _answer(self, request: Request) -> None:
        if request.headers.get("expect", "").lower() == "100-continue":
            self._wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        match request.method:
            case "GET" | "HEAD":
                self._body(request, None)
                self._give(request)
            case "PUT":
                self._take(request)
            case "POST":
                self._post(request)
            case "DELETE":
                self._body(request, None)
                self._shop.uploads.pop(request.query.get("uploadId", [""])[0], None)
                self._reply("204 No Content")
            case _:
                self._error("405 Method Not Allowed", "MethodNotAllowed")

    # Out

    def _give(self, request: Request) -> None:
        recipe = self._shop.recipe(request.key) if request.bucket == INPUT else None
        if recipe is None:
            self._error("404 Not Found", "NoSuchKey", body=request.method == "GET")
            return
        wanted = request.headers.get("if-match", "").strip('"')
        if wanted and wanted != recipe.etag:
            self._error("412 Precondition Failed", "PreconditionFailed")
            return
        start, end, status, extra = 0, recipe.size, "200 OK", ""
        asked = _RANGE.match(request.headers.get("range", ""))
        if asked:
            if asked[1]:
                start, end = int(asked[1]), min(int(asked[2]) + 1, end) if asked[2] else end
            else:
                start = max(end - int(asked[2]), 0)
            if start >= recipe.size:
                self._error("416 Range Not Satisfiable", "InvalidRange")
                return
            status, extra = "206 Partial Content", f"Content-Range: bytes {start}-{end - 1}/{recipe.size}\r\n"
        head = (
            f'HTTP/1.1 {status}\r\nETag: "{recipe.etag}"\r\nAccept-Ranges: bytes\r\nLast-Modified: {_MODIFIED}\r\n'
            f"Content-Type: application/octet-stream\r\nContent-Length: {end - start}\r\n{extra}\r\n"
        )
        self._wire.sendall(head.encode())
        if request.method == "GET":
            self._send(recipe, start, end)

    def _send(self, recipe: Recipe, start: int, end: int) -> None:
        for piece in pieces(recipe.segments, start, end):
            with (self._shop.root / piece.file).open("rb") as file:
                offset, left = piece.offset, piece.length
                while left:
                    sent = os.sendfile(self._wire.fileno(), file.fileno(), offset, left)
                    offset, left = offset + sent, left - sent

    # In

    def _take(self, request: Request) -> None:
        upload, number = request.query.get("uploadId", [""])[0], int(request.query.get("partNumber", ["0"])[0])
        path = (
            kept_path(self._shop.work, f"{upload}.{number:05}" if upload else request.key)
            if request.bucket == KEPT
            else None
        )
        size, whole = self._body(request, path)
        if not whole:
            self._error("400 Bad Request", "BadDigest")
            return
        if upload:
            with self._shop.lock:
                self._shop.uploads.setdefault(upload, set()).add(number)
        self._reply("200 OK", f'ETag: "{size:032x}"\r\n')

    def _post(self, request: Request) -> None:
        self._body(request, None)
        where = f"<Bucket>{request.bucket}</Bucket><Key>{request.key}</Key>"
        if "uploads" in request.query:
            upload = f"upload-{next(self._shop.numbers)}"
            self._shop.uploads[upload] = set()
            self._xml("InitiateMultipartUploadResult", f"{where}<UploadId>{upload}</UploadId>", full_sums=True)
        elif "uploadId" in request.query:
            upload = request.query["uploadId"][0]
            parts = self._shop.uploads.pop(upload, set())
            if request.bucket == KEPT:
                self._join(request.key, upload, sorted(parts))
            self._xml("CompleteMultipartUploadResult", f'{where}<ETag>"{upload}"</ETag>')
        else:
            self._error("400 Bad Request", "InvalidRequest")

    def _join(self, key: str, upload: str, numbers: list[int]) -> None:
        with kept_path(self._shop.work, key).open("wb") as out:
            for number in numbers:
                part = kept_path(self._shop.work, f"{upload}.{number:05}")
                with part.open("rb") as file:
                    shutil.copyfileobj(file, out, _BUFFER)
                part.unlink()

    def _body(self, request: Request, path: Path | None) -> tuple[int, bool]:
        """Takes the request's body: its length, and whether it is what its CRC32 header says (looked at if kept)."""
        left = int(request.headers.get("content-length", "0"))
        if request.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked(), path is None
        size, crc = left, 0
        out = path.open("wb") if path is not None else None
        try:
            while left:
                data = self._some(left)
                left -= len(data)
                if out is not None:
                    out.write(data)
                    crc = zlib.crc32(data, crc)
        finally:
            if out is not None:
                out.close()
        said = request.headers.get("x-amz-checksum-crc32")
        return size, path is None or said in (None, base64.b64encode(crc.to_bytes(4, "big")).decode())

    def _some(self, most: int) -> memoryview | bytes:
        if self._rest:
            data, self._rest = self._rest[:most], self._rest[most:]
            return data
        got = self._wire.recv_into(self._scratch, min(most, _BUFFER))
        if not got:
            raise ConnectionError("the client went away in the middle of a body")
        return self._scratch[:got]

    def _chunked(self) -> int:
        """Takes a body of unknown length; nothing of it is kept."""
        size = 0
        while True:
            while (at := self._rest.find(b"\r\n")) < 0:
                self._rest += bytes(self._some(65536))
            length, self._rest = int(self._rest[:at].split(b";")[0], 16), self._rest[at + 2 :]
            left = length + 2
            while left:
                left -= len(self._some(left))
            size += length
            if not length:
                return size

    # Answers

    def _reply(self, status: str, headers: str = "", body: bytes = b"") -> None:
        head = f"HTTP/1.1 {status}\r\nx-amz-request-id: bench\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self._wire.sendall(head.encode() + body)

    def _xml(self, root: str, inner: str, *, full_sums: bool = False) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?><{root} {_NAMESPACE}>{inner}</{root}>'.encode()
        sums = "x-amz-checksum-algorithm: CRC32\r\nx-amz-checksum-type: FULL_OBJECT\r\n" if full_sums else ""
        self._reply("200 OK", f"Content-Type: application/xml\r\n{sums}", body)

    def _error(self, status: str, code: str, *, body: bool = True) -> None:
        text = f"<Error><Code>{code}</Code><Message>{status}</Message></Error>".encode() if body else b""
        self._reply(status, "Content-Type: application/xml\r\n", text)


def main(root: Path, work: Path) -> int:
    """Serves until standard input ends: it must not outlive whoever started it."""
    for folder in ("objects", KEPT):
        (work / folder).mkdir(exist_ok=True)
    shop = Shop(root, work)
    with socket.socket() as door:
        door.bind((HOST, 0))
        door.listen(512)
        print(door.getsockname()[1], flush=True)

        def accept() -> None:
            while True:
                wire, _ = door.accept()
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=Connection(wire, shop).serve, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        sys.stdin.read()
    return 0
