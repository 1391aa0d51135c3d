"""What needs attention, in plain words and with where to do something about it. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from services.points.rules.program import Program
from services.points.store.attention import DAY, Facts

FEW_PURCHASES = 20
"""Fewer in a week say nothing about the rules."""
SHOWN_NAMES = 3

Level = Literal["bad", "warn", "info"]
Words = tuple[str, str]


class Concern(Struct, frozen=True):
    """One thing; words in Japanese and English. `bad`: customers lose something or soon will;
    `warn`: should be looked at; `info`: might be meant so. `address`: where to go, '' nowhere."""

    code: str
    level: Level
    title: Words
    advice: Words
    address: str = ""


def concerns(facts: Facts, program: Program | None, now: datetime) -> list[Concern]:
    """All there is to say, the worst first."""
    found = [
        *_running(facts, now),
        *_rules(facts, program),
        *_customers(facts),
        *_systems(facts),
        *_keys(facts),
    ]
    return sorted(found, key=lambda each: ("bad", "warn", "info").index(each.level))


def _running(facts: Facts, now: datetime) -> Iterator[Concern]:
    if facts.night_since is not None or (facts.last_night and now - facts.last_night > DAY):
        yield Concern(
            "night-late",
            "bad",
            ("夜の処理が終わっていません", "The nightly work is not finished"),
            (
                "有効期限とランクの更新が遅れています。"
                "運用担当者に points ranks と scheduler の確認を依頼してください。",
                "Expiry and ranks are behind. Ask whoever runs the system to look at points ranks "
                "and scheduler.",
            ),
            "/console/schedules",
        )
    if facts.ranking_since is not None:
        yield Concern(
            "ranks-late",
            "warn",
            ("ランクの計算が遅れています", "Ranks are behind"),
            (
                "1時間以上かかっています。"
                "続くときは運用担当者に points ranks の確認を依頼してください。",
                "It takes more than an hour. If it goes on, ask whoever runs the system to look at "
                "points ranks.",
            ),
            "/console/ranks",
        )
    if facts.hanging:
        yield Concern(
            "holds-hanging",
            "bad",
            (
                f"確保されたままのポイントが{facts.hanging}件あります",
                f"{facts.hanging} holds of points are past their time",
            ),
            (
                "期限が過ぎても会員に戻っていません。"
                "運用担当者に points awards の確認を依頼してください。",
                "They should have gone back to their members. Ask whoever runs the system to look "
                "at points awards.",
            ),
        )


def _rules(facts: Facts, program: Program | None) -> Iterator[Concern]:
    if program is None:
        yield Concern(
            "no-program",
            "bad",
            ("ポイントのルールがまだありません", "There are no point rules yet"),
            (
                "公開するまで、購入はポイントにならずに待ちます。",
                "Until some are published, purchases wait and earn nothing.",
            ),
            "/console/program",
        )
        return
    if not program.accrual.rules:
        yield Concern(
            "no-rules",
            "bad",
            ("いまのルールでは誰にもポイントが付きません", "Nobody earns by the present rules"),
            ("付与ルールが1つもありません。", "They have no rule that gives points."),
            "/console/program",
        )
    elif facts.week_purchases >= FEW_PURCHASES and not facts.week_issued:
        yield Concern(
            "nobody-earns",
            "bad",
            (
                "この7日間、購入でポイントが1つも付いていません",
                "No purchase of the last 7 days earned a point",
            ),
            (
                f"購入は{facts.week_purchases}件ありました。ルールの最低金額や対象外の設定を確かめてください。",
                f"There were {facts.week_purchases}. Look at the rules' minimum and exclusions.",
            ),
            "/console/program",
        )
    if not program.welcome.points:
        yield Concern(
            "no-welcome",
            "info",
            ("入会特典がありません", "Nothing is given for joining"),
            (
                "友だち追加のきっかけになります。少しのポイントから始められます。",
                "A few points are a good reason to add the shop as a friend.",
            ),
            "/console/program",
        )


def _customers(facts: Facts) -> Iterator[Concern]:
    if facts.waiting:
        yield Concern(
            "purchases-waiting",
            "warn",
            (
                f"会員を待っている購入が{facts.waiting}件あります",
                f"{facts.waiting} purchases wait for their member",
            ),
            (
                "2日以上、その番号の会員がいません。レジの会員番号の設定を確かめるか、会員を登録してください。",
                "For two days nobody has had these numbers. Check what the till sends, or add the "
                "members.",
            ),
            "/console/members",
        )
    if facts.debtors:
        yield Concern(
            "debts",
            "info",
            (
                f"マイナスのポイントがある会員が{facts.debtors}人います",
                f"{facts.debtors} members owe points",
            ),
            (
                f"使ったあとの返品などで、合わせて{facts.debt}ポイント。次に付くポイントで埋まります。",
                f"{facts.debt} in all, such as for refunds after the points were spent. What they "
                "earn next fills it.",
            ),
            "/console/members",
        )


def _systems(facts: Facts) -> Iterator[Concern]:
    if facts.hooks_off:
        yield Concern(
            "webhooks-off",
            "warn",
            (
                f"止まっている送信Webhookが{facts.hooks_off}件あります",
                f"{facts.hooks_off} outgoing webhooks are off",
            ),
            (
                "送り先が失敗し続けました。送り先のシステムを直してから、APIで再開してください。",
                "Their address kept failing. Mend that system, then resume them by the API.",
            ),
        )
    if facts.hooks_failing:
        yield Concern(
            "webhooks-failing",
            "warn",
            (
                f"届いていない送信Webhookが{facts.hooks_failing}件あります",
                f"{facts.hooks_failing} outgoing webhooks are failing",
            ),
            (
                "1時間以上、送り先が受け取っていません。送り先のシステムを確かめてください。",
                "For more than an hour their address has taken nothing. Look at that system.",
            ),
        )
    if facts.imports_stopped:
        yield Concern(
            "import-stopped",
            "warn",
            ("取り込みが途中で止まっています", "An import stands still"),
            (
                "理由を確かめて、再開するか取り消してください。",
                "See why; go on with it or undo it.",
            ),
            "/console/import",
        )
    if facts.import_rows_bad:
        yield Concern(
            "import-bad-rows",
            "info",
            (
                f"取り込めなかった行が{facts.import_rows_bad}件あります",
                f"{facts.import_rows_bad} rows of an import were not taken",
            ),
            (
                "行ごとの理由を直して、その行だけをもう一度取り込めます。",
                "Mend what it says of each, and import those rows again.",
            ),
            "/console/import",
        )
    if facts.failed_backtests:
        yield Concern(
            "backtest-failed",
            "info",
            ("ルールの試算が失敗しました", "A trial of rules failed"),
            (
                "期間を短くして、もう一度お試しください。",
                "Try again over a shorter time.",
            ),
            "/console/program",
        )


def _keys(facts: Facts) -> Iterator[Concern]:
    if facts.open_owners:
        yield Concern(
            "owner-without-totp",
            "warn",
            (
                f"2段階認証のないオーナーが{facts.open_owners}人います",
                "An owner signs in without a second step"
                if facts.open_owners == 1
                else f"{facts.open_owners} owners sign in without a second step",
            ),
            (
                "パスワードが漏れると、店のすべてを操作されます。「自分のアカウント」で設定できます。",
                "Whoever gets the password can do everything. My account has two-step sign-in.",
            ),
            "/console/account",
        )
    if facts.bare_stores:
        yield Concern(
            "stores-without-tills",
            "info",
            (
                f"レジの鍵がない店舗:{_named(facts.bare_stores, '、')}",
                f"Stores without a key for a till: {_named(facts.bare_stores, ', ')}",
            ),
            (
                "カウンター画面だけで使う店舗なら、このままで大丈夫です。",
                "Nothing to do where the counter page is all you use.",
            ),
            "/console/stores",
        )
    for code, names, title in (
        ("keys-never-used", facts.never_used, ("使われたことのない鍵", "Keys never used")),
        ("keys-unused", facts.unused, ("90日使われていない鍵", "Keys not used for 90 days")),
    ):
        if names:
            yield Concern(
                code,
                "info",
                (
                    f"{title[0]}:{_named(names, '、')}",
                    f"{title[1]}: {_named(names, ', ')}",
                ),
                (
                    "ポイントのAPIでも会計でも使われていません。不要なら失効させてください。",
                    "Neither for purchases nor for points. Revoke what nothing needs.",
                ),
                "/console/stores",
            )


def _named(names: tuple[str, ...], between: str) -> str:
    shown = between.join(names[:SHOWN_NAMES])
    return shown + ("…" if len(names) > SHOWN_NAMES else "")
