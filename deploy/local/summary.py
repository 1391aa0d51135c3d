"""What `make up` says at its end. Words only. Japanese first, English second."""

from collections.abc import Mapping

_CURL = """curl -sS {EDGE_URL}/v1/purchases -H 'Authorization: Bearer {POS_API_KEY}' \\
       -H "Idempotency-Key: try-$(date +%s)" -H 'Content-Type: application/json' \\
       -H 'Prefer: wait=5' -d '{{"store": "main", "member": {{"card": "CARD"}}, \
"occurred_at": "'$(date +%FT%T%:z)'", "total": 1000, "tax": 90}}'"""

_TEXT = """
Tamaru が動いています。次のアドレスを開いてください / Tamaru is up. Open:

    {address}

ログイン / Logins of the demo shop
    レジの API キー / till key      {POS_API_KEY}
    オーナーの API キー / owner key {OWNER_API_KEY}
    オーナー / owner                {OWNER_LOGIN}  {OWNER_PASSWORD}

お試し / Three things to try
 1. 電話の画面で友だち追加すると、会員証が届きます。
    Follow the account in the phone: a welcome and a member card arrive.
 2. レジの画面から 1,000 円の買い物を送ります(CARD は会員証の 13 桁)。
    Post a purchase from the till panel, or (CARD: the 13 digits on the card):
    {curl}
 3. トークで「ポイント」と送ると、残高が返ってきます。
    Say 「ポイント」 in the chat: the balance comes back.

止める / stop: make down   状態 / state: make status   アドレスと鍵 / addresses, keys: {env_file}
"""


def text(env: Mapping[str, str], env_file: str) -> str:
    """The closing words for a stack whose `.local/env` holds `env`."""
    address = env.get("SANDBOX_URL") or env["EDGE_URL"]
    curl = _CURL.format_map(env)
    return _TEXT.format(**{**env, "address": f"{address}/", "curl": curl, "env_file": env_file})
