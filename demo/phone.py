"""A patient's phone with its cuff and watch, speaking to the gateway and to nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from demo.history import Item
from demo.wire import Json, Wire

BATCH: Final = 500
DEVICE: Final = {
    "model": "Simulated upper-arm cuff",
    "firmware": "demo-1",
    "validated": True,
    "cuff_fits": True,
}


@dataclass(slots=True)
class Uploaded:
    """What became of the items that one phone sent, by kind and status."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    alarms: list[Json] = field(default_factory=list)

    def of(self, kind: str, status: str = "stored") -> int:
        """Return how many items of a kind ended so."""
        return self.counts.get((kind, status), 0)


class Phone:
    """One phone. It notes what the gateway answered, item by item."""

    def __init__(self, http: httpx.AsyncClient, gateway_url: str) -> None:
        self._wire = Wire(http, gateway_url)
        self.uploaded = Uploaded()

    async def enrol(self, code: str) -> None:
        """Change the enrolment code for tokens."""
        body = {"enrolment_code": code, "device": DEVICE}
        granted = await self._wire.post("/v1/enrolments", body)
        self._wire.token = granted["access_token"]

    async def consent(self, purposes: Sequence[str]) -> None:
        """Agree to exactly these purposes."""
        await self._wire.put("/v1/consent", {"purposes": list(purposes)})

    async def send(self, kind: str, items: Sequence[Item]) -> Json | None:
        """Upload items of one kind; return what the patient must do now, if anything."""
        alarm: Json | None = None
        for start in range(0, len(items), BATCH):
            body = {"items": list(items[start : start + BATCH])}
            answer = await self._wire.post(f"/v1/{kind}", body)
            for item in answer["items"]:
                key = (kind, item["status"])
                self.uploaded.counts[key] = self.uploaded.counts.get(key, 0) + 1
            if answer.get("alarm") is not None:
                alarm = answer["alarm"]
                self.uploaded.alarms.append(answer["alarm"])
        return alarm

    async def plan(self) -> Json:
        """Return today's plan: medicines, open advice, what is asked."""
        return await self._wire.get("/v1/plan")

    async def open_advice(self) -> Json | None:
        """Return the step that is offered now, or None."""
        offered = (await self.plan())["advice"]
        return offered[0] if offered else None

    async def answer(self, advice_id: str, answer: str, reason: str | None = None) -> Json:
        """Accept or decline; return whether it was carried out."""
        body = {"answer": answer} | ({"reason": reason} if reason is not None else {})
        return await self._wire.post(f"/v1/advice/{advice_id}/answer", body)

    async def propose_goal(self, text: str) -> str:
        """Propose a goal; return its id."""
        return str((await self._wire.post("/v1/goals", {"text": text}))["goal_id"])

    async def agree_to_goals(self) -> int:
        """Agree to every goal that waits for the patient; return how many did."""
        listed = (await self._wire.get("/v1/goals"))["items"]
        waiting = [goal for goal in listed if goal["awaits_patient"]]
        for goal in waiting:
            await self._wire.post(f"/v1/goals/{goal['goal_id']}/answer", {"answer": "agree"})
        return len(waiting)

    async def write(self, text: str) -> None:
        """Send a message to the care team."""
        await self._wire.post("/v1/messages", {"text": text})
