"""What an import makes of what is known of a member: it fills in what is empty, and changes nothing
that is there. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from services.points.rules.importing.rows import Wanted
from services.points.rules.profiles import PROFILE, Consent, Patch, Profile, patched, retagged


def filled(profile: Profile, wanted: Wanted, consent: str | None, now: datetime) -> Profile:
    """The profile with what the row knows besides. Attributes of who has taken their consent back
    stay away. Raises ProfileRefused for too much."""
    given: dict[str, Any] = {
        name: getattr(wanted, name)
        for name in ("external_id", "phone")
        if getattr(profile, name) is None and getattr(wanted, name)
    }
    known = profile.consent.get(PROFILE)
    if consent is not None and (known is None or known.given):
        attributes = _attributes(profile, wanted)
        if attributes and known is None:
            attributes["consent"] = {PROFILE: Consent(True, now, consent)}
        given |= attributes
    changed = patched(profile, Patch(**given)) if given else profile
    tags = sorted({*changed.tags, *wanted.tags})
    return changed if tags == changed.tags else retagged(changed, tags)


def _attributes(profile: Profile, wanted: Wanted) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(wanted, name)
        for name in ("birthday", "area")
        if getattr(profile, name) is None and getattr(wanted, name)
    }
    fields = {
        name: getattr(wanted, name)
        for name in ("name", "note")
        if name not in profile.fields and getattr(wanted, name)
    }
    return found | ({"fields": fields} if fields else {})


def restored(profile: Profile, before: dict[str, Any], after: dict[str, Any]) -> Patch | None:
    """What empties the parts that an import filled in and that are still as it left them; None:
    there are none."""
    now = msgspec.to_builtins(profile)
    given: dict[str, Any] = {
        name: None
        for name in ("external_id", "phone", "birthday", "area")
        if name in after and now[name] == after[name]
    }
    there = before.get("fields") or {}
    fields = {
        name: None
        for name, value in (after.get("fields") or {}).items()
        if name not in there and profile.fields.get(name) == value
    }
    if fields:
        given["fields"] = fields
    return Patch(**given) if given else None


def restored_tags(profile: Profile, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The tags without those that an import brought."""
    brought = set(after.get("tags") or ()) - set(before.get("tags") or ())
    return [tag for tag in profile.tags if tag not in brought]
