"""What a change makes of a profile; nothing personal without consent."""

from datetime import UTC, date, datetime

import pytest

from services.points.rules import profiles
from services.points.rules.profiles import Consent, Patch, Profile, ProfileRefused, patched

AT = datetime(2026, 11, 22, tzinfo=UTC)
YES = {"profile": Consent(True, AT, "申込書")}
NO = {"profile": Consent(False, AT, "電話")}
KNOWN = Profile(
    phone="0312345678",
    birthday=date(1990, 5, 3),
    area="東京都",
    fields={"name": "山田 花子", "size": 23.5},
    consent=YES,
    tags=["vip"],
)


@pytest.mark.parametrize(
    "patch",
    [
        Patch(birthday=date(1990, 5, 3)),
        Patch(gender="female"),
        Patch(area="大阪府"),
        Patch(fields={"name": "x"}),
        Patch(area="大阪府", consent=NO),
    ],
)
def test_attributes_need_consent(patch: Patch):
    with pytest.raises(ProfileRefused, match="consent") as refused:
        patched(Profile(), patch)
    assert refused.value.kind == "no-consent"
    assert refused.value.path in profiles.ATTRIBUTES


def test_names_and_other_purposes_need_none():
    after = patched(
        Profile(), Patch(phone="1", external_id="e", consent={"marketing": YES["profile"]})
    )
    assert (after.phone, after.external_id) == ("1", "e")
    assert not after.consented


def test_consent_may_come_with_the_attributes():
    assert patched(Profile(), Patch(area="東京都", consent=YES)).area == "東京都"


def test_withdrawing_deletes_what_needed_it_and_nothing_else():
    after = patched(KNOWN, Patch(consent=NO))
    assert after.empty
    assert (after.phone, after.tags) == ("0312345678", ["vip"])


def test_left_out_stays_null_clears_and_fields_are_merged():
    after = patched(KNOWN, Patch(area=None, fields={"size": None, "pet": "犬"}))
    assert (after.area, after.birthday) == (None, KNOWN.birthday)
    assert after.fields == {"name": "山田 花子", "pet": "犬"}
    assert patched(KNOWN, Patch(fields=None)).fields == {}


def test_limits():
    for fields in ({f"f{n}": n for n in range(51)}, {f"f{n}": "あ" * 300 for n in range(10)}):
        with pytest.raises(ProfileRefused) as refused:
            patched(KNOWN, Patch(fields=dict(fields)))
        assert refused.value.path == "fields"
    many = Profile(tags=[f"t{n}" for n in range(50)])
    with pytest.raises(ProfileRefused):
        profiles.tagged(many, "one more")


def test_tags_are_a_set():
    assert profiles.tagged(KNOWN, "vip") == KNOWN
    assert profiles.tagged(KNOWN, "a").tags == ["a", "vip"]
    assert profiles.untagged(KNOWN, "vip").tags == []


def test_a_change_holds_only_what_differs():
    after = patched(KNOWN, Patch(area="大阪府", phone="0312345678"))
    assert profiles.difference(KNOWN, after) == ({"area": "東京都"}, {"area": "大阪府"})


def test_the_revision_changes_with_the_content():
    after = patched(KNOWN, Patch(area="大阪府"))
    assert profiles.revision(after) != profiles.revision(KNOWN)
    assert profiles.revision(patched(after, Patch(area="東京都"))) == profiles.revision(KNOWN)


def test_names_are_searched_whatever_the_width_and_spaces():
    assert profiles.searched("ヤマダ　ハナコ") == profiles.searched("ﾔﾏﾀﾞ ﾊﾅｺ")
    assert profiles.searched("山田花") in KNOWN.names
