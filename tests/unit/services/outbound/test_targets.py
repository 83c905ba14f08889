"""Which addresses are public, what ALLOWED_PRIVATE_TARGETS may list, and what shows in a URL."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import pairwise

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.outbound.target_url import parse_url
from services.outbound.targets import (
    ACCEPTED,
    AllowedTarget,
    ForbiddenTargetError,
    TargetPolicy,
    TargetRules,
    TargetUrl,
    what_can_be_called,
)
from services.primitives.addresses import is_public
from tests.service_fixtures import policy_of

TARGET_URL: TypeAdapter[str] = TypeAdapter(TargetUrl)
NOTHING_LISTED = TargetRules(TargetPolicy())

# One network each for what the name says, and the addresses around it that are public.
IPV4_NOT_PUBLIC = {
    "this network": "0.0.0.0/8",
    "private": "10.0.0.0/8",
    "private, 172": "172.16.0.0/12",
    "private, 192": "192.168.0.0/16",
    "carrier-grade NAT": "100.64.0.0/10",
    "loopback": "127.0.0.0/8",
    "link-local": "169.254.0.0/16",
    "IETF protocols": "192.0.0.0/24",
    "documentation, 1": "192.0.2.0/24",
    "documentation, 2": "198.51.100.0/24",
    "documentation, 3": "203.0.113.0/24",
    "6to4 relays": "192.88.99.0/24",
    "benchmarks": "198.18.0.0/15",
    "multicast and reserved": "224.0.0.0/3",
    "Azure's host": "168.63.129.16/32",
}
IPV6_NOT_PUBLIC = {
    "unspecified, loopback, IPv4-compatible": "::/96",
    "IPv4-translated": "::ffff:0:0:0/96",
    "NAT64 for local use": "64:ff9b:1::/48",
    "discard": "100::/64",
    "Teredo": "2001::/32",
    "benchmarks": "2001:2::/48",
    "ORCHID": "2001:10::/28",
    "ORCHIDv2": "2001:20::/28",
    "documentation": "2001:db8::/32",
    "6to4": "2002::/16",
    "documentation, 3fff": "3fff::/20",
    "not assigned": "4000::/2",
    "segment routing": "5f00::/16",
    "unique local": "fc00::/7",
    "link-local": "fe80::/10",
    "site-local": "fec0::/10",
    "multicast": "ff00::/8",
}
IPV4_PUBLIC = [
    "1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "198.51.99.0", "203.0.112.0", "223.255.255.255",
]  # fmt: skip
IPV6_PUBLIC = [
    "2000::", "2001:200::", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2600:1f00::1",
    "2a00::1", "3ffe::1", "3fff:1000::1",
]  # fmt: skip

nonpublic_ipv4 = st.sampled_from([IPv4Network(each) for each in IPV4_NOT_PUBLIC.values()]).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


def _public_ipv4() -> st.SearchStrategy[IPv4Address]:
    """Return what lies between the networks: of all addresses, Hypothesis draws mostly those in them."""
    blocks = sorted((int(network[0]), int(network[-1])) for network in map(IPv4Network, IPV4_NOT_PUBLIC.values()))
    between = [(end + 1, start - 1) for (_, end), (start, _) in pairwise(blocks)]
    return st.sampled_from(between).flatmap(lambda bounds: st.integers(*bounds)).map(IPv4Address)


public_ipv4 = _public_ipv4()
tails = st.integers(0, 2**80 - 1)


def _under(prefix: str, bits: int, low: int = 0) -> IPv6Address:
    return IPv6Address(int(IPv6Address(prefix)) | bits | low)


# Every form in which an IPv6 address can carry an IPv4 one; a form gets bits for what it leaves open.
EMBEDDINGS: dict[str, Callable[[IPv4Address, int], IPv6Address]] = {
    "mapped": lambda ipv4, _: _under("::ffff:0:0", int(ipv4)),
    "compatible": lambda ipv4, _: _under("::", int(ipv4)),
    "translated": lambda ipv4, _: _under("::ffff:0:0:0", int(ipv4)),
    "NAT64": lambda ipv4, _: _under("64:ff9b::", int(ipv4)),
    "NAT64 for local use, /96": lambda ipv4, _: _under("64:ff9b:1::", int(ipv4)),
    "NAT64 for local use, /48": lambda ipv4, _: _under(
        "64:ff9b:1::", (int(ipv4) >> 16) << 64, (int(ipv4) & 0xFFFF) << 40
    ),
    "6to4": lambda ipv4, tail: _under("2002::", int(ipv4) << 80, tail),
    "Teredo server": lambda ipv4, tail: _under("2001::", int(ipv4) << 64, tail % 2**64),
    "Teredo client": lambda ipv4, tail: _under("2001::", (tail % 2**64) << 32, int(ipv4) ^ 0xFFFFFFFF),
}
REACHED_AS_IPV4 = ["mapped", "NAT64"]


@pytest.mark.parametrize("network", IPV4_NOT_PUBLIC.values(), ids=IPV4_NOT_PUBLIC)
def test_an_ipv4_network_that_is_not_public_is_so_from_its_first_address_to_its_last(network: str) -> None:
    block = IPv4Network(network)

    assert not is_public(block[0])
    assert not is_public(block[-1])


@pytest.mark.parametrize("network", IPV6_NOT_PUBLIC.values(), ids=IPV6_NOT_PUBLIC)
def test_an_ipv6_network_that_is_not_public_is_so_from_its_first_address_to_its_last(network: str) -> None:
    block = IPv6Network(network)

    assert not is_public(block[0])
    assert not is_public(block[-1])


@pytest.mark.parametrize("address", [*IPV4_PUBLIC, *IPV6_PUBLIC])
def test_the_addresses_around_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS)
@given(ipv4=nonpublic_ipv4, tail=tails)
def test_an_ipv4_address_that_is_not_public_is_not_so_in_ipv6_either(
    embed: Callable[[IPv4Address, int], IPv6Address], ipv4: IPv4Address, tail: int
) -> None:
    assert not is_public(ipv4)
    assert not is_public(embed(ipv4, tail))


@pytest.mark.parametrize("form", REACHED_AS_IPV4)
@given(ipv4=public_ipv4)
def test_a_public_ipv4_address_is_public_where_ipv6_reaches_it(form: str, ipv4: IPv4Address) -> None:
    assert is_public(EMBEDDINGS[form](ipv4, 0))


@pytest.mark.parametrize("form", [form for form in EMBEDDINGS if form not in REACHED_AS_IPV4])
@given(ipv4=public_ipv4, tail=tails)
def test_other_embeddings_are_not_public_whatever_they_carry(form: str, ipv4: IPv4Address, tail: int) -> None:
    assert not is_public(EMBEDDINGS[form](ipv4, tail))


def test_the_error_is_a_transport_error_of_httpx_and_a_sentence_with_the_setting() -> None:
    error = ForbiddenTargetError("intranet.example", 80)

    assert isinstance(error, httpx2.TransportError)
    assert str(error) == "intranet.example:80 is not public, and ALLOWED_PRIVATE_TARGETS does not list it"
    assert str(ForbiddenTargetError("::1", 80)).startswith("[::1]:80 is not public")


@pytest.mark.parametrize(
    ("entry", "permitted", "forbidden"),
    [
        ("10.0.0.5", [("10.0.0.5", 80), ("10.0.0.5", 9000), ("::ffff:10.0.0.5", 80)], [("10.0.0.6", 80)]),
        ("10.0.0.5:9000", [("10.0.0.5", 9000), ("::ffff:a00:5", 9000)], [("10.0.0.5", 80), ("64:ff9b::a00:5", 9000)]),
        ("10.0.0.0/8", [("10.255.0.1", 1)], [("127.0.0.1", 1)]),
        ("0.0.0.0/0", [("127.0.0.1", 80)], [("::1", 80)]),
        ("fd00::5", [("fd00::5", 80), ("fd00:0:0::5", 443)], [("fd00::6", 80)]),
        ("[fd00::5]:9000", [("fd00::5", 9000)], [("fd00::5", 80)]),
        ("[fd00::5]", [("fd00::5", 80)], [("fd00::6", 80)]),
        ("FD00::/8", [("fd12::1", 80)], [("fc00::1", 80)]),
        ("receiver", [], [("127.0.0.1", 80)]),
    ],
)
def test_an_address_is_permitted_where_an_entry_lists_it(
    entry: str, permitted: list[tuple[str, int]], forbidden: list[tuple[str, int]]
) -> None:
    policy = policy_of(entry)

    assert all(policy.permits(*each) for each in [*permitted, ("8.8.8.8", 80)])
    assert not any(policy.permits(*each) for each in forbidden)


@pytest.mark.parametrize("address", ["", "receiver", "127.1", "2130706433", "0x7f.0.0.1", "8.8.8.8 "])
def test_what_is_no_address_is_not_permitted(address: str) -> None:
    assert not TargetPolicy().permits(address, 80)


@pytest.mark.parametrize(
    ("entry", "listed", "unlisted"),
    [
        ("receiver", [("receiver", 80), ("receiver", 9000)], [("a.receiver", 80), ("receiver.", 80), ("receive", 80)]),
        ("receiver:9000", [("receiver", 9000)], [("receiver", 80)]),
        ("My_Service-1.Internal:80", [("my_service-1.internal", 80)], [("my_service-1.internal", 443)]),
        ("10.0.0.5", [], [("10.0.0.5", 80)]),
    ],
)
def test_a_host_is_listed_by_its_very_name(
    entry: str, listed: list[tuple[str, int]], unlisted: list[tuple[str, int]]
) -> None:
    policy = policy_of(entry)

    assert all(policy.lists_host(*each) for each in listed)
    assert not any(policy.lists_host(*each) for each in unlisted)


@pytest.mark.parametrize(
    "entry",
    [
        "http://receiver", "receiver:", "receiver:0", "receiver:65536", "receiver:http", ":9000", "receiver:90:00",
        "*.internal", "-receiver", "receiver-", "a..b", "receiver.", "127.1", "2130706433", "0x7f000001",
        "10.0.0.256", "10.0.0.5:0", "10.0.0.0/8:80", "10.0.0.0/33", "[10.0.0.5]:80x", "[receiver]:80", "[fd00::5]80",
        "[fd00::5]:", "fd00::5::6", "\u2603.example", "xn--n3h.example", "user@receiver", "a/b", "1.2.3.4.5",
    ],
)  # fmt: skip
def test_an_entry_that_is_no_target_is_refused_with_what_to_write(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is no target: write host, host:port, 10\.0\.0\.5"):
        AllowedTarget.parse(entry)


def test_a_network_with_bits_beyond_its_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.5/8 has host bits set"):
        AllowedTarget.parse("10.0.0.5/8")


VISIBLE = [
    "http://127.0.0.1/", "http://127.0.0.1:9000/callback", "https://10.0.0.5/",
    "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.1/", "http://127.0.1/", "http://0/",
    "http://127.0.0.1./", "http://%31%32%37.0.0.1/", "http://%6cocalhost/", "http://\u2460\u2461\u2466.0.0.1/", "http://127\u30020\u30020\u30021/",
    "http://\uff11\uff12\uff17.0.0.1/", "http://\u24dbocalhost/", "http://[::1]/", "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b:1::a00:5]/", "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/",
    "http://[2001:db8::1]/", "http://localhost/", "http://localhost:8080/", "http://LOCALHOST/", "http://localhost./",
    "http://a.localhost/", "http://a.b.localhost./", "http://user:password@127.0.0.1/", "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1#@8.8.8.8/", "http://224.0.0.1/", "http://100.64.0.1/",
]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "named"),
    [
        (
            ["receiver:9000", "intranet.example"],
            " (it lists the receiver of this stack: http://receiver:9000/callback)",
        ),
        (["receiver"], " (it lists the receiver of this stack: http://receiver:9000/callback)"),
        (["intranet.example"], ""),
        ([], ""),
    ],
)
def test_a_refusal_names_the_example_receiver_where_it_is_listed_and_nothing_else_of_the_list(
    listed: list[str], named: str
) -> None:
    policy = TargetPolicy(map(AllowedTarget.parse, listed))

    assert what_can_be_called(policy, "http://receiver:9000/callback") == named


@pytest.mark.parametrize("url", VISIBLE)
def test_a_url_that_shows_a_forbidden_target_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TARGET_URL.validate_python(url, context=NOTHING_LISTED)

    [error] = refused.value.errors()
    assert error["type"] == "forbidden_target"
    assert error["msg"].endswith(" is not public, and ALLOWED_PRIVATE_TARGETS does not list it")


@pytest.mark.parametrize(
    "url",
    [
        "http:127.0.0.1/", "http:/127.0.0.1/", "http:\\\\127.0.0.1\\", "http://127.0.0.1\\@8.8.8.8/",
        "http://8.8.8.8\\@127.0.0.1/", "http://8.8.8.8\\.127.0.0.1/", "http://user@8.8.8.8@127.0.0.1/",
        "http://8.8.8.8:80@127.0.0.1@8.8.8.8/", "http://[8.8.8.8]@127.0.0.1/", "http://127.0.0.1[::1]/",
        "http://[::1]127.0.0.1/", "http://[::1%25lo]/", "http://[v1.a]/", "http://8.8.8.8 /", " http://8.8.8.8/",
        "http://8.8.8.8\n/", "http://8.8\t.8.8/", "http://8.8.8.8:0x50/", "http://8.8.8.8:80:80/", "//8.8.8.8/",
        "http://8.8.8.8\u2044@127.0.0.1/",
    ],
)  # fmt: skip
def test_what_readers_of_urls_disagree_on_is_no_url(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TARGET_URL.validate_python(url, context=NOTHING_LISTED)

    assert [error["type"] for error in refused.value.errors()] == ["url"]


def test_a_url_is_kept_as_it_was_given() -> None:
    url = "HTTP://user:p%E2%82%ACss@EXAMPLE.com:80/a/../%7e?{b}|[c]='d'&e=%2f%#f"

    assert TARGET_URL.validate_python(url, context=NOTHING_LISTED) == url


def test_a_url_may_be_as_long_as_the_limit_and_its_refusal_names_it() -> None:
    longest = "http://example.com/?" + "a" * (8192 - len("http://example.com/?"))

    assert TARGET_URL.validate_python(longest, context=NOTHING_LISTED) == longest
    with pytest.raises(ValidationError, match="at most 8192 characters"):
        TARGET_URL.validate_python(f"{longest}a", context=NOTHING_LISTED)
    assert TARGET_URL.json_schema()["maxLength"] == 8192


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://example.com/a b", "http://a%3Ab:c@example.com/"])
def test_a_task_that_was_accepted_is_not_judged_again(url: str) -> None:
    assert TARGET_URL.validate_python(url, context=ACCEPTED) == url


@pytest.mark.parametrize("entry", ["b\u00fccher.example", "B\u00dcCHER.example:80", "xn--bcher-kva.example"])
@pytest.mark.parametrize("host", ["b\u00fccher.example", "B%C3%BCcher.EXAMPLE", "XN--bcher-kva.example"])
def test_a_name_in_unicode_and_in_ascii_is_one_name(entry: str, host: str) -> None:
    target = parse_url(f"http://{host}/")

    assert policy_of(entry).lists_host(target.host, target.port)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://receiver:9000/callback",
        "http://8.8.8.8/",
        "http://[2001:4860:4860::8888]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://localhost.example/",
        "http://notlocalhost/",
    ],
)
def test_a_url_that_shows_none_is_taken(url: str) -> None:
    TARGET_URL.validate_python(url, context=NOTHING_LISTED)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("localhost", "http://localhost:9000/"),
        ("localhost:9000", "http://LOCALHOST:9000/"),
        ("a.localhost:80", "http://a.localhost/"),
        ("127.0.0.1:9000", "http://localhost:9000/"),
        ("::1", "http://localhost:9000/"),
        ("127.0.0.0/8", "http://2130706433/"),
        ("[fd00::5]:443", "https://[fd00::5]/"),
    ],
)
def test_a_url_whose_target_is_listed_is_taken(entry: str, url: str) -> None:
    with pytest.raises(ValidationError):
        TARGET_URL.validate_python(url, context=NOTHING_LISTED)

    TARGET_URL.validate_python(url, context=TargetRules(policy_of(entry)))


@pytest.mark.parametrize("url", ["http://localhost:9001/", "http://b.localhost:9000/", "http://127.0.0.1:9000/"])
def test_a_listed_name_permits_nothing_beside_it(url: str) -> None:
    with pytest.raises(ValidationError):
        TARGET_URL.validate_python(url, context=TargetRules(policy_of("localhost:9000")))
