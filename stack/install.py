"""Installs a lock into a virtual environment: by uv, in seconds, or by pip, in minutes, where uv cannot.

    python install.py VENV LOCK [OPTION …]         the options are those that both of them know
    python install.py VENV LOCK --for MACHINE VERSION [OPTION …]
                                                   what Linux on that machine needs for that version of Python
    python install.py VENV REQUIREMENTS --within LOCK [OPTION …]
                                                   what somebody else asks for, which changes nothing of the lock, and
                                                   may say --for as well; paths in it are as seen from its folder

The interpreter that runs it has pip, and uv where that could be had. Both take what has the hash that the lock says.

uv reads nothing of pip's configuration (https://docs.astral.sh/uv/pip/compatibility/). So uv is given here what that
says of where packages come from; where it says what uv does not know, pip installs. The image build runs this file too.
"""

import os
import re
import subprocess
import sys
import tempfile
from ast import literal_eval
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
UV = [sys.executable, "-m", "uv"]

# A later one overrides an earlier one: https://pip.pypa.io/en/stable/topics/configuration/
SECTIONS = ("global", "install", ":env:")

# https://pip.pypa.io/en/stable/cli/pip_install/ and https://docs.astral.sh/uv/reference/environment/
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
    "no-cache-dir": ("UV_NO_CACHE",),
}
SEPARATORS = {"UV_FIND_LINKS": ","}
PIP_ALONE = {"no-index", "no-binary", "keyring-provider"}

# As pip does: it trusts whom the system trusts, takes a file from whichever index has the one of the lock, and compiles
# what the programs may not be allowed to. Whoever says otherwise says it to both (stack/setup.sh).
LIKE_PIP = {"UV_SYSTEM_CERTS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match", "UV_COMPILE_BYTECODE": "1"}


# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html: Amazon Linux 2023, which has glibc 2.34.
GLIBC = "2_28"
BINARIES_ALONE = ["--only-binary", ":all:"]


def main(venv: str, requirements: str, *options: str) -> int:
    """Install; return the exit code. What fails says so on standard error."""
    if options[:1] != ("--within",):
        return install(venv, ["--require-hashes", "--requirement", requirements], options)
    file = Path(requirements).absolute()
    with constraints_file(Path(options[1]).read_text(encoding="utf-8")) as constraints:
        what = ["--requirement", str(file), "--constraint", constraints]
        return install(str(Path(venv).absolute()), what, options[2:], file.parent)


def install(venv: str, what: Sequence[str], options: Sequence[str], folder: Path | None = None) -> int:
    """Install into the environment, by uv where it can; return the exit code. `folder`: where that is done."""
    uv_platform: list[str] = []
    pip_platform: list[str] = []
    if options[:1] == ("--for",):
        uv_platform, pip_platform = options_for(*options[1:3])
        options = options[3:]
    arguments = [*what, *options]
    variables = variables_for_uv()
    if variables is not None:
        command = [*UV, "pip", "install", "--python", venv, *uv_platform, *arguments]
        if is_done(command, LIKE_PIP | os.environ | variables, folder):
            return 0
        sys.stderr.write("uv cannot install it, see above: pip tries to, which takes a minute or two …\n")
        sys.stderr.flush()
    return 0 if is_done([*PIP, "--python", venv, "install", *pip_platform, *arguments], os.environ, folder) else 1


@contextmanager
def constraints_file(lock: str) -> Iterator[str]:
    """Give the name of a file with the lock's versions alone, without its hashes: neither tool takes those there."""
    with tempfile.NamedTemporaryFile("w", prefix="constraints-", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(f"{version}\n" for version in versions_of(lock)))
        file.flush()
        yield file.name


def versions_of(lock: str) -> list[str]:
    """Return the lines of a lock that say which version of what it has, and for whom. Pure."""
    return re.findall(r"^([A-Za-z0-9][^\s=]*==[^\\\n]*[^\\\s])", lock, re.MULTILINE)


def options_for(machine: str, version: str) -> tuple[list[str], list[str]]:
    """Return what says to uv, and to pip, for which Linux and which Python they install. Pure."""
    uv = ["--python-platform", f"{machine}-manylinux_{GLIBC}", "--python-version", version, *BINARIES_ALONE]
    platforms = [f"manylinux_{GLIBC}_{machine}", f"manylinux2014_{machine}"]
    named = [option for platform in platforms for option in ("--platform", platform)]
    return uv, [*named, "--python-version", version, "--implementation", "cp", *BINARIES_ALONE]


def variables_for_uv() -> dict[str, str] | None:
    """Return the variables that give uv the configuration of pip; None where pip has to install."""
    if not find_spec("uv"):
        return None
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False)  # noqa: S603  # pip
    return None if listed.returncode else uv_variables(pip_options(listed.stdout))


def pip_options(listed: str) -> dict[str, str]:
    """Return the options for `pip install` among those that `pip config list` shows, each as it counts. Pure."""
    entries = [line.partition("=")[::2] for line in listed.splitlines()]
    values = [(*name.rpartition(".")[::2], literal_eval(value)) for name, value in entries]
    return {option: value for each in SECTIONS for section, option, value in values if section == each and value}


def uv_variables(options: Mapping[str, str]) -> dict[str, str] | None:
    """Return what says to uv what these options say to pip; None where uv knows no such thing. Pure."""
    said = {option: value.split() for option, value in options.items()}
    if PIP_ALONE & said.keys():
        return None
    return {
        variable: SEPARATORS.get(variable, " ").join(said[option])
        for option in VARIABLES.keys() & said.keys()
        for variable in VARIABLES[option]
    }


def is_done(command: list[str], environment: Mapping[str, str], folder: Path | None) -> bool:
    """Run the command, and show what it prints only where it fails."""
    done = subprocess.run(  # noqa: S603  # pip, or uv
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
        sys.stderr.flush()
    return not done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
