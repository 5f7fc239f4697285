"""Device marks."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the tables to this revision. Readings of before have no mark: of an unknown device."""
    op.add_column("readings", sa.Column("device_mark", sa.String(), nullable=True))
