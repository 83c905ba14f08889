"""What the SAM CLI has uploaded for a stack, into the bucket that it makes once for an account and region.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
"""

from dataclasses import dataclass
from typing import Any

from stack.aws.deployed_stack import find_stack
from stack.errors import StackError

_MANAGED_STACK = "aws-sam-cli-managed-default"
_BUCKET_OUTPUT = "SourceBucket"

_MOST_REMOVED = 1000
"""Of one request. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


@dataclass(frozen=True, order=True)
class Upload:
    """A version of an object: the bucket keeps all of them."""

    key: str
    version: str


def bucket_of_sam(cloudformation: Any) -> str | None:
    """Return the bucket's name, None where the SAM CLI has made none yet."""
    managed = find_stack(cloudformation, _MANAGED_STACK)
    return None if managed is None else managed.outputs.get(_BUCKET_OUTPUT)


def uploads(s3: Any, bucket: str, stack: str) -> frozenset[Upload]:
    """Return what is there for a stack."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{stack}/")
    return frozenset(
        Upload(each["Key"], each["VersionId"])
        for page in pages
        for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    )


def remove_uploads(s3: Any, bucket: str, stack: str, kept: frozenset[Upload] = frozenset()) -> None:
    """Remove what is there for a stack, but for what is kept."""
    removed = sorted(uploads(s3, bucket, stack) - kept)
    for start in range(0, len(removed), _MOST_REMOVED):
        objects = [{"Key": each.key, "VersionId": each.version} for each in removed[start : start + _MOST_REMOVED]]
        failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
        if failed:
            raise StackError(f"{failed[0]['Key']} stays in the bucket {bucket}: {failed[0].get('Message')}.")
