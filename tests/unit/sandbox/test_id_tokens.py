import pytest

from deploy.sandbox import id_tokens

KEY = b"k" * 32


def token(at: int = 1000) -> str:
    return id_tokens.issue(KEY, channel_id="123", user_id="Uhanako", name="はなこ", at=at)


def test_a_good_token_gives_its_claims() -> None:
    claims = id_tokens.verify(KEY, token(), channel_id="123", at=1000, user_id="Uhanako")
    assert claims == {
        "iss": "https://access.line.me", "sub": "Uhanako", "aud": "123", "iat": 1000,
        "exp": 4600, "amr": ["linesso"], "name": "はなこ",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"channel_id": "124"}, "Invalid IdToken Audience."),
        ({"at": 4600}, "IdToken expired."),
        ({"nonce": "n"}, "Invalid IdToken Nonce."),
        ({"user_id": "Utaro"}, "Invalid IdToken Subject Identifier."),
    ],
)
def test_a_token_is_refused_in_lines_words(check: dict[str, object], words: str) -> None:
    asked = {"channel_id": "123", "at": 4599, **check}
    with pytest.raises(id_tokens.InvalidToken, match=words):
        id_tokens.verify(KEY, token(), **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("spoiled", ["", ".", "a.b", "a.b.c", token()[:-1], token()[1:], "…"])
def test_what_was_not_signed_here_is_invalid(spoiled: str) -> None:
    with pytest.raises(id_tokens.InvalidToken, match=r"Invalid IdToken\."):
        id_tokens.verify(KEY, spoiled, channel_id="123", at=1000)
    with pytest.raises(id_tokens.InvalidToken, match=r"Invalid IdToken\."):
        id_tokens.verify(b"another", token(), channel_id="123", at=1000)
