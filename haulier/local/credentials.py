"""What a worker's AWS library runs for its keys: `python -m haulier.local.credentials ENDPOINT_URL ROLE_ARN`.

Prints temporary keys of the role in the form that `credential_process` of an AWS configuration asks for.
"""

import json
import sys
from typing import Any

import botocore.session

from haulier.local.stack import ACCESS_KEY, REGION, SECRET_KEY

SESSION_SECONDS = 3600


def main() -> int:
    endpoint_url, role_arn = sys.argv[1:3]
    # Keys given here are used before any configuration, so this call does not ask for itself.
    sts: Any = botocore.session.get_session().create_client(
        "sts",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    keys = sts.assume_role(RoleArn=role_arn, RoleSessionName="embedded-worker", DurationSeconds=SESSION_SECONDS)[
        "Credentials"
    ]
    answer = {
        "Version": 1,
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["SessionToken"],
        "Expiration": keys["Expiration"].isoformat(),
    }
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
