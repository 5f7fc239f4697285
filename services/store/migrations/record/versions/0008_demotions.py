"""Demotions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "envelope_demotions",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("setbacks_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("stage IN ('observe', 'propose_only')", name="demotion_is_lower"),
        sa.PrimaryKeyConstraint("patient_id", "version", "stage"),
    )
