"""The scripted clinician at the clinic's desk: signs in, reconciles, signs plans, decides."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from demo.personas import Persona, Regimen, Story
from demo.wire import Json, Refused, Wire
from services.clinical.envelope import Stage
from services.clinical.formulary import FORMULARY
from services.clinical.units import Micrograms, format_dose, parse_dose
from services.settings import Settings

TARGET: Final = {"systolic_below": 130, "diastolic_below": 80}
STEPPING: Final = frozenset({Stage.ONE_STEP, Stage.BOUNDED_STEPS})
# Looking at a review takes a person longer; the script says what it took.
_REASONS: Final[dict[Story, str]] = {
    Story.MODIFIED: "patient_preference",
    Story.REJECTED: "patient_preference",
    Story.DEFERRED: "labs_first",
}
_KINDS: Final[dict[Story, str]] = {
    Story.ACCEPTED: "accept",
    Story.MODIFIED: "modify",
    Story.REJECTED: "reject",
    Story.DEFERRED: "defer",
}


class NoLogin(FileNotFoundError):
    """There is no demo login. `make demo` makes one; so does `python -m deploy demo-accounts`."""


@dataclass(frozen=True, slots=True)
class Login:
    """One demo account."""

    role: str
    username: str
    password: str


def read_logins(home: Path) -> tuple[Login, ...]:
    """Return the demo's accounts. Raises NoLogin."""
    file = home / "secrets" / "demo_login.txt"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as err:
        raise NoLogin(f"{file} is not there: run `make demo`") from err
    return tuple(Login(*line.split()) for line in lines if line.strip())


def login_of(home: Path, role: str) -> Login:
    """Return the first account of a role: the lead decides. Raises NoLogin."""
    found = [login for login in read_logins(home) if login.role == role]
    if not found:
        raise NoLogin(f"no {role} among the demo's accounts: run `make demo`")
    return found[0]


