"""The service's ASGI app: routes, problems, what handlers find in `app.state`."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.points.brand.shown import Brand
from services.points.errors import AlreadyTaken, MemberGone, MergedMeanwhile, NotEnoughPoints
from services.points.key_uses import KeyUses
from services.points.members.enrolment import Enrolment
from services.points.members.linking import Linking
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.settings import WebSettings
from services.points.staff import line_sign_in
from services.points.store import sealed
from services.points.store.sealed import WrongKey
from services.points.web import (
    account,
    account_codes,
    audit,
    audit_pages,
    backtests,
    backtests_pages,
    brand,
    brand_served,
    card,
    card_farewell,
    card_old_card,
    card_profile,
    card_visit,
    components,
    console_export,
    console_imports,
    console_member,
    console_members,
    counter,
    counter_acts,
    counter_members,
    counter_page,
    counter_refunds,
    design_page,
    documents,
    drafts,
    hooks,
    imports,
    invitation_page,
    join_page,
    leaving,
    link_page,
    links,
    member_search,
    members,
    merges,
    profiles,
    program,
    program_pages,
    purchases,
    quotes,
    rankings,
    ranks_pages,
    redemptions,
    refunds,
    reports,
    routes,
    segments,
    segments_pages,
    service,
    sign_in,
    sign_in_line,
    staff,
    staff_invitations,
    staff_pages,
    stores,
    stores_pages,
    story,
    switching,
    takeouts,
    terminals,
    today,
    trials,
    versions,
    visit_codes,
)
from services.points.web.pages import PAGES
from shared import logs, problems
from shared.bus.errors import NotYet
from shared.process import Process
from shared.web import api, pages
from shared.web.staff import Gate
from shared.web.waiting import Waiting

log = logs.logger(__name__)

_LOCKED_SECONDS = 60
"""Somebody has to mend a setting."""

_MODULES = (
    card,  # first: what is opened most often is looked for first
    member_search,
    members,
    story,
    profiles,
    links,
    merges,
    leaving,
    card_farewell,
    service,
    sign_in,
    sign_in_line,
    switching,
    account,
    account_codes,
    staff_invitations,
    staff,
    invitation_page,
    audit,
    staff_pages,
    audit_pages,
    quotes,
    program,
    trials,
    drafts,
    versions,
    backtests,
    rankings,
    purchases,
    redemptions,
    refunds,
    segments,
    hooks,
    imports,
    takeouts,
    console_imports,
    console_export,
    routes,
    reports,
    counter,
    counter_acts,
    counter_members,
    visit_codes,
    brand,
    brand_served,
    stores,
    terminals,
    design_page,
    today,
    stores_pages,
    counter_page,
    counter_refunds,
    card,
    card_profile,
    card_old_card,
    card_visit,
    link_page,
    join_page,
    documents,
    components,
    program_pages,
    backtests_pages,
    ranks_pages,
    segments_pages,
    console_members,
    console_member,
)


def documented() -> FastAPI:
    """The routes alone, for the API's document."""
    return api.documented("Tamaru points", [module.router for module in _MODULES])


def build(process: Process, settings: WebSettings) -> FastAPI:
    """The app of a process."""
    app = documented()
    sealed.use(settings.personal_keys)
    rulebook = Rulebook()
    app.state.settings = settings
    app.state.rulebook = rulebook
    app.state.awards = Awards(rulebook, settings.qr_keys)
    app.state.enrolment = Enrolment(rulebook, app.state.awards)
    app.state.linking = Linking(rulebook, settings.qr_keys)
    app.state.card = card.Card(settings)
    app.state.brand = Brand()
    process.on_stop.append(app.state.card.close)
    app.state.waiting = Waiting()
    process.bus.on_reply(app.state.waiting.receive)
    app.state.key_uses = KeyUses()
    app.state.line_sign_in = line_sign_in.opened(settings)
    if app.state.line_sign_in is not None:
        process.on_stop.append(app.state.line_sign_in.close)
    api.serve(
        app,
        process,
        app.state.key_uses.find,
        Gate(settings.session_keys, settings.public_url),
        redis_url=settings.redis_url.get_secret_value(),
        name="points",
        rate=settings.rate_limit_per_second,
    )
    app.add_exception_handler(AlreadyTaken, _taken)
    app.add_exception_handler(NotEnoughPoints, _not_enough)
    app.add_exception_handler(NotYet, _not_ready)
    app.add_exception_handler(MergedMeanwhile, _merged)
    app.add_exception_handler(MemberGone, _gone)
    app.add_exception_handler(WrongKey, _locked)
    pages.install(app, PAGES)
    return app


async def _taken(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "name-taken", f"{error}. Look that member up.").response()


async def _not_enough(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotEnoughPoints)  # noqa: S101 - registered for it only
    return problems.Problem(
        422,
        "not-enough-points",
        f"The balance is {error.balance} points. Take no more than that.",
        balance=error.balance,
    ).response()


async def _not_ready(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "no-program", f"{error}. PUT /v1/program first.").response()


async def _merged(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "merged-meanwhile", f"{error}.").response()


async def _gone(_: Request, error: Exception) -> Response:
    words = "退会された会員です。 The member has left: nothing can be given or taken any more."
    return problems.Problem(409, "member-gone", words).response()


async def _locked(request: Request, error: Exception) -> Response:
    log.error("personal data cannot be read", problem=str(error))
    words = (
        "個人情報を開く鍵が違います。 Members' personal data is sealed under another "
        "PERSONAL_DATA_KEY. Points, cards and redemptions go on without it. The operator has to "
        "give the key that it was sealed with; `tamaru doctor` says more."
    )
    problem = problems.Problem(
        503, "personal-data-locked", words, headers=problems.come_again(_LOCKED_SECONDS)
    )
    return PAGES.problem(request, problem)
