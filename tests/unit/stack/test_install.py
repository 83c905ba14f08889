"""What pip is configured to, uv is given, as far as it knows the like."""

import re
import subprocess
from pathlib import Path

import pytest

from stack.config import ROOT
from stack.install import constraints_file, options_for, pip_options, uv_variables, versions_of


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


def test_the_versions_of_a_lock_are_those_that_it_pins_each_with_its_condition() -> None:
    lock = """\
# A comment, with an other==1.0 in it.
anyio==4.16.0 \\
    --hash=sha256:0 \\
    --hash=sha256:1
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:2
plain==1.0
"""
    assert versions_of(lock) == ["anyio==4.16.0", "colorama==0.4.6 ; sys_platform == 'win32'", "plain==1.0"]


def test_every_package_of_the_lock_is_one_of_its_versions_and_they_are_there_while_they_are_used() -> None:
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    with constraints_file(lock) as file:
        constraints = Path(file).read_text().splitlines()

    assert len(constraints) == lock.count("==") - _conditions(lock)
    assert not Path(file).exists()


def _conditions(lock: str) -> int:
    """How many equalities are of conditions."""
    return sum(line.partition(" ; ")[2].count("==") for line in lock.splitlines())


def test_the_image_has_the_same_versions_for_those_who_build_on_it() -> None:
    [script] = re.findall(r"sed -n '([^']*)' /build/runtime.txt", (ROOT / "Dockerfile").read_text())
    lock = ROOT / "requirements" / "runtime.txt"

    done = subprocess.run(["sed", "-n", script, lock], capture_output=True, text=True, check=True)  # noqa: S603, S607

    assert done.stdout.splitlines() == versions_of(lock.read_text())
