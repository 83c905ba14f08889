"""What pip is configured to, uv is given, as far as it knows the like."""

import pytest

from stack.install import options_for, pip_options, uv_variables


def test_of_pips_options_the_environments_count_most_then_those_for_installing() -> None:
    listed = """\
:env:.index-url='https://environment.example/simple'
:env:.find-links=''
download.index-url='https://download.example/simple'
global.cert="/a folder/it's.pem"
global.find-links='/global'
global.index-url='https://global.example/simple'
install.find-links='/install\\n/more'
"""
    assert pip_options(listed) == {
        "index-url": "https://environment.example/simple",
        "find-links": "/install\n/more",
        "cert": "/a folder/it's.pem",
    }


def test_nothing_is_given_where_pip_is_given_nothing() -> None:
    assert uv_variables({}) == uv_variables({"timeout": "180", "progress-bar": "off"}) == {}


@pytest.mark.parametrize(
    ("option", "value", "variables"),
    [
        ("index-url", "https://a:b@c.example/simple", {"UV_DEFAULT_INDEX": "https://a:b@c.example/simple"}),
        ("extra-index-url", "https://c.example\nfile:///d", {"UV_INDEX": "https://c.example file:///d"}),
        ("find-links", "/wheels\n  ./more", {"UV_FIND_LINKS": "/wheels,./more"}),
        ("trusted-host", "c.example d.example:80", {"UV_INSECURE_HOST": "c.example d.example:80"}),
        ("cert", "/a folder/ca.pem", {"SSL_CERT_FILE": "/a folder/ca.pem"}),
        ("client-cert", "/client.pem", {"SSL_CLIENT_CERT": "/client.pem"}),
        ("proxy", "http://p:3128", {"HTTP_PROXY": "http://p:3128", "HTTPS_PROXY": "http://p:3128"}),
        ("no-cache-dir", "1", {"UV_NO_CACHE": "1"}),
    ],
)
def test_where_packages_come_from_is_given(option: str, value: str, variables: dict[str, str]) -> None:
    assert uv_variables({option: value}) == variables


@pytest.mark.parametrize("option", ["no-index", "no-binary", "keyring-provider"])
def test_what_uv_does_not_know_is_pips_to_do(option: str) -> None:
    assert uv_variables({option: "1", "index-url": "https://c.example/simple"}) is None


def test_another_machine_is_said_to_uv_and_to_pip_alike() -> None:
    uv, pip = options_for("aarch64", "3.13")

    assert uv == ["--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13", "--only-binary", ":all:"]
    assert pip == [
        *("--platform", "manylinux_2_28_aarch64", "--platform", "manylinux2014_aarch64"),
        *("--python-version", "3.13", "--implementation", "cp", "--only-binary", ":all:"),
    ]
