"""`/v1/account/one-time-codes`: the second step of signing in, by an authenticator app."""

import segno
from fastapi import APIRouter, Request, Response

from services.points.staff import second_factor, totp
from services.points.staff.second_factor import WrongCode
from services.points.web import account_schemas as schemas
from services.points.web.account import one_time_codes, one_try, require_more_than_a_pin
from services.points.web.entering import keys_of
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey, acting, audited, audited_fields
from shared.web.auth import InPerson

router = APIRouter(prefix="/v1/account/one-time-codes", tags=["account"])

_WRONG = (
    "確認コードが違うか、すでに使われています。次のコードをお試しください。 "
    "Wrong or used already. Try the next code."
)


@router.post("", response_model=schemas.OneTimeSecret)
async def begin(request: Request, staff: InPerson, idem: IdempotencyKey) -> schemas.OneTimeSecret:
    """A secret for the app; it counts once its first code is given (PUT). Until then this gives
    the same one again."""
    async with acting(request) as batch:
        person = await require_more_than_a_pin(batch.connection, staff)
        if person.totp_since is not None:
            raise Problem(
                409,
                "one-time-codes-on",
                "2段階認証は設定済みです。先に解除してください。 "
                "Two-step sign-in is on; switch it off first.",
            )
        before = one_time_codes(person)
        batch.repeated = before == "waiting"
        secret = await second_factor.start(batch.connection, person, keys_of(request))
        told = {"one_time_codes": before}, {"one_time_codes": "waiting"}
        audited(request, f"staff:{staff.id}", before=told[0], after=told[1])
    address = totp.address(secret, person.login or person.name)
    qr = segno.make_qr(address, error="m").svg_inline(scale=4, border=2, omitsize=True)
    return schemas.OneTimeSecret(secret=totp.text_of(secret), address=address, qr=qr)


@router.put("", response_model=schemas.RecoveryCodes)
async def confirm(
    request: Request, staff: InPerson, body: schemas.TypedCode
) -> schemas.RecoveryCodes:
    """The first code of the app: from now on one is asked for at each sign-in."""
    person, tries = await one_try(request, staff)
    try:
        async with acting(request) as batch:
            keys = keys_of(request)
            codes = await second_factor.confirm(batch.connection, staff.id, keys, body.code)
            before, after = {"one_time_codes": one_time_codes(person)}, {"one_time_codes": "on"}
            audited(request, f"staff:{staff.id}", before=before, after=after)
    except WrongCode:
        raise invalid([("code", _WRONG)]) from None
    await tries.right()
    return schemas.RecoveryCodes(recovery_codes=codes)


@router.post("/removal", status_code=204)
async def remove(
    request: Request, staff: InPerson, body: schemas.TypedCode, idem: IdempotencyKey
) -> Response:
    """Ask for no code any more; one last code, or a recovery code, says that it is meant."""
    _, tries = await one_try(request, staff)
    try:
        async with acting(request) as batch:
            await second_factor.check(batch.connection, staff.id, keys_of(request), body.code)
            await second_factor.remove(batch.connection, staff.id)
            before, after = {"one_time_codes": "on"}, {"one_time_codes": "off"}
            audited(request, f"staff:{staff.id}", before=before, after=after)
    except WrongCode:
        raise invalid([("code", _WRONG)]) from None
    await tries.right()
    return Response(status_code=204)


@router.post("/recovery-codes", response_model=schemas.RecoveryCodes)
async def renew(
    request: Request, staff: InPerson, body: schemas.TypedCode, idem: IdempotencyKey
) -> schemas.RecoveryCodes:
    """Other recovery codes in place of the earlier ones."""
    _, tries = await one_try(request, staff)
    try:
        async with acting(request) as batch:
            await second_factor.check(batch.connection, staff.id, keys_of(request), body.code)
            codes = await second_factor.new_recovery_codes(batch.connection, staff.id)
            audited_fields(request, f"staff:{staff.id}", ["recovery_codes"])
    except WrongCode:
        raise invalid([("code", _WRONG)]) from None
    await tries.right()
    return schemas.RecoveryCodes(recovery_codes=codes)
