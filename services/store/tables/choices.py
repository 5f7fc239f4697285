"""Choices: what each ranker put in which order."""

from datetime import datetime

from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class Choice(RecordTable, table=True):
    """One ranking of one assessment, sealed."""

    __tablename__ = "choices"

    assessment_id: str = Field(primary_key=True)
    standing: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    patient_id: str = Field(index=True)
    body_sealed: bytes
    at: datetime = Field(sa_type=Moment)


CHOICES = core(Choice)
