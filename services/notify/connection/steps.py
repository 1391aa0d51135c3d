"""What LINE's answers mean for the owner who sets a channel up: in words, with what to do. Pure.

Source: LINE's reference of the calls that `line` makes.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from services.notify.quota.line_figures import Figures

State = Literal["good", "warn", "bad", "unknown"]


class Reply(NamedTuple):
    """An answer of LINE's: `status` 0 where there was none, `body` empty where it was no JSON."""

    status: int
    body: Mapping[str, Any]


class Step(NamedTuple):
    """One step: its state, what was seen and what to do, in both languages.

    `fix`: what the page offers to do about it.
    """

    name: Literal["token", "webhook", "delivery", "quota", "liff"]
    state: State
    ja: str
    en: str
    fix: Literal["", "webhook"] = ""


def token(reply: Reply) -> Step:
    """Whether LINE takes the channel access token (`GET /v2/bot/info`)."""
    if reply.status == 200:
        name, basic = reply.body.get("displayName", ""), reply.body.get("basicId", "")
        return Step(
            "token",
            "good",
            f"アカウント「{name}」({basic})として送信できます。",
            f"Messages go out as “{name}” ({basic}).",
        )
    if reply.status in (401, 403):
        return Step(
            "token",
            "bad",
            "LINEがアクセストークンを受け付けません。LINE Developersで長期トークンを発行し直し、"
            "LINE_CHANNEL_ACCESS_TOKENに設定してください。",
            "LINE refuses the access token. Issue a new long-lived one in LINE Developers and set "
            "LINE_CHANNEL_ACCESS_TOKEN.",
        )
    return _away("token", reply)


def webhook(reply: Reply, wanted: str) -> Step:
    """Whether LINE sends what happens to us (`GET /v2/bot/channel/webhook/endpoint`)."""
    if reply.status == 404:
        return Step(
            "webhook",
            "bad",
            f"Webhook URLが未設定です。{wanted} を設定します。",
            f"No webhook URL is set. It should be {wanted}.",
            "webhook",
        )
    if reply.status != 200:
        return _away("webhook", reply)
    endpoint = str(reply.body.get("endpoint", ""))
    if endpoint != wanted:
        return Step(
            "webhook",
            "bad",
            f"別のURL({endpoint})に送られています。正しくは {wanted} です。",
            f"LINE sends to another address ({endpoint}). It should be {wanted}.",
            "webhook",
        )
    if not reply.body.get("active"):
        return Step(
            "webhook",
            "bad",
            "Webhookの利用がオフです。LINE Developersの「Webhookの利用」をオンにしてください。",
            "The webhook is switched off. Switch “Use webhook” on in LINE Developers.",
        )
    return Step("webhook", "good", f"{endpoint} に届きます。", f"LINE sends to {endpoint}.")


def delivery(reply: Reply) -> Step:
    """Whether a webhook arrives and its signature holds (`POST …/webhook/test`)."""
    if reply.status == 400:
        return Step(
            "delivery",
            "bad",
            "LINEはこのアドレスに送れません。インターネットから届く https のアドレスが必要です。",
            "LINE cannot send to this address. It must be https and reachable from the internet.",
        )
    if reply.status != 200:
        return _away("delivery", reply)
    status = reply.body.get("statusCode")
    if reply.body.get("success"):
        return Step(
            "delivery",
            "good",
            "テスト送信に正しく応答しました。署名も一致しています。",
            "A test was answered as it should be; the signature matches.",
        )
    if status == 401:
        return Step(
            "delivery",
            "bad",
            "署名が一致しません。LINE_CHANNEL_SECRETがこのチャネルのものか確かめてください。",
            "The signature does not match. Check that LINE_CHANNEL_SECRET is this channel's.",
        )
    why = reply.body.get("reason") or reply.body.get("detail") or status
    return Step(
        "delivery",
        "bad",
        f"テスト送信が失敗しました({why})。サーバーの証明書とアドレスを確かめてください。",
        f"The test failed ({why}). Check the server's certificate and address.",
    )


def quota(figures: Figures | None) -> Step:
    """How many messages LINE still lets through this month."""
    if figures is None:
        return Step(
            "quota",
            "unknown",
            "LINEから今月の通数を取得できませんでした。",
            "LINE did not tell this month's figures.",
        )
    if figures.limit is None:
        return Step(
            "quota",
            "good",
            f"今月 {figures.used:,} 通を送信済み。上限はありません。",
            f"{figures.used:,} sent this month. There is no limit.",
        )
    left = max(0, figures.limit - figures.used)
    return Step(
        "quota",
        "good" if left else "bad",
        f"今月は {figures.limit:,} 通のうち {figures.used:,} 通を送信済み。残り {left:,} 通です。",
        f"{figures.used:,} of {figures.limit:,} sent this month, {left:,} left.",
    )


def liff(apps: Reply | None, liff_id: str, card_url: str) -> Step:
    """Whether the member card opens inside LINE (`GET /liff/v1/apps`); None where we were given no
    secret of the login channel to ask with."""
    if apps is None:
        return Step(
            "liff",
            "unknown",
            f"スマートフォンのLINEで https://liff.line.me/{liff_id} を開き、"
            "会員カードが出れば正常です。"
            "LINE_LOGIN_CHANNEL_SECRETを設定すると自動で確かめます。",
            f"Open https://liff.line.me/{liff_id} in LINE on a phone: the card should appear. With "
            "LINE_LOGIN_CHANNEL_SECRET set this is checked for you.",
        )
    if apps.status in (400, 401, 403):
        return Step(
            "liff",
            "bad",
            "LINEログインチャネルのIDかシークレットが違います。LINE_LOGIN_CHANNEL_IDと"
            "LINE_LOGIN_CHANNEL_SECRETを確かめてください。",
            "LINE refuses the login channel's id or secret. Check LINE_LOGIN_CHANNEL_ID and "
            "LINE_LOGIN_CHANNEL_SECRET.",
        )
    if apps.status not in (200, 404):
        return _away("liff", apps)
    found = [app for app in apps.body.get("apps", []) if app.get("liffId") == liff_id]
    if not found:
        return Step(
            "liff",
            "bad",
            f"このログインチャネルにLIFFアプリ {liff_id} がありません。LIFF_IDを確かめてください。",
            f"The login channel has no LIFF app {liff_id}. Check LIFF_ID.",
        )
    url = str(found[0].get("view", {}).get("url", ""))
    if url.rstrip("/") != card_url:
        return Step(
            "liff",
            "bad",
            f"LIFFのエンドポイントURLが {url} です。"
            f"LINE Developersで {card_url} に変えてください。",
            f"The LIFF app opens {url}. Set its endpoint URL to {card_url} in LINE Developers.",
        )
    return Step(
        "liff", "good", f"LINEの中で {card_url} が開きます。", f"LINE opens {card_url} as the card."
    )


def _away(name: Literal["token", "webhook", "delivery", "liff"], reply: Reply) -> Step:
    said = f"{reply.status} {reply.body.get('message', '')}".strip()
    if reply.status == 0:
        return Step(
            name,
            "unknown",
            "LINEに接続できません。サーバーから api.line.me へ通信できるか確かめてください。",
            "LINE cannot be reached. Check that this server may connect to api.line.me.",
        )
    return Step(
        name,
        "unknown",
        f"LINEが予想外の応答をしました({said})。しばらくしてからもう一度お試しください。",
        f"LINE gave an unexpected answer ({said}). Try again later.",
    )
