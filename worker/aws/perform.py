"""Makes the calls that the procedures of `haulier.jobs` ask for."""

from typing import Any

from botocore.exceptions import ClientError

from haulier.jobs.calls import Call, refusal
from worker.aws.faults import told
from worker.aws.session import Clients


class Performer:
    """A `ports.Perform` over one set of clients."""

    def __init__(self, clients: Clients, *, bucket_owner: str = "") -> None:
        self._clients = clients
        self._owner = {"ExpectedBucketOwner": bucket_owner} if bucket_owner else {}

    async def __call__(self, call: Call) -> Any:
        """See `ports.Perform`."""
        params = {**self._owner, **call.params} if call.service == "s3" else call.params
        async with told(f"{call.service} {call.operation}", service=call.service):
            try:
                answer = await getattr(self._clients[call.service], call.operation)(**params)
                if call.operation == "get_object":
                    async with answer["Body"] as body:
                        answer = {**answer, "Body": await body.read()}
            except ClientError as error:
                refused = refusal(error.response)
                if refused is not None:
                    raise refused from error
                raise
        return answer
