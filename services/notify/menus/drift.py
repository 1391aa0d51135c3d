"""What at LINE differs from what is known here. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.notify.menus.areas import PREFIX


class Drift(NamedTuple):
    """What was found. `lost`: ids that are not at LINE any more; `strays`: menus of ours there that
    nobody here knows of; `default`: LINE shows another default; `people`: LINE user → what they
    have ('' is nothing), where that is not what LINE was told."""

    lost: list[str]
    strays: list[str]
    default: bool
    people: dict[str, str]

    def words(self) -> list[str]:
        """A sentence for each kind, for whoever reads the log."""
        said = [
            (self.lost, "{} rich menu(s) had been deleted at LINE: made again"),
            (self.strays, "{} rich menu(s) at LINE that nobody uses: deleted"),
            (self.people, "{} person(s) had another rich menu than LINE was told: linked again"),
        ]
        words = [sentence.format(len(found)) for found, sentence in said if found]
        return words + ["LINE showed another default rich menu: set again"] * self.default


def compare(
    known: Iterable[str],
    listed: Sequence[tuple[str, str]],
    default: tuple[str | None, str | None],
    people: Mapping[str, tuple[str, str]],
) -> Drift:
    """What differs. `known` are ids; `listed` are LINE's (id, name); `default` is (told, found);
    `people` are LINE user → (told, found)."""
    there = {line_id for line_id, _ in listed}
    known = set(known)
    told, found = default
    return Drift(
        lost=sorted(known - there),
        strays=sorted(
            line_id for line_id, name in listed if line_id not in known and _is_ours(name)
        ),
        default=told != found and (told is not None or found in known),
        people={user: has for user, (should, has) in people.items() if should != has},
    )


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)
