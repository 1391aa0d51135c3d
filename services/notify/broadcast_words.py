"""Broadcasts in words for owners: states, who is left out and why, acts, variables. Pure."""

from collections.abc import Mapping

from services.notify.broadcasts.states import Act
from services.notify.delivery_words import Words

STATES: Mapping[str, Words] = {
    "draft": Words("下書き", "Draft"),
    "counting": Words("人数を確認中", "Counting", "warn"),
    "ready": Words("送信前の確認", "Ready to confirm", "warn"),
    "scheduled": Words("予約済み", "Scheduled", "brand"),
    "recounting": Words("送信の準備中", "Getting ready", "warn"),
    "sending": Words("送信中", "Sending", "warn"),
    "paused": Words("一時停止中", "Paused", "bad"),
    "sent": Words("送信済み", "Sent", "good"),
    "cancelled": Words("取り消し", "Cancelled"),
}

LEFT_OUT: Mapping[str, Words] = {
    "no_line": Words("LINEとつながっていない", "not linked to LINE"),
    "blocked": Words("ブロックしている", "have blocked the account"),
    "opted_out": Words("お知らせを停止している", "have stopped offers"),
    "erased": Words("データを消去した", "have had their data erased"),
    "switched_off": Words("お店の設定で停止", "switched off by the shop"),
}

ACTS: Mapping[str, Words] = {
    "create": Words("作成", "Created"),
    "change": Words("変更", "Changed"),
    "count": Words("人数の確認を開始", "Count asked for"),
    "counted": Words("人数を確認", "Counted"),
    "refused": Words("人数を確認できませんでした", "Could not be counted"),
    "confirm": Words("送信を確定", "Confirmed"),
    "due": Words("予約時刻になりました", "Its time came"),
    "start": Words("送信を開始", "Started"),
    "grown": Words("人数が増えたため停止", "Stopped: it grew"),
    "pause": Words("一時停止", "Paused"),
    "resume": Words("再開", "Resumed"),
    "cancel": Words("取り消し", "Cancelled"),
    "finish": Words("送信完了", "Finished"),
}

BY_OWNER = (Act.CHANGE, Act.COUNT, Act.CONFIRM, Act.PAUSE, Act.RESUME, Act.CANCEL)

VARIABLES: Mapping[str, Words] = {
    "name": Words("LINEの名前", "name in LINE"),
    "card": Words("会員番号", "card number"),
    "points": Words("ポイント残高", "balance"),
    "rank": Words("ランク", "rank"),
    "next_rank": Words("次のランク", "next rank"),
    "missing": Words("次のランクまで", "what is missing to it"),
    "expiring_points": Words("まもなく失効するポイント", "points that expire next"),
    "expiring_at": Words("その期限", "when they expire"),
    "visits": Words("来店回数", "visits"),
    "last_visit": Words("前回の来店", "last visit"),
}

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "ja": {
        "name": "花子",
        "card": "2900000000016",
        "points": "1,250",
        "rank": "シルバー",
        "next_rank": "ゴールド",
        "missing": "あと来店2回",
        "expiring_points": "300",
        "expiring_at": "2026/12/31",
        "visits": "12",
        "last_visit": "2026/11/20",
    },
    "en": {
        "name": "Hanako",
        "card": "2900000000016",
        "points": "1,250",
        "rank": "Silver",
        "next_rank": "Gold",
        "missing": "2 more visits",
        "expiring_points": "300",
        "expiring_at": "2026/12/31",
        "visits": "12",
        "last_visit": "2026/11/20",
    },
}
"""What a message is shown with before it is sent."""
