"""What needs no token: health, metrics, and the files of the web app with a strict policy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from patient_gateway.answers import json_answer
from patient_gateway.authenticate import door_of
from patient_gateway.call import unavailable
from services.problems import ProblemCode, ProblemRaised
from services.store.errors import is_outage
from services.store.roles import Acting

router = APIRouter()

_FOLDER = Path(__file__).parent / "pwa"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
# Nothing but this app's own files runs or loads; nobody frames it; no form leaves it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    etag: str


def _load() -> dict[str, _File]:
    files = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _MEDIA_TYPES:
            body = path.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            files[path.name] = _File(body, _MEDIA_TYPES[path.suffix], etag)
    return files


_FILES = _load()


@router.get("/healthz", include_in_schema=False)
async def health(request: Request) -> Response:
    """Answer 200 when the record can be reached, else 503."""
    door = door_of(request)
    try:
        async with door.store.transaction(Acting("system", "health", None)):
            return json_answer({"status": "ok"})
    except Exception as err:
        if is_outage(err):
            raise unavailable() from err
        raise


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Return the process's metrics: counts and times, never a person."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/app", include_in_schema=False)
async def app_root() -> Response:
    """Send the browser to the app's own folder, which its service worker governs."""
    return RedirectResponse("/app/", status_code=308)


@router.get("/app/", include_in_schema=False)
async def app_page(request: Request) -> Response:
    """Return the app's one page."""
    return _answer(request, "index.html")


@router.get("/app/{name}", include_in_schema=False)
async def app_file(request: Request, name: str) -> Response:
    """Return one file of the app; names come from a closed list and are never paths."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    file = _FILES.get(name)
    if file is None:
        raise ProblemRaised(ProblemCode.NOT_FOUND)
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
    }
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)
