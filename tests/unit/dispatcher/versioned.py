"""The AWS in memory, whose input bucket keeps versions."""

# ruff: noqa: N803 - parameters have the names AWS gives them

from dataclasses import dataclass, field
from typing import Any

from tests.unit.dispatcher.cloud import Cloud, StoredObject


@dataclass
class Versioned(Cloud):
    """Versions `v1`, `v2`, … of one object, as the input bucket keeps them."""

    versions: list[StoredObject] = field(default_factory=list)

    def put(self, bucket: str, key: str, *args: Any, **kwargs: Any) -> str:
        etag = super().put(bucket, key, *args, **kwargs)
        self.versions.append(self.objects[bucket, key])
        return etag

    def _s3_head_object(self, Bucket: str, Key: str, **rest: Any) -> Any:
        version = int(rest.get("VersionId", f"v{len(self.versions)}").removeprefix("v"))
        place = Bucket, Key
        newest, self.objects[place] = self._stored(*place), self.versions[version - 1]
        try:
            return super()._s3_head_object(*place) | {"VersionId": f"v{version}"}
        finally:
            self.objects[place] = newest
