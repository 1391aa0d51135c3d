"""What `/v1/messages/templates` takes and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.web.schemas import ProblemField

Language = Literal["ja", "en"]
Note = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")
]
Messages = Annotated[
    Any,
    Field(
        description="One to five messages as LINE takes them, with variables as `{name}` in texts "
        "and addresses; `{{` and `}}` are the braces themselves."
    ),
]


class TemplateWords(BaseModel):
    """The same in each language."""

    ja: str
    en: str


class TemplateVariable(BaseModel):
    """A variable of a kind: `{name}`. `most`: UTF-16 units it may hold."""

    name: str
    form: Literal["text", "percent", "address"]
    most: int
    meaning: TemplateWords
    example: TemplateWords


class TemplateState(BaseModel):
    """What is said in a language: version None is the shipped default. `problems`: why the version
    that was saved cannot be used any more, so that the default is said."""

    version: int | None
    saved: int | None
    changed_at: datetime | None
    problems: list[ProblemField]


class MessageKind(BaseModel):
    """A kind of message."""

    kind: str
    purpose: TemplateWords
    category: str
    variables: list[TemplateVariable]
    state: dict[Language, TemplateState]


class MessageKindPage(BaseModel):
    """All kinds."""

    items: list[MessageKind]
    next: None = None


class TemplateShown(BaseModel):
    """What is said, word for word. `version` None: the shipped default, `default` is that one."""

    kind: str
    language: Language
    version: int | None
    messages: Messages
    default: Messages
    note: str | None
    changed_at: datetime | None
    changed_by: str | None
    problems: list[ProblemField]


class NewTemplate(BaseModel):
    """The owner's own words. `note`: why, for the list of versions."""

    model_config = ConfigDict(extra="forbid")

    messages: Messages
    note: Note | None = None


class TemplateDraft(BaseModel):
    """Words to be checked; with a language it is told what they would change."""

    model_config = ConfigDict(extra="forbid")

    messages: Messages
    language: Language | None = None


class TemplateDifference(BaseModel):
    """A place where two versions differ; null where one has nothing there."""

    path: str
    before: Any
    after: Any


class CheckedTemplate(BaseModel):
    """Whether it could be saved; `differences` to what is said now."""

    valid: bool
    problems: list[ProblemField]
    differences: list[TemplateDifference]


class TemplateVersion(BaseModel):
    """A version in the list; `default`: it went back to the shipped words."""

    version: int
    default: bool
    note: str | None
    changed_at: datetime
    changed_by: str


class TemplateVersionPage(BaseModel):
    """Versions, newest first."""

    items: list[TemplateVersion]
    next: int | None = None


class TemplateVersionInFull(TemplateVersion):
    """A version word for word, and what it changed against the one before."""

    messages: Messages
    differences: list[TemplateDifference]


class TemplateRevert(BaseModel):
    """Back to an earlier version's words, or, without one, to the shipped default."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(None, ge=1, le=2**31 - 2)
    note: Note | None = None


class TemplatePreviewAsked(BaseModel):
    """`member`: whose data to fill in; without one, examples. `messages`: words that are not saved
    yet; without them, what is said now."""

    model_config = ConfigDict(extra="forbid")

    language: Language = "ja"
    member: UUID | None = None
    messages: Messages | None = None


class TemplatePreview(BaseModel):
    """The messages as LINE would get them, and what was filled in."""

    messages: list[Any]
    values: dict[str, str]
    of: Literal["examples", "member"]
    version: int | None


class TemplateTestAsked(BaseModel):
    """A real message to one member's LINE. `messages`: words that are not saved yet."""

    model_config = ConfigDict(extra="forbid")
    __test__ = False

    member: UUID
    language: Language = "ja"
    messages: Messages | None = None


class TemplateTestSent(BaseModel):
    """It goes out now. `of`: whose values it holds; points did not answer in time if examples."""

    __test__ = False

    delivery: UUID
    of: Literal["examples", "member"]


class MessageThemePut(BaseModel):
    """The shop's colour; all others follow from it."""

    model_config = ConfigDict(extra="forbid")

    brand: Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]


class MessageTheme(BaseModel):
    """The colours that messages may name. `version` 0: as shipped."""

    brand: str
    version: int
    colors: dict[str, str]
