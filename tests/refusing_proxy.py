"""A real HTTP proxy of this machine that refuses everything, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RefusingProxy:
    """What it is asked: `CONNECT host:port`, or `POST http://host/path`."""

    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs find it; nothing is excepted."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        return {each: self.url for name in names for each in (name, name.lower())} | {"NO_PROXY": "", "no_proxy": ""}


@contextmanager
def running_proxy() -> Iterator[RefusingProxy]:
    """Run one inside the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.asked.append(f"{self.command} {self.path}")
            self.send_response(HTTPStatus.FORBIDDEN)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = do_CONNECT  # noqa: N815  # the names that http.server looks for

        def log_message(self, *_arguments: object) -> None:
            """Not on the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = RefusingProxy(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
