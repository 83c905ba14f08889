"""Which secrets the services have, and where the template finds them."""

from stack.aws.secrets import StoredSecrets, unstored_parameters

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tasks-settings-AbCdEf"
STORED = StoredSecrets("tasks-settings", {"API_KEYS": "a-key", "SLACK_BOT_TOKEN": "xoxb"}, ARN, "7")
NOTHING_STORED = StoredSecrets("tasks-settings")


def test_what_is_set_replaces_what_is_stored_and_what_is_not_set_stays() -> None:
    secrets = {"API_KEYS": "another-key", "SLACK_BOT_TOKEN": "", "CALLBACK_SIGNING_SECRET": "whsec_"}

    assert STORED.with_those_of(secrets) == {
        "API_KEYS": "another-key",
        "CALLBACK_SIGNING_SECRET": "whsec_",
        "SLACK_BOT_TOKEN": "xoxb",
    }
    assert NOTHING_STORED.with_those_of({"API_KEYS": "a-key"}) == {"API_KEYS": "a-key"}


def test_those_change_that_are_set_otherwise_than_they_are_stored() -> None:
    secrets = {"API_KEYS": "another-key", "SLACK_BOT_TOKEN": "xoxb", "CALLBACK_SIGNING_SECRET": "whsec_"}

    assert STORED.changed_by(secrets) == ["API_KEYS", "CALLBACK_SIGNING_SECRET"]
    assert STORED.changed_by({"API_KEYS": "a-key"}) == []
    assert NOTHING_STORED.changed_by({"API_KEYS": "a-key"}) == ["API_KEYS"]


def test_where_nothing_changes_a_dry_run_has_the_parameters_of_the_deployment_before() -> None:
    assert unstored_parameters(STORED, {"API_KEYS": "a-key", "SLACK_BOT_TOKEN": ""}) == {
        "SettingsSecretArn": ARN,
        "ApiKeys": "API_KEYS::7",
        "SlackBotToken": "SLACK_BOT_TOKEN::7",
    }


def test_where_a_secret_changes_a_dry_run_shows_it_and_leads_to_nothing_that_is_not_stored() -> None:
    secrets = {"API_KEYS": "", "CALLBACK_SIGNING_SECRET": "whsec_", "SLACK_BOT_TOKEN": ""}
    assert unstored_parameters(STORED, secrets) == {
        "SettingsSecretArn": ARN,
        "ApiKeys": "API_KEYS::",
        "SlackBotToken": "SLACK_BOT_TOKEN::",
    }
    assert unstored_parameters(NOTHING_STORED, {"API_KEYS": "a-key"}) == {}


def test_what_is_stored_and_in_the_template_no_more_has_no_parameter() -> None:
    assert unstored_parameters(STORED, {"API_KEYS": ""}) == {"SettingsSecretArn": ARN, "ApiKeys": "API_KEYS::7"}


def test_a_secret_is_not_shown_where_it_is_handled() -> None:
    assert "xoxb" not in repr(STORED)
