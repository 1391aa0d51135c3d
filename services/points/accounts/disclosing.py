"""`tamaru ledger explain`: all that is known of one entry, for whoever has to answer for it.

Reads only. The words are the customer's own; what stands below them is for staff.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules import explain
from services.points.store import explanations as store
from shared.bus.handling import Connection


async def disclose(connection: Connection, id: UUID, member: UUID | None = None) -> list[str]:
    """The lines about an entry; [] when there is none (of this member)."""
    entry = await store.entry(connection, id, member)
    if entry is None:
        return []
    facts = msgspec.json.decode(entry["explanation"])
    lines = [*_head(entry), "", *_words(entry, facts), "", *_rules(facts)]
    version = await store.version(connection, entry["program_version"])
    if version is not None:
        began = _at(version["effective_from"])
        lines.append(f"program   version {version['version']}, in force from {began}")
    lines += _request(entry, await store.request(connection, entry["cause"]))
    lines += _purchase(await store.purchase(connection, entry["member_id"], entry["cause"]))
    lines += _lot(await store.lot(connection, entry["member_id"], id))
    moves = msgspec.json.decode(entry["moves"] or "[]")
    moved = await store.lots(connection, entry["member_id"], [UUID(lot) for lot, _ in moves])
    lines += _moves(moves, {str(row["entry_id"]): row for row in moved})
    facts_text = msgspec.json.format(msgspec.json.encode(facts), indent=2).decode()
    return [*lines, "", "facts", *(f"  {line}" for line in facts_text.splitlines())]


def _head(entry: Any) -> Iterator[str]:
    yield f"entry     {entry['id']}"
    yield f"member    {entry['member_id']} (card {entry['card']})"
    yield f"what      {entry['kind']} by {entry['source']}, {entry['amount']:+,} {entry['unit']}s"
    yield f"balance   {entry['balance_after']:,} after it"
    yield f"occurred  {_at(entry['occurred_at'])}"
    yield f"recorded  {_at(entry['recorded_at'])}"
    yield f"actor     {entry['actor']}"
    if entry["reverses"]:
        yield f"reverses  entry {entry['reverses']}"


def _words(entry: Any, facts: Mapping[str, Any]) -> Iterator[str]:
    words = explain.text(entry["kind"], entry["source"], entry["amount"], facts)
    for language in ("ja", "en"):
        yield language
        yield from (f"  {line}" for line in words[language].splitlines())


def _rules(facts: Mapping[str, Any]) -> Iterator[str]:
    for name in ("rules", "multipliers"):
        if ids := [str(each["id"]) for each in facts.get(name, ())]:
            yield f"{name:<10}{', '.join(ids)}"
    if rule := facts.get("rule"):
        yield f"rule      {rule}"


def _request(entry: Any, request: Any) -> Iterator[str]:
    yield f"cause     {entry['cause']}" + ("" if request else " (no request: an event or a rule)")
    if request is None:
        return
    who = request["terminal"] or request["terminal_id"]
    yield f"request   {request['kind']} by {who}, key {request['key']!r}, {request['status']}"
    yield f"          accepted {_at(request['created_at'])}, body {request['body_hash'][:16]}…"
    if request["detail"]:
        yield f"          {request['detail']}"


def _purchase(purchase: Any) -> Iterator[str]:
    if purchase is None:
        return
    yield f"purchase  {purchase['total']:,} in {purchase['store']}, {purchase['visits']} visit(s)"
    if purchase["refunded"]:
        back = f"{purchase['points_back']:,} points back"
        yield f"          {purchase['refunded']:,} refunded, {back}"
    yield f"context   {purchase['context']}"


def _lot(lot: Any) -> Iterator[str]:
    if lot is None:
        return
    expires = _at(lot["expires_at"]) if lot["expires_at"] else "never"
    if lot["sliding_months"]:
        expires = f"{lot['sliding_months']} months after the last activity"
    yield f"lot       {lot['remaining']:,} of {lot['opened']:,} left, expires {expires}"
    if lot["pending"]:
        yield f"          pending until {_at(lot['active_at'])}"


def _moves(moves: list[tuple[str, int]], lots: Mapping[str, Any]) -> Iterator[str]:
    for lot, points in moves:
        opened = f", opened {_at(lots[lot]['opened_at'])}" if lot in lots else ""
        yield f"moves     {points:+,} of lot {lot}{opened}"


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
