"""Where webhooks may be sent: rules for URLs when they are given, and for addresses when a
connection is made. Pure.

A URL that an owner's key gives must not lead a process inside the installation's network to its
neighbours (server-side request forgery). A name is judged by the address that is being connected
to, each time: what it led to a minute ago proves nothing (DNS rebinding).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

LONGEST = 2000
HTTPS = 443
FIRST_FREE_PORT = 1024
"""443 or from here on: below are mail, shells and other services that a POST must never reach."""

_OWN_NAMES = ("localhost", ".localhost", ".local", ".internal", ".home.arpa", ".lan")

_NEVER = (  # whatever the settings say: where clouds tell machines their secrets, and nobody's
    IPv4Network("169.254.0.0/16"),
    IPv4Network("168.63.129.16/32"),  # Azure's platform
    IPv4Network("100.100.100.200/32"),  # Alibaba Cloud's metadata
    IPv4Network("192.0.0.192/32"),  # Oracle Cloud's metadata
    IPv4Network("0.0.0.0/8"),
    IPv6Network("fd00:ec2::/32"),  # Amazon's metadata
    IPv6Network("fe80::/10"),
    IPv6Network("::/128"),
    IPv6Network("2002::/16"),  # 6to4 and Teredo carry an IPv4 address that nobody can check
    IPv6Network("2001::/32"),
)
_NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


def refused_url(url: str, *, allow_private: bool) -> str | None:
    """Why nothing is sent to this URL, or None. Knows only what the text says."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        return f"give a URL of at most {LONGEST} ASCII characters, without spaces"
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        return "this is no URL"
    if not host or port is None or "\\" in url:
        return "this is no URL with a host"
    if parsed.user is not None or parsed.password is not None:
        return "leave the user and password out of the URL: every sending is signed"
    if "#" in url:
        return "leave out the part after #"
    return _refused_way(parsed.scheme, host, port, allow_private)


def refused_address(text: str, *, allow_private: bool) -> str | None:
    """Why no connection is made to this IP address, or None."""
    address = _plain(ip_address(text.partition("%")[0]))
    if any(address in network for network in _NEVER) or address.is_multicast:
        return f"{address} is an address that nothing may be sent to"
    if allow_private or _is_public(address):
        return None
    return f"{address} is not an address on the public internet"


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine itself."""
    host = host.lower().rstrip(".")
    address = _literal(host)
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _refused_way(scheme: str, host: str, port: int, allow_private: bool) -> str | None:
    if scheme != "https" and not (scheme == "http" and allow_private and is_loopback(host)):
        return "use https"
    if not allow_private and port != HTTPS and port < FIRST_FREE_PORT:
        return f"use port {HTTPS}, or one from {FIRST_FREE_PORT} on"
    if (address := _literal(host)) is not None:
        return refused_address(str(address), allow_private=allow_private)
    name = host.lower().rstrip(".")
    if not allow_private and ("." not in name or name.endswith(_OWN_NAMES)):
        return f"{name} is not a name on the public internet"
    return None


def _literal(host: str) -> Address | None:
    try:
        return _plain(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only wraps, so that it is judged by its own rules."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not address.is_reserved and not site_local
