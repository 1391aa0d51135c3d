"""The shapes of `/v1/messages/menus`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from shared.web.schemas import ProblemField


class MenuPeople(BaseModel):
    """People who should have this menu."""

    linked: int = Field(description="Have it, as far as LINE was told.")
    waiting: int = Field(description="Are to get it within moments, or when LINE answers again.")
    refused: int = Field(description="LINE refused to link them.")


class Menu(BaseModel):
    """A rich menu: what it is, and what stands at LINE for it."""

    name: str
    state: str = Field(
        description="`shown` (at LINE and in use), `making` (will be within moments) or `stuck` "
        "(see `problem`)."
    )
    problem: str | None = Field(description="Why it cannot be at LINE, or looks poorer than meant.")
    line_id: str | None = Field(description="LINE's id of it; null until it is there.")
    default: bool = Field(description="Shown to everybody for whom there is no other menu.")
    people: MenuPeople = Field(description="Of the default: those who have no menu of their own.")
    changed_at: datetime
    document: dict[str, Any] = Field(
        description="The definition (docs/rich-menus.md). An image that it brought is left out."
    )
    image_given: bool = Field(description="The document brought an image; else one was drawn.")


class MenuLook(BaseModel):
    """What a look at LINE found to differ, and what was done about it."""

    at: datetime
    people: int = Field(description="How many people's menus were asked for.")
    found: list[str]


class MenuPage(BaseModel):
    """All menus, and how well LINE and the definitions agree."""

    items: list[Menu]
    next: str | None = None
    looked_at: datetime | None = Field(description="When LINE was last compared; null: never yet.")
    looks: list[MenuLook] = Field(description="The latest looks that found something.")


class MenuChecked(BaseModel):
    """What is wrong with a document."""

    ok: bool
    errors: list[ProblemField]


class MenuAsked(BaseModel):
    """LINE will be looked at within seconds."""

    asked: bool = True
