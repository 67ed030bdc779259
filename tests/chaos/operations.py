"""Which AWS call an HTTP request is: `s3:GetObject`, `dynamodb:UpdateItem`, … from method, path and headers alone."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

_TARGETS = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSStepFunctions": "stepfunctions"}
_OBJECT = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_BUCKET = {"GET": "ListObjectsV2", "POST": "DeleteObjects", "HEAD": "HeadBucket"}


def operation(method: str, path: str, headers: Mapping[str, str]) -> str:
    """`service:Operation`; `other:METHOD` for what is none of ours.

    Args:
        method: of the request.
        path: with its query, as it was sent.
        headers: case does not matter to the mapping given.
    """
    target = headers.get("X-Amz-Target", "")
    service, _, name = target.partition(".")
    if service in _TARGETS:
        return f"{_TARGETS[service]}:{name}"
    if "/s3/aws4_request" not in headers.get("Authorization", ""):
        return f"other:{method}"
    split = urlsplit(path)
    query = parse_qs(split.query, keep_blank_values=True)
    _, _, key = split.path.lstrip("/").partition("/")
    if "uploads" in query:
        return "s3:CreateMultipartUpload" if method == "POST" else "s3:ListMultipartUploads"
    if "uploadId" in query:
        multipart = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
        return f"s3:{multipart.get(method, method)}"
    return f"s3:{(_OBJECT if key else _BUCKET).get(method, method)}"
