"""Sends webhooks to the edge as LINE does: signed, given up after 2 seconds, sent again on failure.

Owns delivery: lanes, redelivery and the faults of the way. One user's events go through one lane,
in order, so that disorder comes only from faults and redelivery.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from deploy.sandbox.platform import Platform
from deploy.sandbox.webhook_events import Event, redelivered, signature, webhook_body

LANES = 16
GIVE_UP = aiohttp.ClientTimeout(total=2)
HELD_SECONDS = 1.0
REDELIVERED_AFTER_SECONDS = 1.0


@dataclass(slots=True)
class Webhook:
    """Events that travel in one request, and how often that was tried."""

    events: list[Event]
    failures: int = 0
    again: bool = False  # sent again although it had arrived


@dataclass(slots=True)
class Lane:
    queue: asyncio.Queue[Webhook] = field(default_factory=asyncio.Queue)
    held: Webhook | None = None


class WebhookSender:
    """`run` sends until cancelled; `submit` hands over events and returns at once. `reached` says
    where an address is to be asked for from here."""

    def __init__(
        self,
        platform: Platform,
        secret: str,
        http: aiohttp.ClientSession,
        reached: Callable[[str], str],
    ) -> None:
        self._platform = platform
        self._secret = secret
        self._http = http
        self._reached = reached
        self._lanes = [Lane() for _ in range(LANES)]
        self._waiting: set[asyncio.TimerHandle] = set()
        self._sending = 0

    @property
    def outstanding(self) -> int:
        """Webhooks that are queued, under way, held back or waiting to be sent again."""
        queued = sum(lane.queue.qsize() + (lane.held is not None) for lane in self._lanes)
        return queued + len(self._waiting) + self._sending

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._serve(lane))

    def submit(self, events: list[Event]) -> None:
        """Send these events in one webhook, unless a fault has it otherwise."""
        faults = self._platform.faults
        lane, webhook = self._lane(events), Webhook(events)
        if lane.held is None and faults.strikes("reorder"):
            lane.held = webhook
            self._later(HELD_SECONDS, lambda: self._release(lane))
            return
        lane.queue.put_nowait(webhook)
        if faults.strikes("duplicate"):
            lane.queue.put_nowait(Webhook(events))
        self._release(lane)

    def forget(self) -> None:
        """Drop what has not been sent yet."""
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()
        for lane in self._lanes:
            lane.held = None
            while not lane.queue.empty():
                lane.queue.get_nowait()

    async def probe(self, url: str) -> tuple[int, str]:
        """The status and reason that an empty, signed webhook gets; 0 when nobody answers."""
        body = webhook_body(self._platform.channel.bot_user_id, [])
        try:
            async with self._http.post(
                URL(self._reached(url), encoded=True),
                data=body,
                headers=self._headers(body),
                timeout=GIVE_UP,
            ) as answer:
                return answer.status, answer.reason or ""
        except TimeoutError:
            return 0, "REQUEST_TIMEOUT"
        except (aiohttp.ClientError, ValueError):
            return 0, "COULD_NOT_CONNECT"

    def _lane(self, events: list[Event]) -> Lane:
        source = events[0].get("source")
        sender = source.get("userId") if isinstance(source, dict) else None
        return self._lanes[hash(str(sender)) % LANES]

    def _release(self, lane: Lane) -> None:
        if lane.held is not None:
            lane.queue.put_nowait(lane.held)
            lane.held = None

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def fire() -> None:
            self._waiting.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._waiting.add(timer)

    async def _serve(self, lane: Lane) -> None:
        while True:
            webhook = await lane.queue.get()
            self._sending += 1
            try:
                await self._send(lane, webhook)
            finally:
                self._sending -= 1

    async def _send(self, lane: Lane, webhook: Webhook) -> None:
        self._grant_reply_tokens(webhook)
        repeat = webhook.again or webhook.failures > 0
        events = redelivered(webhook.events) if repeat else webhook.events
        body = webhook_body(self._platform.channel.bot_user_id, events)
        outcome = await self._post(body)
        name = "webhook" if not repeat else "webhook_redelivery"
        where = ("POST", self._platform.channel.webhook_url)
        self._platform.note("out", name, outcome, _brief(events), call=where, body=body)
        if outcome.startswith("20"):
            if not webhook.again and self._platform.faults.strikes("redeliver"):
                again = Webhook(webhook.events, again=True)
                self._later(REDELIVERED_AFTER_SECONDS, lambda: lane.queue.put_nowait(again))
        elif not webhook.again:
            self._send_again(lane, webhook)

    def _send_again(self, lane: Lane, webhook: Webhook) -> None:
        delays = self._platform.faults.settings.redelivery_seconds
        if not self._platform.channel.redelivers or webhook.failures >= len(delays):
            self._platform.note("out", "webhook_given_up", "lost", _brief(webhook.events))
            return
        delay = delays[webhook.failures]
        webhook.failures += 1
        self._later(delay, lambda: lane.queue.put_nowait(webhook))

    def _grant_reply_tokens(self, webhook: Webhook) -> None:
        """A reply token's minute begins when the webhook is received, so at each sending."""
        at = self._platform.seconds()
        for event in webhook.events:
            token = event.get("replyToken")
            if isinstance(token, str):
                self._platform.reply_tokens.renew(token, at)

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "LineBotWebhook/2.0",
            "x-line-signature": signature(self._secret, body),
        }

    async def _post(self, body: bytes) -> str:
        """Send once; gives the status, or in one word why there was none."""
        try:
            async with self._http.post(
                URL(self._reached(self._platform.channel.webhook_url), encoded=True),
                data=body,
                headers=self._headers(body),
                timeout=GIVE_UP,
                allow_redirects=False,
            ) as answer:
                return str(answer.status)
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError):
            return "connection"


def _brief(events: list[Event]) -> str:
    kinds = ", ".join(dict.fromkeys(str(event.get("type", "?")) for event in events))
    return kinds if len(events) == 1 else f"{kinds} × {len(events)}"
