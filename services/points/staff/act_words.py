"""What an act is called on the page of what was done, by method and route; the longest wins."""

from typing import NamedTuple


class Words(NamedTuple):
    """In both languages."""

    ja: str
    en: str


_ONE = "/v1/messages/broadcasts/{broadcast_id}"
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
    ("tamaru", "restore", Words("復元後に会員を再消去", "Erased a member again (restore)")),
    ("POST", "/v1/members/{member_id}/export", Words("会員データの写しを作成", "Copied a member")),
    ("POST", "/v1/members/{member_id}/service-points", Words("ポイントを進呈", "Gave points")),
    ("", "/v1/counter/acts", Words("カウンターの操作を取り消し", "Undid an act at the counter")),
    ("", "/v1/counter/purchases", Words("お買い上げを登録", "Entered a purchase")),
    ("", "/v1/counter/service-points", Words("ポイントを進呈", "Gave points")),
    ("", "/v1/counter/visits", Words("来店を登録", "Entered a visit")),
    ("", "/v1/counter/redemptions", Words("ポイントを利用", "Used points")),
    ("", "/v1/counter/refunds", Words("返品を登録", "Entered a refund")),
    ("", "/v1/counter", Words("カウンターの操作", "Worked at the counter")),
    ("", "/v1/redemptions", Words("ポイントを利用", "Used points")),
    ("", "/v1/redemptions/{redemption_id}/capture", Words("確保を確定", "Used held points")),
    ("", "/v1/redemptions/{redemption_id}/void", Words("確保を取り消し", "Let held points go")),
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
    ("POST", "/v1/stores", Words("店舗を追加", "Added a store")),
    ("PATCH", "/v1/stores", Words("店舗を変更", "Changed a store")),
    ("POST", "/v1/terminals", Words("レジ・APIキーを作成", "Made a key")),
    ("PATCH", "/v1/terminals", Words("レジ・APIキーを変更", "Changed a key")),
    ("", "/v1/terminals/{terminal_id}/rotate", Words("キーを新しくした", "Replaced a key")),
    ("", "/v1/terminals/{terminal_id}/revoke", Words("キーを失効", "Revoked a key")),
    ("POST", "/v1/webhooks", Words("送信Webhookを作成", "Made a webhook")),
    ("PATCH", "/v1/webhooks", Words("送信Webhookを変更", "Changed a webhook")),
    ("DELETE", "/v1/webhooks", Words("送信Webhookを削除", "Deleted a webhook")),
    ("", "/v1/webhooks/{webhook_id}/rotate-secret", Words("署名の鍵を交換", "Replaced a secret")),
    ("", "/v1/webhooks/{webhook_id}/test", Words("Webhookのテスト送信", "Tested a webhook")),
    ("", "/v1/webhooks/{webhook_id}/replay", Words("Webhookの再送", "Sent webhooks again")),
    ("", "/v1/webhooks/{webhook_id}/deliveries", Words("Webhookの再送", "Sent a webhook again")),
    ("POST", "/v1/imports", Words("ファイルを取り込み", "Sent a file")),
    ("", "/v1/imports/{id}/check", Words("取り込みの確認", "Checked an import")),
    ("", "/v1/imports/{id}/run", Words("取り込みを実行", "Ran an import")),
    ("", "/v1/imports/{id}/pause", Words("取り込みを一時停止", "Paused an import")),
    ("", "/v1/imports/{id}/undo", Words("取り込みを取り消し", "Undid an import")),
    ("", "/v1/imports/{id}/contents", Words("取り込んだ中身を削除", "Deleted a file's rows")),
    ("POST", "/v1/exports", Words("全データの書き出しを依頼", "Asked for all data")),
    ("GET", "/v1/exports", Words("全データをダウンロード", "Downloaded all data")),
    ("DELETE", "/v1/exports", Words("書き出しを取りやめ", "Cancelled an export")),
    ("POST", "/v1/staff/invitations", Words("スタッフを招待", "Invited somebody")),
    ("DELETE", "/v1/staff/invitations", Words("招待を取り消し", "Withdrew an invitation")),
    ("POST", "/v1/staff/{staff_id}/password-link", Words("再設定リンクを作成", "Password link")),
    ("", "/v1/staff/{staff_id}/sessions", Words("ログインを終了", "Ended sessions")),
    ("", "/v1/staff/{staff_id}/one-time-codes", Words("2段階認証を解除", "Switched two-step off")),
    ("", "/v1/staff/{staff_id}/pin", Words("PINを変更", "Changed a PIN")),
    ("", "/v1/staff", Words("スタッフを変更", "Changed somebody who works here")),
    ("", "/v1/account/sessions", Words("自分のログインを終了", "Ended own sessions")),
    ("", "/v1/account/password", Words("自分のパスワードを変更", "Changed the own password")),
    ("", "/v1/account/pin", Words("自分のPINを変更", "Changed the own PIN")),
    ("DELETE", "/v1/account/line", Words("自分のLINEログインを解除", "Took LINE Login off")),
    ("GET", "/session/line/callback", Words("自分のLINEログインを設定", "Set up LINE Login")),
    ("", "/v1/account/one-time-codes", Words("自分の2段階認証を変更", "Changed two-step sign-in")),
    ("", "/v1/account", Words("自分のアカウントを変更", "Changed the own account")),
    ("POST", "/v1/messages/broadcasts", Words("一斉配信を作成", "Made a broadcast")),
    ("PATCH", "/v1/messages/broadcasts", Words("一斉配信を変更", "Changed a broadcast")),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/count",
        Words("一斉配信の人数を計算", "Counted a broadcast"),
    ),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/confirm",
        Words("一斉配信を確定", "Confirmed a broadcast"),
    ),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/pause",
        Words("一斉配信を一時停止", "Paused a broadcast"),
    ),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/resume",
        Words("一斉配信を再開", "Resumed a broadcast"),
    ),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/cancel",
        Words("一斉配信を取りやめ", "Cancelled a broadcast"),
    ),
    (
        "",
        "/v1/messages/broadcasts/{broadcast_id}/test",
        Words("一斉配信のテスト送信", "Tested a broadcast"),
    ),
    ("", "/v1/messages/templates", Words("メッセージの文面を変更", "Changed wording")),
    ("", "/v1/messages/templates/{kind}/test", Words("文面のテスト送信", "Tested wording")),
    ("", "/v1/messages/connection", Words("LINEの受信先を設定", "Set LINE's webhook")),
    ("", "/v1/messages/theme", Words("メッセージの色を変更", "Changed the messages' colour")),
    ("", "/v1/messages/menus", Words("リッチメニューを変更", "Changed a rich menu")),
    ("DELETE", "/v1/messages/menus", Words("リッチメニューを削除", "Deleted a rich menu")),
    ("", "/v1/messages/menus/sync", Words("リッチメニューをLINEと照合", "Compared rich menus")),
    ("", "/v1/messages/settings", Words("通知の設定を変更", "Changed notices")),
    ("", "/v1/messages/quota", Words("配信数の設定を変更", "Changed the quota's plan")),
    ("", "/v1/messages/quota/release", Words("保留中の配信を再開", "Released held messages")),
    ("", "/v1/messages/links", Words("計測リンクを作成", "Made a tracked link")),
    ("PUT", "/v1/schedules", Words("予定の時刻を変更", "Changed a schedule's times")),
    ("", "/v1/schedules/{name}/pause", Words("予定を一時停止", "Paused a schedule")),
    ("", "/v1/schedules/{name}/resume", Words("予定を再開", "Resumed a schedule")),
    ("", "/v1/schedules/{name}/run", Words("予定を今すぐ実行", "Ran a schedule")),
    ("", "/v1/schedules/items/pause", Words("予定を保留", "Held back one event")),
    ("", "/v1/schedules/items/resume", Words("予定の保留を解除", "Let one event go on")),
    ("", "/v1/schedules/items/run", Words("予定を今すぐ実行", "Ran one event")),
    ("DELETE", "/v1/schedules/items", Words("予定を取りやめ", "Cancelled one event")),
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
