"""Every webhook kind in LINE's reference, and unknown ones, arrive once and word for word."""

import msgspec

from tests import line_kinds


async def test_every_kind_goes_through_without_loss(edge) -> None:
    events = [*line_kinds.known(), *line_kinds.unknown()]
    for start in range(0, len(events), 20):  # in one webhook, as LINE may send them
        body = {"destination": "U" + "9" * 32, "events": events[start : start + 20]}
        assert (await edge.line(body)).status == 200
    published = await edge.publishes(len(events))
    arrived = {
        msgspec.json.decode(event.data.event)["webhookEventId"]: event for event in published
    }
    assert len(arrived) == len(published) == len(events)
    for event in events:
        data = arrived[event["webhookEventId"]].data
        assert msgspec.json.decode(data.event) == event
        assert data.kind == event["type"]
        assert data.user_id == event.get("source", {}).get("userId")
