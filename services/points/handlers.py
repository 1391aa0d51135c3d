"""The service's wiring: which function handles which event. The maps at the foot are all of it."""

from services.points.awards import Awards
from services.points.chat import Chat
from services.points.enrolment import Enrolment
from services.points.ranking import Ranking
from shared.bus.handling import Handlers


def award_handlers(awards: Awards) -> Handlers:
    """`points.awards`: purchases become points."""
    return {"purchase.submitted.v1": awards.handle}


def member_handlers(enrolment: Enrolment) -> Handlers:
    """`points.members`: who shows up in LINE is a member."""
    return {"line.event_received.v1": enrolment.handle}


def chat_handlers(chat: Chat) -> Handlers:
    """`points.chat`: data for answers in chat."""
    return {"chat.data_requested.v1": chat.handle}


def rank_handlers(ranking: Ranking) -> Handlers:
    """`points.ranks`: ranks follow what members did."""
    return {
        "points.earned.v1": ranking.points_moved,
        "points.adjusted.v1": ranking.points_moved,
        "program.published.v1": ranking.program_published,
        "schedule.ticked.v1": ranking.ticked,
    }
