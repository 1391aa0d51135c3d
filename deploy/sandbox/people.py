"""The people who use LINE: who they are and whether they follow the account.

Owns their state. What they receive stands in `deliveries`.
"""

import re
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

MOST_USERS = 1_000_000
is_user_id = re.compile(r"U[0-9a-f]{32}").fullmatch


@dataclass(slots=True)
class User:
    """A LINE user. `ever_followed` tells a first follow from an unblocking.

    `language` is a BCP 47 tag; None, like an empty picture or status, is not told.
    """

    user_id: str
    name: str
    language: str | None = "ja"
    picture_url: str | None = None
    status_message: str | None = None
    following: bool = False
    ever_followed: bool = False
    scans: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    @property
    def blocked(self) -> bool:
        return self.ever_followed and not self.following


class People:
    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    def __len__(self) -> int:
        return len(self._users)

    def find(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    def add(self, name: str, user_id: str | None = None) -> User:
        """A new user; ValueError when the id is malformed, taken, or there are too many."""
        user_id = user_id or "U" + secrets.token_hex(16)
        if not is_user_id(user_id):
            raise ValueError("user_id must be U and 32 lower-case hexadecimal digits")
        if user_id in self._users:
            raise ValueError("a user with this user_id exists already")
        if len(self._users) >= MOST_USERS:
            raise ValueError(f"at most {MOST_USERS} users")
        user = User(user_id, name)
        self._users[user_id] = user
        return user

    def newest(self, count: int) -> list[User]:
        return list(self._users.values())[: -count - 1 : -1]

    def followers(self) -> Iterator[User]:
        """Those who follow now, in the order in which they came to be."""
        return (user for user in self._users.values() if user.following)

    def page_of_followers(self, start: int, size: int) -> tuple[list[User], int | None]:
        """Followers from a place among all users, and where the next page starts, if there is one.

        Users are never taken out, so a place stays where it is.
        """
        found: list[User] = []
        place = start
        for user in islice(self._users.values(), start, None):
            if user.following and len(found) == size:
                return found, place
            place += 1
            if user.following:
                found.append(user)
        return found, None

    def clear(self) -> None:
        self._users.clear()
