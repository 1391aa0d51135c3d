"""Webhooks out: what happened to members and points, told to the owner's other systems.

`messages` (events → what is told), `signing`, `targets` (where may be sent to), `progress` (what
follows from an answer), `registry` (endpoints and replays, for the API), `collector` (the queue),
`client` (the wire), `sender` (who, when, how many at once). docs/webhooks-out.md is the promise.
"""
