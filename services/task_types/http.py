"""Helpers for task types that make requests with `context.http`, which is an `httpx2.AsyncClient`.

They are as stable as `services.task_types` itself. What they take and return of the client's own, such as
`httpx2.Response`, is httpx2's to keep.
"""

from services.outbound.http_client import HTTP_ERRORS, describe_http_error
from services.outbound.refusal import describe_refusal
from services.outbound.request_headers import RequestHeaders
from services.outbound.response_body import ACCEPT_ENCODING, ResponseTooLargeError, read_body
from services.outbound.target_url import UrlError, has_credentials
from services.outbound.targets import ForbiddenTargetError

__all__ = [
    "ACCEPT_ENCODING",
    "HTTP_ERRORS",
    "ForbiddenTargetError",
    "RequestHeaders",
    "ResponseTooLargeError",
    "UrlError",
    "describe_http_error",
    "describe_refusal",
    "has_credentials",
    "read_body",
]
