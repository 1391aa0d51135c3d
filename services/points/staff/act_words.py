"""What an act is called on the page of what was done, by method and route; the longest wins."""

from typing import NamedTuple


class Words(NamedTuple):
    """In both languages."""

    ja: str
    en: str


_WORDS: tuple[tuple[str, str, Words], ...] = (
    ("POST", "/v1/members", Words("会員を登録", "Joined a member")),
    ("PATCH", "/v1/members/{member_id}", Words("会員の情報を変更", "Changed a member")),
    ("POST", "/v1/members/{member_id}/adjustments", Words("ポイントを調整", "Adjusted points")),
    ("", "/v1/members/{member_id}/tags", Words("タグを変更", "Changed tags")),
    ("PUT", "/v1/members/{member_id}/status", Words("会員の停止・再開", "Suspended or resumed")),
    ("POST", "/v1/members/{member_id}/card", Words("カードを再発行", "Replaced a card")),
    ("POST", "/v1/members/{member_id}/link-codes", Words("連携コードを発行", "Made a link code")),
    ("POST", "/v1/members/{member_id}/merge", Words("会員を統合", "Merged members")),
    ("POST", "/v1/merges", Words("統合を取り消し", "Undid a merge")),
    ("", "/v1/members/{member_id}/rank-floor", Words("ランクの下限を変更", "Changed a rank floor")),
    ("POST", "/v1/members/{member_id}/leave", Words("退会の手続き", "Took a member out")),
    ("POST", "/v1/members/{member_id}/erasure", Words("会員の情報を消去", "Erased a member")),
    ("POST", "/v1/members/{member_id}/export", Words("会員データの写しを作成", "Copied a member")),
    ("POST", "/v1/members/{member_id}/service-points", Words("ポイントを進呈", "Gave points")),
    ("", "/v1/counter/acts", Words("カウンターの操作を取り消し", "Undid an act at the counter")),
    ("", "/v1/counter/purchases", Words("お買い上げを登録", "Entered a purchase")),
    ("", "/v1/counter/service-points", Words("ポイントを進呈", "Gave points")),
    ("", "/v1/counter/redemptions", Words("ポイントを利用", "Used points")),
    ("", "/v1/counter/refunds", Words("返品を登録", "Entered a refund")),
    ("", "/v1/counter", Words("カウンターの操作", "Worked at the counter")),
    ("", "/v1/redemptions", Words("ポイントを利用", "Used points")),
    ("", "/v1/purchases", Words("返品を登録", "Entered a refund")),
    ("PUT", "/v1/program/draft", Words("ルールの下書きを保存", "Saved a draft of the rules")),
    ("", "/v1/program/draft", Words("ルールの下書きを破棄", "Dropped a draft of the rules")),
    ("PUT", "/v1/program", Words("ポイントのルールを公開", "Published the rules")),
    ("POST", "/v1/program/versions", Words("前のルールに戻す", "Rolled the rules back")),
    ("DELETE", "/v1/program/versions", Words("予約したルールを取り下げ", "Withdrew rules to come")),
    ("", "/v1/program/backtests", Words("ルールの試算", "Backtest")),
    ("DELETE", "/v1/segments", Words("セグメントを削除", "Deleted a segment")),
    ("", "/v1/segments", Words("セグメントを保存", "Saved a segment")),
    ("", "/v1/routes", Words("登録経路を変更", "Changed a route")),
    ("", "/v1/brand", Words("カードのデザインを変更", "Changed the card's design")),
    ("", "/v1/stores/{code}/printed-codes", Words("来店コードの印刷", "Printed visit codes")),
    ("", "/v1/stores", Words("店舗を変更", "Changed stores")),
    ("", "/v1/terminals", Words("レジ・APIキーを変更", "Changed terminals and keys")),
    ("", "/v1/webhooks", Words("送信Webhookを変更", "Changed webhooks")),
    ("", "/v1/imports", Words("取り込み", "Import")),
    ("", "/v1/exports", Words("書き出し", "Export")),
    ("POST", "/v1/staff/invitations", Words("スタッフを招待", "Invited somebody")),
    ("DELETE", "/v1/staff/invitations", Words("招待を取り消し", "Withdrew an invitation")),
    ("POST", "/v1/staff/{staff_id}/password-link", Words("再設定リンクを作成", "Password link")),
    ("", "/v1/staff/{staff_id}/sessions", Words("ログインを終了", "Ended sessions")),
    ("", "/v1/staff/{staff_id}/pin", Words("PINを変更", "Changed a PIN")),
    ("", "/v1/staff", Words("スタッフを変更", "Changed somebody who works here")),
    ("", "/v1/account/sessions", Words("自分のログインを終了", "Ended own sessions")),
    ("", "/v1/account", Words("自分のアカウントを変更", "Changed the own account")),
    ("", "/v1/messages/broadcasts", Words("一斉配信の操作", "Broadcast")),
    ("", "/v1/messages/templates", Words("メッセージの文面を変更", "Changed wording")),
    ("", "/v1/messages/theme", Words("メッセージの色を変更", "Changed the messages' colour")),
    ("", "/v1/messages/menus", Words("リッチメニューを変更", "Changed rich menus")),
    ("", "/v1/messages/settings", Words("通知の設定を変更", "Changed notices")),
    ("", "/v1/messages/quota", Words("配信数の設定を変更", "Changed the quota's plan")),
    ("", "/v1/messages/links", Words("計測リンクを作成", "Made a tracked link")),
    ("", "/v1/schedules", Words("予定の操作", "Steered schedules")),
)


def words_of(act: str) -> Words:
    """What `PUT /v1/program` is called; the act itself where nobody gave it a name."""
    method, _, path = act.partition(" ")
    fitting = [
        (len(route), bool(wanted), words)
        for wanted, route, words in _WORDS
        if wanted in ("", method) and (path == route or path.startswith(route + "/"))
    ]
    return max(fitting)[2] if fitting else Words(act, act)