class Desk:
    """One signed-in clinician, at both doors with one token."""

    def __init__(
        self, http: httpx.AsyncClient, api_url: str, gateway_url: str, *, second: Login
    ) -> None:
        self.api = Wire(http, api_url)
        self.gateway = Wire(http, gateway_url)
        self._second = second
        self._password = ""

    async def sign_in(self, login: Login) -> None:
        """Open a session."""
        body = {"username": login.username, "password": login.password}
        self._hold((await self.api.post("/v1/session", body))["access_token"])
        self._password = login.password

    async def stay_signed_in(self) -> None:
        """Renew the session's token, as the dashboard does while it is used."""
        self._hold((await self.api.post("/v1/session/refresh", {}))["access_token"])

    async def import_record(self, raw: bytes, *, timezone: str) -> Json:
        """Import one bundle as it is, labelled simulated."""
        return await self.gateway.post_bytes(
            "/v1/imports", raw, simulated="true", timezone=timezone
        )

    async def reconcile(self, patient_id: str, persona: Persona, *, since: str) -> None:
        """Confirm with the patient what the record leaves open."""
        body: dict[str, Any] = {
            "conditions_complete": True,
            "intolerances_complete": True,
            "medicines_complete": True,
            "pregnancy": persona.pregnancy.value,
            "target": TARGET,
            "prescriptions": [_prescription(line, since) for line in persona.regimen],
        }
        await self.api.post(f"/v1/patients/{patient_id}/reconcile", body)

    async def sign_plan(self, patient_id: str, persona: Persona) -> None:
        """Sign what the patient may do alone; the API's own suggestion, narrowed to the regimen.

        Nobody has earned a step alone on the first day, so that a second clinician signs those too.
        """
        if persona.plan is None:
            return
        shown = await self.api.get(f"/v1/patients/{patient_id}/envelope")
        terms = dict(shown["suggested"]) | {
            "stage": persona.plan.value,
            "target": TARGET,
            "bounds": plan_bounds(persona),
        }
        body: Json = {
            "terms": terms,
            "signed_version": shown["version"],
            "password": self._password,
        }
        if persona.plan in STEPPING:
            second = self._second
            body["second"] = {"username": second.username, "password": second.password}
        await self.api.put(f"/v1/patients/{patient_id}/envelope", body)

    async def open_reviews(self) -> list[Json]:
        """Return the reviews that wait."""
        reviews: list[Json] = (await self.api.get("/v1/reviews", status="open"))["reviews"]
        return reviews

    async def decide(self, review_id: str, story: Story, *, defer_until: str) -> Json:
        """Claim, look, decide and sign one review; return the outcome."""
        await self.api.post(f"/v1/reviews/{review_id}/claim", {})
        opened_at = asyncio.get_running_loop().time()
        shown = await self.api.read(f"/v1/reviews/{review_id}")
        body: dict[str, Any] = {"kind": _KINDS[story], "password": self._password}
        if story is not Story.ACCEPTED:
            body["reason_code"] = _REASONS[story]
        if story is Story.MODIFIED:
            body["move_id"] = another_move(shown.body)
        if story is Story.DEFERRED:
            body["defer_until"] = defer_until
        body["dwell_s"] = round(asyncio.get_running_loop().time() - opened_at)
        return await self.api.post(f"/v1/reviews/{review_id}/decision", body, if_match=shown.etag)

    async def acknowledge(self, alarm_id: str, note: str) -> bool:
        """Take an alarm; False when somebody was quicker."""
        try:
            await self.api.post(f"/v1/alarms/{alarm_id}/acknowledge", {"note": note})
        except Refused as refusal:
            if refusal.status == 409:
                return False
            raise
        return True

    async def propose_goal(self, patient_id: str, text: str) -> None:
        """Propose a goal, which the clinician thereby agrees to."""
        await self.api.post(f"/v1/patients/{patient_id}/goals", {"text": text})

    async def agree_to_goal(self, goal_id: str) -> None:
        """Agree to a goal that the patient proposed."""
        await self.api.post(f"/v1/goals/{goal_id}/answer", {"agree": True})

    async def write(self, patient_id: str, text: str) -> None:
        """Send a message to a patient."""
        await self.api.post(f"/v1/patients/{patient_id}/messages", {"text": text})

    def _hold(self, token: str) -> None:
        self.api.token = token
        self.gateway.token = token


async def open_desk(http: httpx.AsyncClient, settings: Settings) -> Desk:
    """Return a desk with the lead signed in and a clinician to sign beside. Raises NoLogin."""
    second = login_of(settings.home, "clinician")
    desk = Desk(http, settings.clinician_api_url, settings.gateway_url, second=second)
    await desk.sign_in(login_of(settings.home, "lead"))
    return desk


def _prescription(line: Regimen, since: str) -> Json:
    """One tablet an intake: what the patient reads from the box."""
    times = FORMULARY[line.drug].times_a_day
    return {
        "drug": line.drug.value,
        "daily_dose": line.daily_dose,
        "times_a_day": times,
        "since": since,
        "tablets_in_hand": line.tablets_in_hand,
        "tablet_strength": format_dose(Micrograms(parse_dose(line.daily_dose) // times)),
    }


def another_move(review: Json) -> str:
    """Return the best option that is not the proposal and that no rule speaks against."""
    proposed = review["proposal"]["move_id"] if review["proposal"] else None
    others = [option for option in review["options"] if option["move_id"] != proposed]
    clear = [option for option in others if not option["checks"]]
    chosen: str = (clear or others)[0]["move_id"]
    return chosen


def plan_bounds(persona: Persona) -> list[Json]:
    """From the present dose up to the top rung that needs no clinician, and no lower."""
    if persona.plan not in STEPPING:
        return []
    return [
        {
            "drug": line.drug.value,
            "rungs_ug": [
                int(rung)
                for rung in FORMULARY[line.drug].rungs_ug
                if rung >= parse_dose(line.daily_dose)
            ],
        }
        for line in persona.regimen
    ]
