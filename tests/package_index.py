"""A package index on loopback with one package, `probe`, whose command says where it is installed."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WHEEL = "probe-1.0-py3-none-any.whl"
PAGE = f'<a href="{WHEEL}">{WHEEL}</a>'
CODE = "import sys\n\ndef main():\n    print(sys.prefix)\n"
METADATA = {
    "probe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
    "probe-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "probe-1.0.dist-info/entry_points.txt": "[console_scripts]\nprobe = probe:main\n",
}
RECORD = "probe-1.0.dist-info/RECORD"


class PackageIndex(ThreadingHTTPServer):
    """The index (PEP 503), and who asked it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheel = wheel()
        self.clients: list[str] = []
        """The program that asked, by its User-Agent, for each answer."""
        self.refused = ""
        """The program that is answered 403."""
        self.asked = threading.Event()
        self.answers = threading.Event()
        """Set unless whoever asks is to wait."""
        self.answers.set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/simple"

    @property
    def lock(self) -> str:
        """A lock with the package."""
        return f"probe==1.0 --hash=sha256:{hashlib.sha256(self.wheel).hexdigest()}\n"

    def environment(self, directory: Path) -> dict[str, str]:
        """An environment in which pip knows this index and no other, and nothing is cached that is there already."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        return {
            **others,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.url,
            "PIP_NO_CACHE_DIR": "1",
            "UV_CACHE_DIR": str(directory / "uv-cache"),
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def running_index() -> Iterator[PackageIndex]:
    """Serve it until the end of the block."""
    with PackageIndex() as index:
        thread = threading.Thread(target=index.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            index.answers.set()
            index.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: PackageIndex

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.answers.wait()
        client = self.headers["User-Agent"].partition("/")[0]
        self.server.clients.append(client)
        name = self.path.removeprefix("/simple/probe/")
        if client == self.server.refused:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif name in {"", WHEEL}:
            self._answer(self.server.wheel if name else PAGE.encode(), "application/zip" if name else "text/html")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    def _answer(self, content: bytes, content_type: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base's name
        """Nothing."""


def wheel(*, code: str = CODE) -> bytes:
    """Return the package as a file."""
    files = {"probe.py": code, **METADATA}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(RECORD, "".join(f"{name},,\n" for name in [*files, RECORD]))
    return file.getvalue()
