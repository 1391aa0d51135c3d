"""`/v1/stores`: the shop's stores."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from msgspec.structs import asdict, replace
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points import shopkeeping
from services.points.errors import StoreExists
from services.points.store import terminals
from services.points.store.terminals import Store
from services.points.web.requests import keyed
from shared import ids
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, acting
from shared.web.audit import audited
from shared.web.auth import Caller, OwnerOnly
from shared.web.schemas import Problem as AnsweredProblem

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": AnsweredProblem},
    409: {"model": AnsweredProblem},
}
router = APIRouter(prefix="/v1/stores", tags=["stores"], responses=_PROBLEMS)

CODE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
NewCode = Annotated[str, StringConstraints(pattern=CODE)]
Code = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Note = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class NewStore(BaseModel):
    """A store. Its `code` (letters, digits, hyphens, underscores; ≤ 40) is what tills post, and
    stays; `note` is for staff and customers, such as when it is open."""

    model_config = ConfigDict(extra="forbid")

    code: NewCode
    name: Line
    address: Line | None = None
    note: Note | None = None


class StoreChange(BaseModel):
    """What is to be different; what is left out stays, null empties. Out of use (`active` false)
    tills can post nothing for the store any more; its figures and points stay."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    address: Line | None = None
    note: Note | None = None
    active: bool | None = None


class ShopStore(BaseModel):
    """A store."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    active: bool
    address: str | None
    note: str | None


class StoreList(BaseModel):
    """All stores, by code."""

    items: list[ShopStore]
    next: None = None


@router.get("", response_model=StoreList)
async def listed(request: Request, key: Caller) -> StoreList:
    """All stores, those out of use too."""
    async with request.app.state.process.pool.acquire() as connection:
        stores = await terminals.every_store(connection)
    return StoreList(items=[ShopStore.model_validate(each) for each in stores])


@router.post("", status_code=201, response_model=ShopStore)
async def add(request: Request, key: OwnerOnly, body: NewStore, idem: IdempotencyKey) -> ShopStore:
    """Add a store. Tills may post for it within seconds."""
    async with keyed(request, key, idem, "store", body) as act:
        if act.known is None:
            wanted = Store(ids.new_id(), body.code, body.name, True, 1, body.address, body.note)
            try:
                await shopkeeping.open_store(act.batch, wanted)
            except StoreExists:
                raise _taken() from None
            act.result = body.code
            audited(request, f"store:{body.code}", before=None, after=_said(wanted))
        return ShopStore.model_validate(await _found(act.batch.connection, body.code))


@router.patch("/{code}", response_model=ShopStore)
async def change(request: Request, key: OwnerOnly, code: Code, body: StoreChange) -> ShopStore:
    """Change a store. Its code stays: it is what tills post and what was printed."""
    async with acting(request) as batch:
        store = await _found(batch.connection, code)
        given = body.model_dump(exclude_unset=True)
        kept = {name: value for name, value in given.items() if _fits(name, value)}
        changed = replace(store, **kept)
        if changed != store:
            await shopkeeping.change_store(batch, changed)
        audited(request, f"store:{code}", before=_said(store), after=_said(changed))
    return ShopStore.model_validate(changed)


def _fits(name: str, value: Any) -> bool:
    """A name and whether it is in use cannot be emptied: null leaves them."""
    return value is not None or name in ("address", "note")


def _said(store: Store) -> dict[str, Any]:
    return {name: value for name, value in asdict(store).items() if name not in ("id", "revision")}


async def _found(connection: Any, code: str) -> Store:
    found = await terminals.find_store(connection, code)
    if found is None:
        raise Problem(404, "unknown-store", "この店舗コードはありません。 No store has this code.")
    return found


def _taken() -> Problem:
    return Problem(
        409,
        "store-exists",
        "この店舗コードはすでに使われています。別のコードにしてください。 "
        "Another store has this code; choose another one.",
        errors=[("code", "is another store's")],
    )
