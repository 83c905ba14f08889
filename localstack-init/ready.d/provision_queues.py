# ruff: noqa: INP001  # LocalStack runs this file, nothing imports it
"""Makes the queues that `../queues.json` describes. LocalStack runs this file when it is ready.

Any failure is an exception, by which LocalStack marks the hook as failed.
LocalStack executes the text of this file in its own process: there is no `__file__`, and `__name__` is not `__main__`.
"""

import json
import os
from pathlib import Path
from runpy import run_path

import boto3  # type: ignore[import-untyped]
from localstack import config  # type: ignore[import-not-found]

init = Path(config.dirs.init)
sqs = boto3.client(
    "sqs",
    endpoint_url=config.internal_service_url(),
    region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
    aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
    aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
)
queues = json.loads((init / "queues.json").read_text())["queues"]
run_path(str(init / "provisioning.py"))["provision"](sqs, queues, os.environ.get("QUEUE_NAME_PREFIX", ""))
