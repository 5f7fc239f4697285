"""Outcomes: what enacted steps came to, by model. No patient is named: they are counted only."""

from datetime import datetime

from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class StepOutcome(RecordTable, table=True):
    """One enacted step, by the random id of the advice or decision that it rests on."""

    __tablename__ = "step_outcomes"

    basis_id: str = Field(primary_key=True)
    model: str = Field(index=True)
    effect: str
    at: datetime = Field(sa_type=Moment)


STEP_OUTCOMES = core(StepOutcome)
