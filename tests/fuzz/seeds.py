"""Where the search begins: honest input of each target, and what once broke it."""

SEEDS: dict[str, list[bytes]] = {
    "message": [
        b'{"version":1,"job_id":"jaaaaaaaaaaaaaaaaaaaaaaaaaa","run":1,"chunk":0,"round":0,"token":null}',
        b'{"version":2}',
        b'{"version":true,"chunk":1e400}',
        b"[" * 2000,
    ],
    "envelope": [
        (
            b'{"version":"0","id":"e","detail-type":"Object Created","source":"aws.s3","detail":{"version":"0",'
            b'"bucket":{"name":"b"},"object":{"key":"incoming/a.csv","size":5,"etag":"e","sequencer":"01"}}}'
        ),
        (
            b'{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":'
            b'{"key":"incoming/a%20b.csv","size":5,"eTag":"e","sequencer":"01"}}}]}'
        ),
        b'{"Type":"Notification","Message":"{\\"Records\\":[]}"}',
        b'{"detail-type":"Job Requested","source":"haulier","detail":{"bucket":"b","key":"k"}}',
        b'{"Records":[{"s3":{"object":{"key":"%ff%zz","size":-1}}}]}',
    ],
    "dataset": [
        (
            b"match: [{prefix: incoming/a/}]\nformat: {type: csv, delimiter: ';'}\nschema:\n  columns:\n"
            b"    - {name: a, type: decimal, precision: 5, scale: 2, min: 1, max: 9}\n"
            b"    - {name: d, type: date, min: 2024-01-01}\ntransforms:\n  - rename: {a: b}\n  - filter: b > 1\n"
            b"output: {format: parquet}\nmax_invalid_ratio: 0.1\n"
        ),
        b"a: &a [*a]\n",
        b"schema: {columns: [{name: a, max: .inf}]}\n",
        b"transforms: [{cast: {a: integer}}, {default: {a: 1}}]\n? [x]\n: y\n",
        b"match: !!python/object:os.system {}\n",
    ],
    "head": [
        b'a,b\n1,"x\ny"\n',
        b"\xef\xbb\xbfa;b\r\n1;2\r\n",
        b'{"a": 1}\n{"a": [1, {"b": 2}]}\n',
        b'[{"a": 1}, {"a": 2}]',
        b"\xff\xfea\x00,\x00b\x00\n\x00",
        b"PK\x03\x04",
        b"\x1f\x8b\x08\x00",
        b"\x00\x01\x02",
    ],
}
