"""What the shop knows of a member, and what a change makes of it. Pure.

Attributes are kept with the member's consent to a profile (`PROFILE`) only; who withdraws it has
them deleted in the same change.
"""

import hashlib
import unicodedata
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

PROFILE = "profile"
ATTRIBUTES = ("birthday", "gender", "area", "fields")
"""What is kept with consent only."""

NAME_FIELDS = ("name", "name_kana", "nickname")
"""Free fields that a member is searched by."""

MOST_FIELDS = 50
MOST_FIELD_BYTES = 8_000
MOST_PURPOSES = 20
MOST_TAGS = 50

Scalar = str | int | float | bool


class Consent(Struct, frozen=True):
    """Whether somebody agreed to a purpose, since when, and where they said so."""

    given: bool
    at: datetime
    source: str


class Profile(Struct, frozen=True):
    """A member's names and attributes."""

    external_id: str | None = None
    phone: str | None = None
    birthday: date | None = None
    gender: str | None = None
    area: str | None = None
    fields: dict[str, Scalar] = {}
    consent: dict[str, Consent] = {}
    tags: list[str] = []

    @property
    def consented(self) -> bool:
        """Whether attributes may be kept."""
        given = self.consent.get(PROFILE)
        return given is not None and given.given

    @property
    def empty(self) -> bool:
        """Whether no attribute is known."""
        return not any(getattr(self, name) for name in ATTRIBUTES)

    @property
    def clear_fields(self) -> dict[str, Scalar]:
        """The free fields that a member is found by, which therefore are not locked away."""
        return {name: each for name, each in self.fields.items() if name in NAME_FIELDS}

    @property
    def private_fields(self) -> dict[str, Scalar]:
        """All other free fields."""
        return {name: each for name, each in self.fields.items() if name not in NAME_FIELDS}

    @property
    def names(self) -> str:
        """The name-like fields as searches compare them."""
        found = (self.fields.get(name) for name in NAME_FIELDS)
        return "\n".join(searched(str(each)) for each in found if each is not None)


class Patch(Struct, frozen=True):
    """What is to change; what is left out stays. None clears; within `fields` it removes one."""

    external_id: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    birthday: date | UnsetType | None = UNSET
    gender: str | UnsetType | None = UNSET
    area: str | UnsetType | None = UNSET
    fields: dict[str, Scalar | None] | UnsetType | None = UNSET
    consent: dict[str, Consent] | UnsetType = UNSET

    @property
    def given(self) -> dict[str, Any]:
        """What is named."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


class ProfileRefused(Exception):
    """A change that is against the rules; `kind` is stable, `path` says where."""

    def __init__(self, kind: str, path: str, text: str) -> None:
        self.kind, self.path = kind, path
        super().__init__(text)


def patched(profile: Profile, patch: Patch) -> Profile:
    """The profile after a change. Raises ProfileRefused."""
    given = patch.given
    if "consent" in given:
        given["consent"] = {**profile.consent, **given["consent"]}
    if "fields" in given:
        given["fields"] = _merged(profile.fields, given["fields"])
    changed = replace(profile, **given)
    if not changed.consented and not changed.empty:
        wanted = [name for name in ATTRIBUTES if given.get(name)]
        if wanted:
            raise ProfileRefused(
                "no-consent",
                wanted[0],
                "プロフィールの保存には本人の同意が必要です。consent.profile も送ってください。"
                ' Ask the member and send {"consent": {"profile": {"given": true, "source": '
                '"where they agreed"}}} with it.',
            )
        changed = replace(changed, birthday=None, gender=None, area=None, fields={})
    _check(changed)
    return changed


def _merged(there: dict[str, Scalar], given: dict[str, Scalar | None] | None) -> dict[str, Scalar]:
    if given is None:
        return {}
    return {name: each for name, each in {**there, **given}.items() if each is not None}


def _check(profile: Profile) -> None:
    if len(profile.fields) > MOST_FIELDS:
        raise ProfileRefused("too-much", "fields", f"Keep at most {MOST_FIELDS} free fields.")
    if len(msgspec.json.encode(profile.fields)) > MOST_FIELD_BYTES:
        text = f"All free fields together may take {MOST_FIELD_BYTES} bytes of JSON."
        raise ProfileRefused("too-much", "fields", text)
    if len(profile.consent) > MOST_PURPOSES:
        raise ProfileRefused("too-much", "consent", f"Keep at most {MOST_PURPOSES} purposes.")
    if len(profile.tags) > MOST_TAGS:
        raise ProfileRefused("too-much", "tags", f"A member has at most {MOST_TAGS} tags.")


def tagged(profile: Profile, tag: str) -> Profile:
    """With one tag more. Raises ProfileRefused for too many."""
    return retagged(profile, sorted({*profile.tags, tag}))


def retagged(profile: Profile, tags: list[str]) -> Profile:
    """With these tags and no others. Raises ProfileRefused for too many."""
    changed = replace(profile, tags=tags)
    _check(changed)
    return changed


def untagged(profile: Profile, tag: str) -> Profile:
    """Without a tag."""
    return replace(profile, tags=[each for each in profile.tags if each != tag])


def difference(before: Profile, after: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parts that differ, as they were and as they are, ready for JSON."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    names = [name for name in new if new[name] != old[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def revision(profile: Profile) -> str:
    """What changes whenever the profile does, whoever changed it: its ETag."""
    body = msgspec.json.encode(profile, order="sorted")
    return hashlib.sha256(body).hexdigest()[:32]


def searched(text: str) -> str:
    """A name without what people write differently: width, case and spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
