"""No credential that stands in a URL is shown to people."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.telemetry.redaction import without_url_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://receiver:9000/callback", "http://receiver:9000/callback"),
        ("https://user:pass@receiver/hook", "https://receiver/hook"),
        ("https://token@receiver", "https://receiver"),
        ("https://proxy/http://user:pass@receiver/hook", "https://proxy/http://receiver/hook"),
        ("https://a@b:c@receiver/x@y", "https://receiver/x@y"),
        ("http://receiver/?token=secret&page=2", "http://receiver/?token=…&page=…"),
        ("http://receiver?secret", "http://receiver?…"),
        ("http://receiver/?a=b=c&&d=", "http://receiver/?a=…&…&d=…"),
        ("http://receiver/#secret", "http://receiver/"),
        ("HTTPS://user:pass@receiver/", "HTTPS://receiver/"),
        ("postgresql+asyncpg://user:pass@database/tasks", "postgresql+asyncpg://database/tasks"),
        ("urlhttp://user:pass@receiver/", "urlhttp://receiver/"),
        ("http://user:pass@[::1]:9000/", "http://[::1]:9000/"),
        ("GET 'http://u:p@a/?k=v' failed, then https://b/?k=v#f", "GET 'http://a/?k=…' failed, then https://b/?k=…"),
        ("{'url': 'http://a/?k=v', 'x': 1}", "{'url': 'http://a/?k=…', 'x': 1}"),
        ("URL('http://a/?k=it's') (http://a/?k=v).", "URL('http://a/?k=…') (http://a/?k=…)."),
        ('<a href="http://a/p">b</a> <http://a/?k=v>; x', '<a href="http://a/p">b</a> <http://a/?k=…>; x'),
        ('{"url":"http://a","mail":"b@c"}', '{"url":"http://a","mail":"b@c"}'),
        ("http://a/?#f, http://a/?, http://a/#", "http://a/, http://a/?, http://a/"),
        ("url='http://a/p'q?k='v'w<x`y\"z'", "url='http://a/p'q?k=…'"),
        ("a < b? no: c@d", "a < b? no: c@d"),
        ("", ""),
    ],
)
def test_a_url_loses_user_password_query_values_and_fragment(text: str, shown: str) -> None:
    assert without_url_secrets(text) == shown


VISIBLE_ASCII = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@example("''", "{0}")
@example("'.", "url='{0}'")
@given(
    st.text(VISIBLE_ASCII, max_size=4),
    st.sampled_from(["{0}", "at {0}", "url='{0}'", 'URL("{0}"),', "<{0}>; x", "({0})."]),
)
def test_no_part_of_a_secret_is_left_whatever_parts_it(between: str, form: str) -> None:
    url = f"http://user:pass@host/?k=s3cr3t{between}s3cr3t"

    assert "s3cr3t" not in without_url_secrets(form.format(url))


@given(
    st.text(), st.sampled_from(["http://{0}@host/", "https://u:{0}@host", "http://host/p?k={0}", "http://host?{0}#{0}"])
)
def test_no_secret_is_left_whatever_stands_around(around: str, form: str) -> None:
    assert "s3cr3t" not in without_url_secrets(f"{around} {form.format('s3cr3t')} {around}")


@pytest.mark.parametrize("text", ["http://h/?" + "'" * 100_000, "http://h/" + "'." * 50_000, "://" * 50_000 + "?"])
def test_a_text_takes_a_time_that_grows_with_its_length_alone(text: str) -> None:
    # Where it grew with the square, each of them would take minutes.
    assert without_url_secrets(text)
