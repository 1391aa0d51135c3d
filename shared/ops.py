"""What an operator and a container runtime ask of every process: alive, ready, metrics."""

from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared import metrics as process_metrics

Check = Callable[[], bool]


def routes(checks: Mapping[str, Check]) -> list[Route]:
    """`/healthz` (200 while the process lives), `/readyz` (503 names what is missing), `/metrics`.

    `checks` must answer at once, from memory.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        missing = [name for name, check in checks.items() if not check()]
        body = {"status": "not ready" if missing else "ready", "missing": missing}
        return JSONResponse(body, status_code=503 if missing else 200)

    async def metrics(_: Request) -> Response:
        process_metrics.show_readiness({name: check() for name, check in checks.items()})
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
