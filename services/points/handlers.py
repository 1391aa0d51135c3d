"""The service's wiring: which function handles which event. The maps at the foot are all of it."""

from services.points.hooks.collector import Collector
from services.points.key_uses import KeyUses
from services.points.members import exporting, line_names
from services.points.members.chat import Chat
from services.points.members.enrolment import Enrolment, Received
from services.points.members.linking import Linking
from services.points.nights.night import NightShift
from services.points.purchases.awards import Awards
from services.points.purchases.judging import Submitted
from services.points.rankings.ranking import Ranking
from services.points.segments.streaming import Streams
from services.points.staff import audit
from shared.bus.handling import Batch, Handlers
from shared.events import PUBLIC


def award_handlers(awards: Awards, uses: KeyUses | None = None) -> Handlers:
    """`points.awards`: purchases become points, and their tills' keys are in use."""

    async def submitted(batch: Batch, events: list[Submitted]) -> None:
        await awards.handle(batch, events)
        if uses is not None:
            uses.note({event.data.terminal_id for event in events})

    return {"purchase.submitted.v1": submitted}


def member_handlers(enrolment: Enrolment, linking: Linking) -> Handlers:
    """`points.members`: who shows up in LINE is a member, and may link a card."""

    async def received(batch: Batch, events: list[Received]) -> None:
        await enrolment.handle(batch, events)
        await linking.handle(batch, events)

    return {"line.event_received.v1": received}


def chat_handlers(chat: Chat) -> Handlers:
    """`points.chat`: data for answers in chat."""
    return {"chat.data_requested.v1": chat.handle}


def rank_handlers(ranking: Ranking, night: NightShift) -> Handlers:
    """`points.ranks`: ranks follow what members did, and the night follows the tick."""
    return {
        "points.earned.v1": ranking.points_moved,
        "points.adjusted.v1": ranking.points_moved,
        "points.reversed.v1": ranking.points_moved,
        "member.merged.v1": ranking.points_moved,
        "member.unmerged.v1": ranking.points_moved,
        "program.published.v1": ranking.program_published,
        "schedule.ticked.v1": night.ticked,
    }


def segment_handlers(streams: Streams) -> Handlers:
    """`points.segments`: who is in a segment is streamed to whoever asks."""
    return {"segment.requested.v1": streams.requested}


NAME_HANDLERS: Handlers = {"recipient.named.v1": line_names.named}
"""`points.names`: what LINE calls people."""

EXPORT_HANDLERS: Handlers = {"member.export_part.v1": exporting.take}
"""`points.exports`: what services answer is put together."""


AUDIT_HANDLERS: Handlers = {"key.acted.v1": audit.keep, "staff.acted.v1": audit.keep}
"""`points.audit`: what people who were signed in, and owner keys, changed is kept, whichever
service it was in."""


def hook_handlers(collector: Collector) -> Handlers:
    """`points.hooks`: public events are told to the owner's other systems."""
    return dict.fromkeys(PUBLIC, collector.handle)
