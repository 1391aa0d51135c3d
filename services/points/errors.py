"""What can be refused in the points service.

PointsError
├── BadReference     a reference that can never name anybody (no id, no way of naming)
├── CodeRefused      a rotating code that is forged, expired, used or somebody else's; says which
├── UnknownStore     no store has this code
├── StoreExists      another store has this code
├── KeyRevoked       an API key that was revoked stays so
├── UnknownRank      the program in force has no level of this code; carries its levels
├── AlreadyTaken     an external id or phone that another member has
├── NoSuchVersion    no version of the program has this number
├── AlreadyStarted   a version of the program that is too late to withdraw
├── OutOfDate        somebody published a program meanwhile; carries the version in force
├── BooksBroken      an account and its lots do not agree; nothing is done to it
├── NotSpendable     the program does not let so many points be spent here; says why
├── NotRefundable    more than is left of the purchase, or nothing is; carries what is left
├── NotMergeable     two members that cannot be made one, or told apart; says why
├── MergedMeanwhile  the member was merged into another one; try again, it leads there
├── MemberGone       the member has left, was merged or never was; carries which
├── ChangedMeanwhile somebody changed the member since the caller looked
├── CardReplaced     a card that was replaced counts no more
├── HasLeft          a card whose member has left: nothing is earned with it
├── LeftMeanwhile    the member left while this waited; try again, it is refused then
├── NotConfirmed     an erasure that does not name the member's card
├── LastOwner        nobody would be left who decides over everything
├── LinkOver         an invitation that was used, has expired or was withdrawn
├── LoginTaken       somebody signs in with this already
├── NotLinkable      a card and a LINE account that cannot come together; says why
├── RedemptionOver   a redemption that is captured, voided or timed out already
├── NotUndoable      an act at the counter that cannot be undone (any more); says why
├── NotNow           an import or takeout that is not at the step for this; says what to do
├── ServiceRefused   service points that the program does not let a till give
├── VisitRefused     a visit that does not count, or a code that counts none; carries why
└── NotEnoughPoints  the balance does not suffice; carries it
"""

from collections.abc import Mapping
from uuid import UUID

from shared.bus.errors import NotYet


class PointsError(Exception):
    """The root of the service's errors; the text is for people."""


class BadReference(PointsError):
    """This reference can never name anybody; `reason` is a stable word."""

    reason = "bad_member_reference"


class CodeRefused(BadReference):
    """A member's rotating code that is not good here and now. `kind` is a stable word; `ja` and
    `en` tell staff what to do, which is nearly always to have the card opened anew."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.ja, self.en = _CODES[kind]
        super().__init__(f"{self.ja} / {self.en}")


_CODES = {
    "forged": (
        "会員証のコードとして確認できません。お客様に会員証を開き直してもらい、もう一度読み取って"
        "ください",
        "This is not a member's code. Ask the customer to open the card again, and scan it anew",
    ),
    "expired": (
        "コードの有効時間が過ぎています。写真や画面の写しは使えません。会員証を開き直してもらって"
        "ください",
        "The code has run out; photographs and screenshots do not work. Ask the customer to open "
        "the card again",
    ),
    "used": (
        "このコードは一度使われています。会員証を開き直してもらってください",
        "This code was used once already. Ask the customer to open the card again",
    ),
    "elsewhere": (
        "このコードは別の端末か別の担当者が読み取っています。会員証を開き直してもらってください",
        "This code was read at another till or by somebody else. Ask the customer to open the card "
        "again",
    ),
    "another-member": (
        "読み取ったコードは、いま開いている会員のものではありません。お客様を確かめてください",
        "This code belongs to another member than the one on the screen. Check who is being served",
    ),
}


class AlreadyTaken(PointsError):
    """Another member has this external id or phone."""


class NotEnoughPoints(PointsError):
    """The balance does not suffice; `balance` is what there is."""

    def __init__(self, balance: int) -> None:
        self.balance = balance
        super().__init__(f"the balance is {balance} points")


class NotUndoable(PointsError):
    """This act stays as it is. `kind` is stable; `ja` and `en` say why, and what to do instead."""

    def __init__(self, kind: str, ja: str, en: str) -> None:
        self.kind, self.ja, self.en = kind, ja, en
        super().__init__(f"{ja} / {en}")


class ServiceRefused(PointsError):
    """The program does not allow this gift; the text says what it would have to allow."""


class UnknownStore(PointsError):
    """No store has this code."""


class LastOwner(PointsError):
    """Nobody would be left who decides over everything."""


class LinkOver(PointsError):
    """A link that lets nobody in any more."""


class LoginTaken(PointsError):
    """Somebody who works here signs in with this already."""


class StoreExists(PointsError):
    """Another store has this code."""


class KeyRevoked(PointsError):
    """An API key that was revoked stays so."""


class UnknownRank(PointsError):
    """The program in force has no level of this code; `levels` are the codes that it has."""

    def __init__(self, code: str, levels: list[str]) -> None:
        self.levels = levels
        super().__init__(f"{code!r} is not the code of a level")


class BooksBroken(PointsError):
    """A member's account and lots do not agree: `tamaru ledger verify` says where."""

    def __init__(self, member: UUID) -> None:
        self.member = member
        super().__init__(f"the books of member {member} do not add up; run tamaru ledger verify")


