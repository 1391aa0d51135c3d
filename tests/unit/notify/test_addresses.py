"""Where links may lead: what is stored is what a browser will open, and nothing else is taken."""

import pytest

from services.notify.links.addresses import BadAddress, checked


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("https://shop.example.jp/", "https://shop.example.jp/"),
        ("http://shop.example.jp", "http://shop.example.jp"),
        ("HTTPS://Shop.Example.JP/A?b=C#d", "https://shop.example.jp/A?b=C#d"),
        ("https://shop.example.jp:8443/a", "https://shop.example.jp:8443/a"),
        ("https://例え.jp/商品?色=赤", "https://xn--r8jz45g.jp/%E5%95%86%E5%93%81?%E8%89%B2=%E8%B5%A4"),
        ("https://shop.example.jp/a%20b?u=https://x.jp/@c", "https://shop.example.jp/a%20b?u=https://x.jp/@c"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://192.0.2.1/", "https://192.0.2.1/"),
        ("https://shop.example.jp./", "https://shop.example.jp/"),
        ("https://a.jp/" + "あ" * 987, "https://a.jp/" + "%E3%81%82" * 987),
    ],
)  # fmt: skip
def test_good_addresses_are_stored_in_ascii(text: str, stored: str) -> None:
    assert checked(text) == stored
    assert checked(stored[:1000]).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "", "shop.example.jp", "/r/abc", "//evil.example", "https://", "https:///evil.example",
        "https:evil.example", "javascript:alert(1)", "data:text/html,x", "line://x", "ftp://a.jp/",
        "https://user@evil.example/", "https://user:pass@evil.example/", "https://good.jp@evil.example",
        "https://@evil.example", "https://good.jp\\@evil.example", "https:\\\\evil.example/",
        "https://good.jp/\r\nSet-Cookie: a=b", "https://good.jp/\x00", "\thttps://good.jp/",
        "https://good.jp/a b", "https://good.jp/\u202egpj", "https://good.jp/\u3000", "https://go%6fd.jp/",
        "https://good.jp:99999/", "https://good.jp:x/", "https://[::1/", "https://[x]/", "https://[v1.a]/",
        "https://-a.jp/", "https://a..jp/", "https://" + "a" * 64 + ".jp/", "https://good.jp/\udc80",
        "https://a.jp/" + "あ" * 988, "https://a.jp/" + "😀" * 494, "https://\u2100.jp/", "https://a_.jp:/\x7f",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        checked(text)
