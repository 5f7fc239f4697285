"""The gateway as an ASGI app: routes, problems, and what surrounds every request."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from patient_gateway import consent, enrolment, imports, plan, readings, talk, uploads, web
from patient_gateway.answers import on_http_error, on_invalid_request, on_problem
from patient_gateway.door import Limits, Loops, open_door
from patient_gateway.observe import Observe
from services import clock
from services.problems import ProblemRaised
from services.settings import Settings
from services.store import Store

_ROUTERS = (
    enrolment.router,
    consent.router,
    readings.router,
    uploads.router,
    plan.router,
    talk.router,
    imports.router,
    web.router,
)


def create_app(
    settings: Settings,
    store: Store,
    loops: Loops,
    *,
    limits: Limits | None = None,
    now: Callable[[], datetime] = clock.now,
) -> FastAPI:
    """Return the app over a store of role gateway. Raises: SettingsError: a key is missing."""
    app = FastAPI(
        title="Patient gateway",
        version="1.0.0",
        summary="Home blood pressure: readings in, a signed plan out.",
        description="Errors are RFC 9457 problem documents. Writes carry an Idempotency-Key.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        contact={"name": "ClinAIOps"},
        # The pages of these would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.door = open_door(settings, store, loops, limits=limits, now=now)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(ProblemRaised, on_problem)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_middleware(Observe)
    return app
