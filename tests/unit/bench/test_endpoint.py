"""The endpoint over a pair of sockets: what our fetcher and store rely on."""

import base64
import http.client
import socket
import threading
import zlib

import pytest

from bench.data.recipe import Recipe, Segment, Truth
from bench.endpoint import INPUT, KEPT, Connection, Shop, kept_path

CONTENT = b"abcdef" * 3 + b"tail"
RECIPE = Recipe("a.csv", {"name": "d"}, (Segment("x", 6, 3), Segment("y", 4, 1)), Truth())


class Client(http.client.HTTPConnection):
    """HTTP over a socket that is there already."""

    def __init__(self, wire):
        super().__init__("pair")
        self.sock = wire

    def ask(self, method, path, body=None, headers=None):
        self.request(method, path, body, headers or {})
        answer = self.getresponse()
        return answer, answer.read()


@pytest.fixture
def client(tmp_path):
    for folder in ("objects", KEPT):
        (tmp_path / folder).mkdir()
    (tmp_path / "x").write_bytes(b"abcdef")
    (tmp_path / "y").write_bytes(b"tail")
    (tmp_path / "objects" / "a.csv.recipe").write_text(RECIPE.to_json())
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=Connection(theirs, Shop(tmp_path, tmp_path)).serve)
    thread.start()
    client = Client(ours)
    yield client
    client.close()
    ours.close()
    thread.join(10)


def _crc(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(("start", "end"), [(0, 22), (5, 7), (4, 20), (17, 22), (21, 22)])
def test_a_range_is_answered_with_its_bytes_and_where_they_lie(client, start, end):
    headers = {"Range": f"bytes={start}-{end - 1}", "If-Match": f'"{RECIPE.etag}"'}
    answer, body = client.ask("GET", f"/{INPUT}/a.csv", headers=headers)
    assert (answer.status, body) == (206, CONTENT[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/22"
    assert answer.headers["ETag"] == f'"{RECIPE.etag}"'


def test_the_whole_object_is_answered_when_no_range_is_asked_for(client):
    answer, body = client.ask("GET", f"/{INPUT}/a.csv")
    assert (answer.status, body) == (200, CONTENT)
    answer, body = client.ask("HEAD", f"/{INPUT}/a.csv")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, "22", b"")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/{INPUT}/b.csv", {}, 404),
        (f"/{INPUT}/a.csv", {"If-Match": '"other"'}, 412),
        (f"/{INPUT}/a.csv", {"Range": "bytes=22-30"}, 416),
    ],
)
def test_what_cannot_be_given_is_refused_and_the_connection_lives_on(client, path, headers, status):
    assert client.ask("GET", path, headers=headers)[0].status == status
    assert client.ask("GET", f"/{INPUT}/a.csv")[1] == CONTENT


def test_parts_are_joined_in_their_order_when_an_upload_is_kept(client, tmp_path):
    _, body = client.ask("POST", f"/{KEPT}/out/a.jsonl?uploads")
    upload = body.split(b"<UploadId>")[1].split(b"<")[0].decode()
    for number, data in ((2, b"world"), (1, b"hello " * 300_000)):
        path = f"/{KEPT}/out/a.jsonl?partNumber={number}&uploadId={upload}"
        assert client.ask("PUT", path, data, {"x-amz-checksum-crc32": _crc(data)})[0].status == 200
    assert client.ask("POST", f"/{KEPT}/out/a.jsonl?uploadId={upload}", b"<Complete/>")[0].status == 200
    assert kept_path(tmp_path, "out/a.jsonl").read_bytes() == b"hello " * 300_000 + b"world"


def test_a_body_that_is_not_what_its_checksum_says_is_refused(client):
    answer, _ = client.ask("PUT", f"/{KEPT}/a", b"hello", {"x-amz-checksum-crc32": _crc(b"other")})
    assert answer.status == 400


def test_a_chunked_body_is_taken(client):
    client.putrequest("PUT", "/bench-out/a")
    client.putheader("Transfer-Encoding", "chunked")
    client.endheaders()
    client.send(b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
    answer = client.getresponse()
    answer.read()
    assert answer.status == 200
    assert client.ask("GET", f"/{INPUT}/a.csv")[1] == CONTENT
