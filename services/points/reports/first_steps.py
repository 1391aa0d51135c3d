"""What a new shop does first, and what of it is done. Pure."""

from msgspec import Struct

from services.points.reports.attention import Words
from services.points.store.attention import Facts


class Step(Struct, frozen=True):
    """One of the first steps of a new shop."""

    title: Words
    text: Words
    address: str
    done: bool


def first_steps(facts: Facts) -> list[Step]:
    """What a new shop does first."""
    return [
        Step(
            ("LINEとつなぐ", "Connect LINE"),
            (
                "公式アカウントとつなぐと、友だち追加だけで会員になります。",
                "Once your account is connected, whoever adds it as a friend is a member.",
            ),
            "/console/settings/line",
            facts.linked,
        ),
        Step(
            ("ポイントのルールを決める", "Set the point rules"),
            (
                "何円で何ポイントか、有効期限、ランク。いつでも変えられます。",
                "How many yen a point, expiry, ranks. You can change them at any time.",
            ),
            "/console/program",
            facts.published_by not in (None, "demo"),
        ),
        Step(
            ("レジをつなぐ、ポスターを貼る", "Connect a till, print the poster"),
            (
                "レジの鍵を作るか、カウンター画面で会計します。"
                "QRコードのポスターで友だちを増やせます。",
                "Make a key for the till, or ring up at the counter page. "
                "A poster with the QR code brings friends.",
            ),
            "/console/stores",
            facts.purchases,
        ),
    ]
