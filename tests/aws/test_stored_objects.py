"""What is uploaded to a stack's own S3 is in its own folder."""

from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest

from tests.aws.shell import CREDENTIALS


def test_objects_are_below_the_folder_of_this_localstack(
    localstack_with_functions: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=localstack_with_functions,
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    where = {"LocationConstraint": CREDENTIALS["AWS_DEFAULT_REGION"]}
    s3.create_bucket(Bucket="of-this-test-alone", CreateBucketConfiguration=where)
    s3.put_object(Bucket="of-this-test-alone", Key="key", Body=b"kept")

    [folder] = tmp_path_factory.getbasetemp().rglob("of-this-test-alone")
    assert folder.parent.name == "s3"
    assert not Path("/tmp/localstack-s3-storage/of-this-test-alone").exists()  # noqa: S108  # where it would be