class NoSuchVersion(PointsError):
    """No version of the program has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no version {number}")


class AlreadyStarted(PointsError):
    """The version has started, or is about to: what it gave stays given."""

    def __init__(self, number: int) -> None:
        super().__init__(f"version {number} has started or is just starting")


class OutOfDate(PointsError):
    """Somebody published meanwhile; `current` is the version to look at."""

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(f"version {current} is in force meanwhile")


class NotSpendable(PointsError):
    """So many points cannot be spent here. `kind` is stable; `ja` and `en` say what to do."""

    def __init__(self, kind: str, ja: str, en: str) -> None:
        self.kind, self.ja, self.en = kind, ja, en
        super().__init__(en)


class NotRefundable(PointsError):
    """More than is left of the purchase: `left` is money, `lines` units by SKU. `kind` is stable;
    `ja` and `en` say what to do."""

    def __init__(self, kind: str, ja: str, en: str, left: int, lines: Mapping[str, int]) -> None:
        self.kind, self.ja, self.en, self.left, self.lines = kind, ja, en, left, dict(lines)
        super().__init__(f"{ja} / {en}")


class RedemptionOver(PointsError):
    """The redemption holds nothing any more; `status` is what it has become."""

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__(f"the redemption is {status}")


class NotMergeable(PointsError):
    """These members cannot be merged, or told apart. `ja` and `en` say what to do."""

    def __init__(self, kind: str, ja: str, en: str) -> None:
        self.kind, self.ja, self.en = kind, ja, en
        super().__init__(en)


class MergedMeanwhile(PointsError, NotYet):
    """The member was merged into another one while this waited; tried again, it leads there."""

    def __init__(self) -> None:
        super().__init__("the member was merged into another one meanwhile; try again")


class MemberGone(PointsError):
    """Nothing can be changed of this member: `status` is unknown, left or merged, `merged_into` who
    took over."""

    def __init__(self, status: str, merged_into: UUID | None) -> None:
        self.status, self.merged_into = status, merged_into
        super().__init__(f"the member is {status}")


class ChangedMeanwhile(PointsError):
    """Somebody changed the member since the caller looked."""

    def __init__(self) -> None:
        super().__init__("somebody changed the member meanwhile")


class CardReplaced(BadReference):
    """The card was replaced before this happened: whoever shows it is not to be served."""

    def __init__(self) -> None:
        super().__init__(
            "this card was replaced by a new one (このカードは再発行済みのため使えません); "
            "ask for the new card"
        )


class HasLeft(BadReference):
    """The member has left for good: whoever shows the card is not to be served."""

    reason = "member_left"

    def __init__(self) -> None:
        super().__init__(
            "退会された会員のため、ポイントは付きません。 / The member has left, so no points are "
            "given"
        )


class LeftMeanwhile(PointsError, NotYet):
    """The member left while this waited; tried again, it is refused."""

    def __init__(self) -> None:
        super().__init__("the member left meanwhile; try again")


class NotConfirmed(PointsError):
    """What cannot be undone was not confirmed with the member's card number."""


class NotLinkable(PointsError):
    """`reason` is one of those of `chat.link_refused`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class VisitRefused(PointsError):
    """The visit does not count. `reason`: today, lately (counted already), revoked, crowded (the
    printed code), expired, forged (the code on the screen), no-store."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NotNow(PointsError):
    """What was asked does not fit the step at which it is. `kind` is stable; `ja` and `en` say what
    to do."""

    def __init__(self, kind: str, ja: str, en: str) -> None:
        self.kind, self.ja, self.en = kind, ja, en
        super().__init__(f"{ja} / {en}")
