"""What can be refused in the points service.

PointsError
├── BadReference     a reference that can never name anybody (forged or expired QR, bad card)
├── UnknownStore     no store has this code
├── AlreadyTaken     an external id or phone that another member has
└── NotEnoughPoints  the balance does not suffice; carries it
"""


class PointsError(Exception):
    """The root of the service's errors; the text is for people."""


class BadReference(PointsError):
    """This reference can never name anybody."""


class AlreadyTaken(PointsError):
    """Another member has this external id or phone."""


class NotEnoughPoints(PointsError):
    """The balance does not suffice; `balance` is what there is."""

    def __init__(self, balance: int) -> None:
        self.balance = balance
        super().__init__(f"the balance is {balance} points")


class UnknownStore(PointsError):
    """No store has this code."""
