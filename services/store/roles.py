"""Who connects and on whose behalf: the database roles and the acting person or process."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ActingKind = Literal["patient", "clinician", "device", "worker", "system", "auditor"]


class Role(StrEnum):
    """A PostgreSQL role is `clinaiops_<role>`. OWNER migrates only; no process runs as it."""

    OWNER = "owner"
    GATEWAY = "gateway"
    CLINICIAN = "clinician"
    WORKER = "worker"
    SEALER = "sealer"
    AUDITOR = "auditor"
    BACKUP = "backup"

    @property
    def database_user(self) -> str:
        """The role's name inside PostgreSQL."""
        return f"clinaiops_{self.value}"


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose behalf a transaction runs; row-level security and the log read it.

    `patient_id` binds the transaction to one patient; None means none yet (`tx.bind`).
    """

    kind: ActingKind
    actor_id: str
    patient_id: str | None
    request_id: str | None = None
