"""Request bodies: read up to a limit, unzip up to a limit, parse JSON, lose nothing to NaN."""

import json
import math
import zlib
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from services.problems import ProblemCode, ProblemRaised

MAX_WIRE_BYTES = 4 * 2**20
"""As sent. A day of windows fits; more goes in several uploads."""
MAX_JSON_BYTES = 16 * 2**20
"""After unzipping: a small bomb must not become a large one."""
MAX_IMPORT_BYTES = 48 * 2**20
"""A whole record as a FHIR Bundle."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes on the wire and after unzipping."""

    wire_bytes: int = MAX_WIRE_BYTES
    json_bytes: int = MAX_JSON_BYTES


UPLOAD_LIMITS = BodyLimits()
IMPORT_LIMITS = BodyLimits(MAX_IMPORT_BYTES, MAX_IMPORT_BYTES)


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """Return the body, unzipped.

    Raises:
        ProblemRaised: not JSON by its media type, too large, or not gzip though it says so.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in ("application/json", "application/fhir+json"):
        raise ProblemRaised(ProblemCode.UNSUPPORTED_MEDIA_TYPE)
    wire = await _read_limited(request, limits.wire_bytes)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return wire
    if encoding != "gzip":
        raise ProblemRaised(ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: gzip or none")
    return _gunzip(wire, limits.json_bytes)


def parse_json(body: bytes) -> object:
    """Return the JSON value. A literal NaN or Infinity becomes a float for the item to refuse.

    Raises:
        ProblemRaised: malformed_json, with the place where it broke.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as err:
        return _parse_leniently(body, err)


def _parse_leniently(body: bytes, cause: orjson.JSONDecodeError) -> object:
    """Phones write NaN into arrays; refusing that one window beats refusing the whole upload."""
    if b"NaN" not in body and b"Infinity" not in body:
        raise _malformed(cause) from cause
    try:
        return json.loads(body, parse_constant=lambda _: math.nan)
    except (ValueError, RecursionError) as err:
        raise _malformed(cause) from err


def _malformed(err: orjson.JSONDecodeError) -> ProblemRaised:
    # The place only: the parser's message would repeat what was sent.
    return ProblemRaised(ProblemCode.MALFORMED_JSON, f"line {err.lineno}, column {err.colno}")


async def _read_limited(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise ProblemRaised(ProblemCode.TOO_LARGE)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ProblemRaised(ProblemCode.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)


def _gunzip(wire: bytes, limit: int) -> bytes:
    unzipper = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unzipper.decompress(wire, limit + 1)
    except zlib.error as err:
        raise ProblemRaised(ProblemCode.MALFORMED_JSON, "the body is not gzip") from err
    if len(body) > limit:
        raise ProblemRaised(ProblemCode.TOO_LARGE)
    if not unzipper.eof or unzipper.unused_data:
        raise ProblemRaised(ProblemCode.MALFORMED_JSON, "the gzip body is cut short or too long")
    return body
