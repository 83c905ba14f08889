"""No secret is shown to anyone."""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from services.telemetry.redaction import Redactor, hide_secrets_of, redact

SECRET = "my-own/secret+0"  # noqa: S105  # made up


def redactor_of(*secrets: str) -> Redactor:
    redactor = Redactor()
    redactor.hide(secrets)
    return redactor


def test_a_secret_is_replaced_wherever_it_occurs() -> None:
    text = f"{SECRET} failed: token={SECRET}&x, '{SECRET}'"
    assert redactor_of(SECRET).redact(text) == "*** failed: token=***&x, '***'"


def test_a_text_without_a_secret_stays_as_it_is() -> None:
    assert redactor_of(SECRET).redact("my-own") == "my-own"
    assert Redactor().redact("anything") == "anything"


def test_a_secret_that_begins_with_another_is_replaced_as_a_whole() -> None:
    assert redactor_of("secret-1", "secret-1-and-more").redact("secret-1-and-more, secret-1") == "***, ***"


def test_secrets_add_up() -> None:
    redactor = redactor_of("first-secret")
    redactor.hide(["second-secret"])
    assert redactor.redact("first-secret second-secret") == "*** ***"


def test_what_is_too_short_for_a_secret_is_not_replaced() -> None:
    assert redactor_of("test", "").redact("the latest test") == "the latest test"


def test_a_signing_secret_is_replaced_without_its_prefix_too() -> None:
    redactor = redactor_of("whsec_bG9jYWwgZGV2ZWxvcG1lbnQ=")
    assert redactor.redact("whsec_bG9jYWwgZGV2ZWxvcG1lbnQ= bG9jYWwgZGV2ZWxvcG1lbnQ=") == "*** ***"


SPELLINGS: list[Callable[[str], str]] = [
    json.dumps,
    repr,
    lambda secret: json.dumps(repr(secret)),
    lambda secret: quote(secret, safe="", errors="replace"),
]


@given(st.text(min_size=8), st.sampled_from(SPELLINGS))
def test_no_spelling_of_a_secret_is_left(secret: str, spell: Callable[[str], str]) -> None:
    redacted = redactor_of(secret).redact(f"before {spell(secret)} after")

    assert re.fullmatch(r"""before [\\"']*\*{3}[\\"']* after""", redacted)


def test_the_secrets_of_settings_are_replaced_and_their_other_values_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class SomeSettings(BaseModel):
        several: SecretStr = SecretStr("several-one, several-two several-three")
        listed: list[SecretStr] = [SecretStr("listed-one"), SecretStr("listed-two")]
        unset: SecretStr | None = None
        public: str = "public-value"

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-access-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "aws-session-token")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=collector%20key,tenant=tenant-one")

    hide_secrets_of(SomeSettings())

    for secret in ("several-one", "several-two", "several-three", "listed-one", "listed-two"):
        assert redact(f"<{secret}>") == "<***>"
    assert redact("aws-secret-access-key aws-session-token") == "*** ***"
    assert redact("api-key=collector%20key collector key") == "api-key=*** ***"
    assert redact("public-value") == "public-value"
