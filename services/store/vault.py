"""The vault of one transaction: seals and opens fields under the data keys that it was given."""

import hashlib
import hmac
import json
from typing import Any

from services.store import sealed
from services.store.errors import KeyUnknown
from services.store.sealed import Place

SYSTEM = "system"
"""The holder of the key for what belongs to no patient."""


class Vault:
    """Data keys by patient id, for the length of one transaction."""

    def __init__(self, bound: str | None) -> None:
        self._keys: dict[str, bytes] = {}
        self._bound = bound

    def admit(self, keys: dict[str, bytes], *, bound: str | None = None) -> None:
        """Take data keys in; `bound` becomes the patient meant when none is named."""
        self._keys.update(keys)
        self._bound = bound or self._bound

    def holds(self, patient_id: str) -> bool:
        """Return whether this patient's key is here."""
        return patient_id in self._keys

    def seal(
        self, table: str, column: str, row: str, plaintext: bytes, patient_id: str | None = None
    ) -> bytes:
        """Return `plaintext` sealed for exactly this place. Raises: KeyUnknown."""
        holder = patient_id or self._bound or SYSTEM
        return sealed.seal(self._key(holder), Place(table, column, row, holder), plaintext)

    def unseal(
        self, table: str, column: str, row: str, data: bytes, patient_id: str | None = None
    ) -> bytes:
        """Return what was sealed for this place. Raises: KeyUnknown, Tampered."""
        holder = patient_id or self._bound or SYSTEM
        return sealed.unseal(self._key(holder), Place(table, column, row, holder), data)

    def mark(self, purpose: str, text: str, patient_id: str | None = None) -> str:
        """Return a short keyed mark of a text: equal for equal texts of one patient, else nothing.

        Without the patient's key it ties nobody to the text, and cannot be found by trying.
        Raises: KeyUnknown.
        """
        key = self._key(patient_id or self._bound or SYSTEM)
        return hmac.new(key, f"{purpose}|{text}".encode(), hashlib.sha256).hexdigest()[:24]

    def seal_json(
        self, table: str, column: str, row: str, value: Any, patient_id: str | None = None
    ) -> bytes:
        """Seal a JSON value."""
        return self.seal(table, column, row, json.dumps(value).encode(), patient_id)

    def unseal_json(
        self, table: str, column: str, row: str, data: bytes, patient_id: str | None = None
    ) -> Any:
        """Open a JSON value."""
        return json.loads(self.unseal(table, column, row, data, patient_id))

    def _key(self, holder: str) -> bytes:
        key = self._keys.get(holder)
        if key is None:
            raise KeyUnknown(f"this transaction is not bound to {holder}")
        return key
