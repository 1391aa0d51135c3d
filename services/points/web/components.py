"""`/console/components`: every part that pages are made of, in every state. For developers.

Not in the navigation; `docs/pages.md` leads here. Nothing on it is read from the database.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.web.pages import PAGES
from shared.web.staff import OwnerOnly

router = APIRouter(include_in_schema=False)

_LONG_JA = "株式会社グローバルコミュニケーションズ東日本カスタマーサービス営業推進本部第二課"
_LONG_EN = "The Most Honourable Guild of Coffee Roasters, Bakers and Purveyors of Fine Provisions"
_UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
_DAYS = [
    ("11/22", 12_400, 900),
    ("11/23", 31_800, 2_400),
    ("11/24", 9_600, 0),
    ("11/25", 14_200, 1_100),
    ("11/26", None, None),
    ("11/27", 18_900, 3_200),
    ("11/28", 42_000, 1_800),
]


@router.get("/console/components")
async def page(request: Request, staff: OwnerOnly) -> HTMLResponse:
    """The page of all components."""
    return PAGES.render(
        request,
        "components_page.html",
        long_ja=_LONG_JA,
        long_en=_LONG_EN,
        unbroken=_UNBROKEN,
        days=_DAYS,
    )
