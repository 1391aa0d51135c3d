"""What an operator asks of every process."""

import json

from starlette.applications import Starlette

from shared import metrics, ops


async def test_alive_ready_and_metrics(ask):
    state = {"broker": True, "database": False}
    app = Starlette(routes=ops.routes({name: lambda name=name: state[name] for name in state}))
    assert (await ask(app, "/healthz"))[0] == 200
    status, _, body = await ask(app, "/readyz")
    assert (status, json.loads(body)["missing"]) == (503, ["database"])
    state["database"] = True
    status, _, body = await ask(app, "/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    with metrics.batch("test.queue", 7):
        pass
    assert b'tamaru_bus_events_total{queue="test.queue"} 7.0' in (await ask(app, "/metrics"))[2]
