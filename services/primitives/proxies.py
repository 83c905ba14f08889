"""Which requests go by the environment's proxy, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say: none to what is near.

It concerns the clients of AWS, Slack and OpenTelemetry, which all read these variables, each in its way. Callbacks,
data sources and the services among themselves are asked directly, whatever the environment says.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from services.primitives.addresses import is_public


def goes_directly(url: str) -> bool:
    """Return whether a request to the URL goes by no proxy: NO_PROXY lists its host, or it is near."""
    host = urlsplit(url).hostname or ""
    return _is_near(host) or bool(proxy_bypass(host))


def is_proxied(url: str) -> bool:
    """Return whether a request to the URL goes by a proxy."""
    return urlsplit(url).scheme in getproxies() and not goes_directly(url)


def _is_near(host: str) -> bool:
    """Return whether the host is this machine, or in a network that no proxy outside has its name or its address of."""
    try:
        return not is_public(ip_address(host))
    except ValueError:
        # A name without a dot is one of a container, or of the local network.
        return "." not in host or host.endswith(".localhost")
