"""`python -m receiver`: serve until SIGTERM."""

import logging
import socket

from receiver.app import create_app
from receiver.boot import refuse_to_start, usable_settings
from receiver.logs import configure_logs
from receiver.server import make_server
from receiver.settings import SettingError, Settings
from services.streams.output import protect


def main() -> None:
    """Check every setting, then serve."""
    serve(*prepare())


def prepare() -> tuple[Settings, socket.socket]:
    """Return settings that can work and a socket that listens.

    Exit 78 (EX_CONFIG of sysexits.h) with one line where a setting cannot work.
    """
    try:
        settings = usable_settings(Settings)
        return settings, _listen(settings)
    except SettingError as error:
        refuse_to_start(error)


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT."""
    configure_logs(settings)
    server = make_server(create_app(settings), log_config=None)
    logging.getLogger("uvicorn.error").info("Listening on http://%s:%d", *listener.getsockname()[:2])
    server.run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    address = settings.receiver_host, settings.receiver_port
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:
        raise SettingError(
            f"RECEIVER_HOST, RECEIVER_PORT: cannot listen on {address[0]}:{address[1]}: {error}"
        ) from None


if __name__ == "__main__":
    protect("stderr")
    main()
