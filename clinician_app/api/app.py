"""The clinician's HTTP API: `create_app` puts routes, policy and problems together."""

from fastapi import Depends, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from clinician_app.accounts import Passwords
from clinician_app.api import (
    alarms,
    answers,
    decisions,
    envelopes,
    halts,
    patients,
    reconcile,
    reviews,
    sessions,
    together,
    wearable,
    worklist,
)
from clinician_app.api.caller import Door, guard
from clinician_app.api.observe import Observe
from clinician_app.api.tokens import Tokens
from services.settings import Settings
from services.store import Store
from workflows.client import LoopClient

_ROUTERS = (
    sessions.router,
    worklist.router,
    patients.router,
    wearable.router,
    reviews.router,
    decisions.router,
    envelopes.router,
    alarms.router,
    halts.router,
    reconcile.router,
    together.router,
)


def create_app(settings: Settings, store: Store, loops: LoopClient) -> FastAPI:
    """Return the application. Every route passes `guard` first; one without a policy is refused."""
    app = FastAPI(
        title="ClinAIOps clinician API",
        version="1",
        dependencies=[Depends(guard)],
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.door = Door(settings, store, loops, Tokens(settings), Passwords(store))
    answers.install(app)
    app.add_middleware(Observe)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_api_route("/healthz", health, methods=["GET"], operation_id="health")
    app.add_api_route(
        "/metrics", metrics, methods=["GET"], operation_id="metrics", include_in_schema=False
    )
    return app


async def health() -> dict[str, str]:
    """Say that the process answers; what it depends on is watched by metrics."""
    return {"status": "ok"}


async def metrics() -> Response:
    """Return this process's metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
