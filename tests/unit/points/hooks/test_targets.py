"""Where webhooks may go: no way from an owner's key to the inside of the network."""

import pytest

from services.points.hooks import targets


@pytest.mark.parametrize(
    "url",
    [
        "https://example.jp/hooks",
        "https://example.jp",
        "https://example.jp:8443/a?b=c",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://xn--r8jz45g.jp/",
    ],
)
def test_public_https_is_taken(url: str) -> None:
    assert targets.refused_url(url, allow_private=False) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.jp/", "use https"),
        ("http://127.0.0.1/", "use https"),
        ("ftp://example.jp/", "use https"),
        ("javascript:alert(1)", "no URL"),
        ("example.jp/hooks", "no URL"),
        ("https://", "no URL"),
        ("https://a:99999/", "no URL"),
        ("", "no URL"),
        ("https://user:word@example.jp/", "password"),
        ("https://user@example.jp/", "password"),
        ("https://example.jp/#a", "#"),
        ("https://example.jp/ a", "spaces"),
        ("https://example.jp/\r\nX: y", "spaces"),
        ("https://例え.jp/", "ASCII"),
        ("https://example.jp/" + "a" * 2000, "2000"),
        ("https://example.jp:25/", "port"),
        ("https://example.jp:22/", "port"),
        ("https://example.jp:80/", "port"),
        ("https://localhost/", "public"),
        ("https://LOCALHOST./", "public"),
        ("https://a.localhost/", "public"),
        ("https://postgres:5432/", "public"),
        ("https://points-web:8080/", "public"),
        ("https://db.internal/", "public"),
        ("https://printer.local/", "public"),
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://10.1.2.3/", "10.1.2.3"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://[::1]/", "::1"),
        ("https://[::ffff:10.0.0.1]/", "10.0.0.1"),
        ("https://[fe80::1%25eth0]/", "fe80::1"),
    ],
)
def test_everything_else_is_refused_with_a_reason(url: str, why: str) -> None:
    refusal = targets.refused_url(url, allow_private=False)
    assert refusal is not None
    assert why in refusal


PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "0.0.0.0",
    "224.0.0.1",
    "ff02::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:1::1",
]
NOT_PUBLIC = [
    *PRIVATE,
    "198.18.0.1",
    "192.0.2.1",
    "240.0.0.1",
    "255.255.255.255",
    "fec0::1",
    "fc00::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
]


@pytest.mark.parametrize("address", ["1.1.1.1", "203.104.128.1", "2606:4700::1111"])
def test_public_addresses_are_connected_to(address: str) -> None:
    assert targets.refused_address(address, allow_private=False) is None


@pytest.mark.parametrize("address", [*NEVER, *NOT_PUBLIC])
def test_others_are_not(address: str) -> None:
    assert targets.refused_address(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_are_when_the_installation_says_so(address: str) -> None:
    assert targets.refused_address(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_nobodys_addresses_are_not_even_then(address: str) -> None:
    assert targets.refused_address(address, allow_private=True)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://127.0.0.1:9000/", True),
        ("http://localhost:9000/", True),
        ("http://[::1]:9000/", True),
        ("https://192.168.1.5:8080/", True),
        ("https://erp/", True),
        ("http://192.168.1.5/", False),
        ("http://example.jp/", False),
        ("http://169.254.169.254/", False),
        ("https://169.254.169.254/", False),
        ("https://a:b@127.0.0.1/", False),
    ],
)
def test_an_installation_may_allow_its_own_network(url: str, taken: bool) -> None:
    assert (targets.refused_url(url, allow_private=True) is None) is taken
