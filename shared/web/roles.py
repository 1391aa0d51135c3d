"""What each role may do at the API: the one place that says so. Pure.

Whoever is signed in is held to this table before any handler runs; API keys have rules of their
own (`shared.web.auth`). The first rule that fits an operation decides; what no rule names is the
shop's as a whole. `docs/roles.md` shows the table, and a test holds the two together.
"""

from typing import Literal, NamedTuple

Role = Literal["owner", "manager", "staff", "viewer"]
ROLES: tuple[Role, ...] = ("owner", "manager", "staff", "viewer")
READERS: tuple[Role, ...] = ("owner", "manager", "viewer")
CHANGERS: tuple[Role, ...] = ("owner", "manager")
COUNTER: tuple[Role, ...] = ("owner", "manager", "staff")
OWNER: tuple[Role, ...] = ("owner",)

SAFE = ("GET", "HEAD", "OPTIONS")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
ANY = (*SAFE, *CHANGES)


class Rule(NamedTuple):
    """Who may do what: `methods` at `paths` (route templates; `/*` at the end is all below).

    `whole`: only those whom no store limits, for it concerns all stores.
    """

    ja: str
    en: str
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    roles: tuple[Role, ...]
    whole: bool = False

    def fits(self, method: str, path: str) -> bool:
        """Whether it is about this operation."""
        return method in self.methods and any(_below(path, each) for each in self.paths)


RULES: tuple[Rule, ...] = (
    Rule(
        "自分のアカウント",
        "one's own account",
        ANY,
        ("/v1/account", "/v1/account/*"),
        ROLES,
    ),
    Rule(
        "カウンターで見る:会員、履歴、取引、見積もり、ルール、店舗",
        "see at the counter: members, entries, purchases, quotes, the rules, stores",
        (*SAFE, "POST"),
        (
            "/v1/members/lookup",
            "/v1/members/{member_id}/entries",
            "/v1/members/{member_id}/rank-floor",
            "/v1/purchases/{purchase_id}",
            "/v1/redemptions/{redemption_id}",
            "/v1/quotes",
        ),
        ROLES,
    ),
    Rule(
        "同上",
        "the same",
        SAFE,
        ("/v1/members/{member_id}", "/v1/program", "/v1/stores", "/v1/counter", "/v1/counter/*"),
        ROLES,
    ),
    Rule(
        "カウンターに出す来店コード",
        "the visit code on the counter's screen",
        SAFE,
        ("/v1/stores/{code}/visit-code",),
        COUNTER,
    ),
    Rule(
        "カウンターでの操作:会員登録、カード、来店、ポイント、利用、返品、取り消し",
        "work at the counter: join, cards, visits, points, redemptions, refunds, undo",
        CHANGES,
        (
            "/v1/members",
            "/v1/members/{member_id}",
            "/v1/members/{member_id}/card",
            "/v1/members/{member_id}/link-codes",
            "/v1/members/{member_id}/service-points",
            "/v1/redemptions",
            "/v1/redemptions/*",
            "/v1/purchases/{purchase_id}/refunds",
            "/v1/counter",
            "/v1/counter/*",
        ),
        COUNTER,
    ),
    Rule(
        "スタッフ、取り込み、書き出し",
        "staff, import, export of everything",
        ANY,
        (
            "/v1/staff",
            "/v1/staff/*",
            "/v1/imports",
            "/v1/imports/*",
            "/v1/exports",
            "/v1/exports/*",
        ),
        OWNER,
    ),
    Rule(
        "レジとAPIキー",
        "terminals and API keys",
        ANY,
        ("/v1/terminals", "/v1/terminals/*"),
        OWNER,
    ),
    Rule(
        "店頭の画面に出す来店コード",
        "the code for visits on the counter's screen",
        SAFE,
        ("/v1/stores/{code}/visit-code",),
        COUNTER,
    ),
    Rule(
        "店舗、送信Webhookの変更",
        "change stores and outgoing webhooks",
        CHANGES,
        ("/v1/stores", "/v1/stores/{code}", "/v1/webhooks", "/v1/webhooks/*"),
        OWNER,
    ),
    Rule(
        "操作の記録、会員の全データの写し",
        "the audit log, copies of all that is known of a member",
        SAFE,
        ("/v1/audit", "/v1/audit/*", "/v1/members/{member_id}/exports/*"),
        CHANGERS,
    ),
    Rule(
        "会員への対応:調整、タグ、停止、ランクの下限、統合、来店コードの印刷",
        "care for members: adjustments, tags, suspension, rank floors, merging, visit codes",
        CHANGES,
        (
            "/v1/members/{member_id}/adjustments",
            "/v1/members/{member_id}/tags/*",
            "/v1/members/{member_id}/status",
            "/v1/members/{member_id}/rank-floor",
            "/v1/members/{member_id}/merge",
            "/v1/merges/*",
            "/v1/stores/{code}/printed-codes",
            "/v1/stores/{code}/printed-codes/*",
        ),
        CHANGERS,
    ),
    Rule(
        "何も変えない確認:点検、試算、件数、プレビュー",
        "checks that change nothing: checks, trials, counts, previews",
        ("POST",),
        (
            "/v1/program/check",
            "/v1/program/trial",
            "/v1/program/rank-preview",
            "/v1/segments/check",
            "/v1/segments/count",
            "/v1/messages/menus/check",
            "/v1/messages/menus/preview",
            "/v1/messages/templates/{kind}/check",
            "/v1/messages/templates/{kind}/preview",
        ),
        READERS,
    ),
    Rule("そのほかの閲覧", "see everything else", SAFE, ("/v1/*",), READERS),
    Rule(
        "そのほかの変更:ルール、セグメント、メッセージ、予定、退会と消去",
        "change everything else: rules, segments, messages, schedules, leaving and erasure",
        CHANGES,
        ("/v1/*",),
        CHANGERS,
        whole=True,
    ),
)


def rule_for(method: str, path: str) -> Rule | None:
    """What decides about an operation, by its method and its route's template."""
    return next((rule for rule in RULES if rule.fits(method, path)), None)


def refusal(role: str, limited: bool, method: str, path: str) -> Literal["role", "stores"] | None:
    """Why somebody may not do it: their role, or that stores limit them (`limited`); None if they
    may."""
    rule = rule_for(method, path)
    if rule is None or role not in rule.roles:
        return "role"
    return "stores" if rule.whole and limited else None


def _below(path: str, pattern: str) -> bool:
    if pattern.endswith("/*"):
        return path.startswith(pattern[:-1])
    return path == pattern
