"""What is near, or listed in NO_PROXY, goes by no proxy; AWS, Slack and collectors elsewhere do."""

import pytest

from services.primitives.proxies import goes_directly


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "hooks.example, .corp.example:8443")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566",
        "http://127.0.0.1:4566",
        "http://127.1.2.3",
        "http://[::1]:4566",
        "http://LOCALHOST:4566/",
        "http://sqs.localhost:4566",
        "http://localstack:4566",
        "http://receiver:9000/slack/api/",
        "http://10.0.0.5:9324",
        "http://[fd00::5]:9324",
        "https://hooks.example/x",
        "https://eu.hooks.example/x",
    ],
)
def test_what_is_near_or_listed_is_asked_directly(url: str) -> None:
    assert goes_directly(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.eu-central-1.amazonaws.com",
        "https://slack.com/api/",
        "https://localhost.example.com",
        "https://93.184.216.34/",
        "https://myhooks.example/",
    ],
)
def test_what_is_elsewhere_goes_by_the_proxy(url: str) -> None:
    assert not goes_directly(url)
