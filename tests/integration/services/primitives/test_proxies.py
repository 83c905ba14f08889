"""The environment names a proxy that refuses everything: what is near does not notice, what is elsewhere asks it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import HttpUrl, SecretStr

from services.dlq_watcher.settings import WatcherSettings
from services.dlq_watcher.slack import SlackChannel
from services.queueing.client import open_sqs
from services.runtime.settings import ServiceSettings
from tests.refusing_proxy import RefusingProxy, running_proxy
from tests.unit.services.dlq_watcher.conftest import alert_of


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RefusingProxy]:
    with running_proxy() as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield proxy


async def queue_url(settings: ServiceSettings) -> str:
    async with open_sqs(settings) as client:
        return (await client.get_queue_url(QueueName="data"))["QueueUrl"]


def channel(url: str | None) -> SlackChannel:
    token = SecretStr("xoxb-local")
    slack_url = None if url is None else HttpUrl(url)
    return SlackChannel(WatcherSettings(slack_bot_token=token, slack_channel="#alerts", slack_api_url=slack_url))


async def test_localstack_is_asked_directly(localstack_url: str, proxy: RefusingProxy) -> None:
    assert await queue_url(ServiceSettings(aws_endpoint_url=HttpUrl(localstack_url)))
    assert proxy.asked == []


async def test_it_is_where_the_sdks_configuration_file_names_it_too(
    localstack_url: str, proxy: RefusingProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {localstack_url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert await queue_url(ServiceSettings())
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("endpoint_url", "asked"),
    [
        (None, "CONNECT sqs.us-east-1.amazonaws.com:443"),
        (HttpUrl("http://sqs.example.com:9324"), "POST http://sqs.example.com:9324/"),
    ],
)
async def test_aws_and_any_endpoint_elsewhere_is_asked_by_the_proxy(
    endpoint_url: HttpUrl | None, asked: str, proxy: RefusingProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises((BotoCoreError, ClientError)):
        await queue_url(ServiceSettings(aws_endpoint_url=endpoint_url))
    assert asked in proxy.asked


async def test_the_stand_in_for_slack_is_asked_directly(slack: httpx.AsyncClient, proxy: RefusingProxy) -> None:
    assert await channel(f"{str(slack.base_url).rstrip('/')}/slack/api/").post([alert_of()]) is None
    assert proxy.asked == []


async def test_slack_is_asked_by_the_proxy(proxy: RefusingProxy) -> None:
    refusal = await channel(None).post([alert_of()])

    assert refusal is not None
    assert proxy.asked == ["CONNECT slack.com:443"]


async def test_no_proxy_holds_for_slack_too(proxy: RefusingProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "slack.invalid")

    # There is no such host (RFC 2606).
    assert await channel("https://slack.invalid/api/").post([alert_of()]) is not None
    assert proxy.asked == []
