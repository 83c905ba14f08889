from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from receiver.app import create_app
from receiver.settings import Settings
from receiver.signatures import judge_signature

Open = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]

SECRET = "whsec_Zmlyc3QgZGV2ZWxvcG1lbnQgc2VjcmV0"  # noqa: S105 - for tests alone
OTHER = "whsec_c2Vjb25kIGRldmVsb3BtZW50IHNlY3JldA"  # without padding
BODY = '{"task_id": "é"}'


def signed(secret: str = SECRET, *, age: timedelta = timedelta(0), body: str = BODY) -> dict[str, str]:
    moment = datetime.now(UTC) - age
    return {
        "webhook-id": "t",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("t", moment, body),
    }


def test_signature_over_the_bytes_is_valid() -> None:
    signature = judge_signature(BODY.encode(), signed(), [SECRET])
    assert (signature.verdict, signature.reason) == ("valid", None)


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_while_secrets_rotate_either_will_do(secret: str) -> None:
    assert judge_signature(BODY.encode(), signed(secret), [SECRET, OTHER]).verdict == "valid"


def test_one_good_signature_among_several_will_do() -> None:
    headers = signed()
    headers["webhook-signature"] = f"{signed(OTHER)['webhook-signature']} {headers['webhook-signature']}"
    assert judge_signature(BODY.encode(), headers, [SECRET]).verdict == "valid"


@pytest.mark.parametrize(
    ("body", "signing", "changed", "reason"),
    [
        (BODY.encode(), {"secret": OTHER}, {}, "No matching signature found"),
        (b"changed", {}, {}, "No matching signature found"),
        (BODY.encode(), {}, {"webhook-id": "other"}, "No matching signature found"),
        (BODY.encode(), {"age": timedelta(hours=1)}, {}, "Message timestamp too old"),
        (BODY.encode(), {"age": timedelta(hours=-1)}, {}, "Message timestamp too new"),
        (BODY.encode(), {}, {"webhook-timestamp": "yesterday"}, "Invalid Signature Headers"),
        (BODY.encode(), {}, {"webhook-signature": "garbage"}, "Malformed webhook-signature header"),
        (BODY.encode(), {}, {"webhook-signature": "v1,a"}, "Malformed webhook-signature header"),
        (BODY.encode(), {}, {"webhook-signature": "v1,é"}, "Malformed webhook-signature header"),
        (b"\xff", {}, {}, "Body is not UTF-8"),
    ],
)
def test_signature_that_does_not_hold_is_invalid_with_the_reason(
    body: bytes, signing: dict[str, Any], changed: dict[str, str], reason: str
) -> None:
    # Signed now: with the parameters it would be signed when the tests are collected, minutes ago.
    signature = judge_signature(body, signed(**signing) | changed, [SECRET])
    assert (signature.verdict, signature.reason) == ("invalid", reason)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_signature_without_the_other_headers_is_invalid(header: str) -> None:
    headers = {name: value for name, value in signed().items() if name != header}
    signature = judge_signature(BODY.encode(), headers, [SECRET])
    assert (signature.verdict, signature.reason) == ("invalid", "Missing required headers")


def test_unsigned_delivery_lacks_a_signature() -> None:
    assert judge_signature(b"", {"webhook-id": "t"}, [SECRET]).verdict == "missing"


def test_without_a_secret_nothing_is_checked() -> None:
    assert judge_signature(BODY.encode(), signed(), []).verdict == "unchecked"


async def test_verdict_is_listed_with_the_delivery(monkeypatch: pytest.MonkeyPatch, open_client: Open) -> None:
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET", f"{OTHER},{SECRET}")
    async with open_client(create_app(Settings())) as receiver:
        await receiver.post("/callback", content=BODY, headers=signed())
        await receiver.post("/callback", content=BODY + " ", headers=signed())
        await receiver.post("/callback", content=BODY)
        callbacks = (await receiver.get("/callbacks")).json()["callbacks"]
    assert [callback["signature"]["verdict"] for callback in callbacks] == ["valid", "invalid", "missing"]
    assert callbacks[1]["signature"]["reason"] == "No matching signature found"
