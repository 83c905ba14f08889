"""Clients of AWS, for a LocalStack."""

from typing import Any

import boto3  # type: ignore[import-untyped]


def client_of(service: str, url: str) -> Any:
    """Return a client of a service, which asks the LocalStack there."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # LocalStack takes any
    )
