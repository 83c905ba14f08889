"""The verdict on a delivery's signature, by Standard Webhooks 1.0."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel
from standardwebhooks import Webhook, WebhookVerificationError


class Signature(BaseModel):
    """What is known of a delivery's signature at the moment it came."""

    verdict: Literal["valid", "invalid", "missing", "unchecked"]
    reason: str | None = None


def judge_signature(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> Signature:
    """Judge the signature over exactly these bytes; any one of the secrets will do (lower-case header names)."""
    if not secrets:
        return Signature(verdict="unchecked", reason="CALLBACK_SIGNING_SECRET is not set")
    if "webhook-signature" not in headers:
        return Signature(verdict="missing", reason="no webhook-signature header")
    reasons = [_reason_against(body, headers, secret) for secret in secrets]
    if None in reasons:
        return Signature(verdict="valid")
    return Signature(verdict="invalid", reason=reasons[0])


def _reason_against(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    """Why the signature does not hold under this secret, None where it does."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as refused:
        return str(refused)
    except UnicodeDecodeError:
        return "Body is not UTF-8"
    except ValueError:  # the library lets its own parsing errors out
        return "Malformed webhook-signature header"
    return None
