"""Which addresses everybody can reach."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

# Many requests lead to few addresses.
_REMEMBERED = 1024

# What the IANA registries do not call globally reachable. `ipaddress.is_global` knows another edition of them in each
# Python release, takes multicast for global, and looks into few of the forms in which IPv6 embeds IPv4.
# https://www.iana.org/assignments/iana-ipv4-special-registry
_IPV4_NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # public by the registry, but Azure's channel to the host of a virtual machine:
            # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
            "169.254.0.0/16",  # link-local, cloud metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # IETF protocol assignments, Oracle Cloud's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, deprecated
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)


# All global unicast addresses that IANA has assigned are in this block; what is outside it is loopback, link-local,
# private, multicast, reserved, or an IPv4 address in another form.
# https://www.iana.org/assignments/ipv6-address-space
_IPV6_GLOBAL_UNICAST = IPv6Network("2000::/3")


# https://www.iana.org/assignments/iana-ipv6-special-registry
_IPV6_NOT_PUBLIC = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # IETF protocol assignments: Teredo, which embeds IPv4, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which embeds IPv4
            "3fff::/20",  # documentation
        ),
    )
)


# Networks without IPv4 reach the public IPv4 addresses through it (RFC 6052, section 2.1).
_NAT64 = IPv6Network("64:ff9b::/96")


@lru_cache(_REMEMBERED)
def is_public(address: IPAddress) -> bool:
    """Return whether everybody's requests may go to the address.

    It is one that the IANA registries call globally reachable. An IPv4 address embedded in IPv6 counts as what it is
    where it is mapped (RFC 4291, section 2.5.5.2) or behind NAT64's well-known prefix; other embeddings are not public.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_NOT_PUBLIC)
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    return address in _IPV6_GLOBAL_UNICAST and not any(address in network for network in _IPV6_NOT_PUBLIC)
