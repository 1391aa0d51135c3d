"""A message as data, made ready once: JSON text with slots, filled by joining strings.

Building a Flex message from models costs milliseconds; joining costs microseconds. What could break
LINE's limits is found when a template is made (`checking`), so a filled one always fits. Pure.
"""

import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from services.notify.errors import BadWording
from services.notify.templates.checking import check
from services.notify.templates.fixed import FIXED, settled
from services.notify.templates.placeholders import Slot, faults, filled, parts_of
from services.notify.templates.variables import Variable

_mark = re.compile(r"\\u0000([a-z_]+)(/?)\\u0000")
"""A slot within JSON text: NUL, which no template holds otherwise, stands around the name."""


class Phrase:
    """A text with slots, not JSON: a part from which a slot of a message is made."""

    def __init__(self, name: str, text: str, variables: Mapping[str, Variable]) -> None:
        if wrong := faults(text, variables):
            raise BadWording(f"{name}: {wrong[0]}")
        self._variables = variables
        self._parts = parts_of(text)

    def fill(self, **values: str) -> str:
        """The text with every slot filled, each clipped to its size."""
        return "".join(
            part if isinstance(part, str) else self._variables[part.name].fitted(values[part.name])
            for part in self._parts
        )


class Template:
    """One to five LINE messages with slots in their texts. Raises BadWording for what LINE would
    not take, whatever the slots hold.

    `version` is the number under which an owner saved it, None for a shipped default; `fixed` is
    what stands for the same in every message (`fixed.fixed`).
    """

    def __init__(
        self,
        name: str,
        messages: Any,
        variables: Mapping[str, Variable],
        *,
        version: int | None = None,
        fixed: Mapping[str, str] = FIXED,
    ) -> None:
        if wrong := check(messages, variables, fixed):
            raise BadWording(f"{name}: {'; '.join(f'{at}: {what}' for at, what in wrong)}")
        self.version = version
        marked = filled(settled(messages, fixed), _marked)
        text = json.dumps(marked, ensure_ascii=False, separators=(",", ":"))
        parts = _mark.split(text)
        self._literals = parts[0::3]
        self._slots = [
            (slot, variables[slot], bool(uri))
            for slot, uri in zip(parts[1::3], parts[2::3], strict=True)
        ]
        self.slots = frozenset(parts[1::3])

    def fill(self, values: Mapping[str, str]) -> str:
        """The JSON array with every slot filled, escaped and clipped. Raises KeyError for a slot
        without a value."""
        parts = [self._literals[0]]
        for (slot, variable, in_uri), literal in zip(self._slots, self._literals[1:], strict=True):
            value = variable.fitted(values[slot])
            parts += (encode_basestring(variable.in_uri(value) if in_uri else value)[1:-1], literal)
        return "".join(parts)


def _marked(slot: Slot) -> str:
    return f"\0{slot.name}{'/' if slot.in_uri else ''}\0"
