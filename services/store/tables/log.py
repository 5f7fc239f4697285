"""The audit log, the outbox and idempotency: what makes each write exactly once and provable."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field

from services.store.tables.base import Moment, RecordTable, core


class TransactionNumber(UserDefinedType[int]):
    """PostgreSQL's `xid8`: a transaction's number, 64 bits, never reused in one cluster."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """Return the type's SQL name."""
        return "xid8"


class Event(RecordTable, table=True):
    """One act. `leaf` is the exact bytes that the log hashes; the payload is sealed beside it."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_time", "patient_id", "occurred_at"),)

    event_id: str = Field(primary_key=True)
    patient_id: str | None = None
    occurred_at: datetime = Field(sa_type=Moment, index=True)
    action: str
    actor_kind: str
    actor_id: str
    subject_type: str
    subject_id: str
    outcome: str
    request_id: str | None = None
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    payload_sealed: bytes | None = None


class UnsealedEvent(RecordTable, table=True):
    """An event that waits for its leaf: written by a trigger, taken by the sealer alone."""

    __tablename__ = "unsealed_events"
    __table_args__ = (Index("unsealed_in_order", "transaction_number", "sequence"),)

    event_id: str = Field(sa_column=Column(ForeignKey("events.event_id"), primary_key=True))
    sequence: int = Field(
        sa_column=Column(BigInteger, Identity(always=True), nullable=False, unique=True)
    )
    transaction_number: int = Field(
        sa_column=Column(
            TransactionNumber(), nullable=False, server_default=text("pg_current_xact_id()")
        )
    )


class Leaf(RecordTable, table=True):
    """The place of an event in the log: contiguous indices from 0."""

    __tablename__ = "leaves"

    leaf_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: str = Field(
        sa_column=Column(ForeignKey("events.event_id"), nullable=False, unique=True)
    )
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_at: datetime = Field(sa_type=Moment)


class TreeNode(RecordTable, table=True):
    """The hash of one complete subtree."""

    __tablename__ = "tree_nodes"

    level: int = Field(primary_key=True)
    node_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    node_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointRow(RecordTable, table=True):
    """A signed note over the tree at one size."""

    __tablename__ = "checkpoints"

    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_type=Moment)


class Cosignature(RecordTable, table=True):
    """A witness's signature line over a checkpoint."""

    __tablename__ = "cosignatures"

    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    witness: str = Field(primary_key=True)
    line: str
    at: datetime = Field(sa_type=Moment)


class OutboxRow(RecordTable, table=True):
    """A message to the loops, written with what it tells of; ids only."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_waiting",
            "priority",
            "message_id",
            postgresql_where=text("delivered_at IS NULL AND failed_at IS NULL"),
        ),
    )

    message_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    workflow: str
    workflow_id: str
    start: bool
    signal: str
    payload: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    queue: str
    priority: int
    coalesce_key: str | None = None
    created_at: datetime = Field(sa_type=Moment)
    claimed_until: datetime | None = Field(default=None, sa_type=Moment)
    attempts: int = 0
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)
    failed_at: datetime | None = Field(default=None, sa_type=Moment)
    error_code: str | None = None


class IdempotentRequest(RecordTable, table=True):
    """A request that carried a key, and its answer once there is one."""

    __tablename__ = "idempotent_requests"

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    patient_id: str | None = None
    request_sha256: str
    begun_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment, index=True)
    status_code: int | None = None
    response_sealed: bytes | None = None


EVENTS = core(Event)
UNSEALED_EVENTS = core(UnsealedEvent)
LEAVES = core(Leaf)
TREE_NODES = core(TreeNode)
CHECKPOINTS = core(CheckpointRow)
COSIGNATURES = core(Cosignature)
OUTBOX = core(OutboxRow)
IDEMPOTENT_REQUESTS = core(IdempotentRequest)
