"""Which object a job reads, pinned so that a change under it is noticed."""

from pydantic import Field

from haulier.contracts.model import WireModel


class Source(WireModel):
    """One object, as it was when the run was accepted.

    Attributes:
        bucket: the bucket's name.
        key: the key, decoded.
        size: bytes.
        etag: without quotes; every read names it (`If-Match`).
        version_id: the object's version where the bucket keeps versions.
        uploaded_at: ISO 8601, UTC; when S3 says the object was written.
    """

    bucket: str
    key: str
    size: int = Field(ge=0)
    etag: str
    version_id: str | None = None
    uploaded_at: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
