"""Sealing: committed events become leaves, in commit order, without a gap; checkpoints over them.

An event is taken once no transaction that is still running can have a lower number than its own:
then nothing can appear in front of it any more. One sealer works at a time (advisory lock).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, tuple_

from services.audit.merkle import NodeId, Tree, leaf_hash
from services.store.roles import Acting
from services.store.store import Store
from services.store.tables.log import CHECKPOINTS, LEAVES, TREE_NODES
from services.store.transaction import Transaction

# A name for the one lock that all sealers of a database share.
_LOCK = text("SELECT pg_advisory_xact_lock(7206002)")
_TAKE = text(
    """
WITH ready AS (
  SELECT event_id FROM unsealed_events
  WHERE transaction_number < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY transaction_number, sequence LIMIT :limit
), taken AS (
  DELETE FROM unsealed_events WHERE event_id IN (SELECT event_id FROM ready)
  RETURNING event_id, transaction_number, sequence
)
SELECT taken.event_id, events.leaf FROM taken JOIN events USING (event_id)
ORDER BY taken.transaction_number, taken.sequence
"""
)
_WAITING = text(
    "SELECT count(*), EXTRACT(EPOCH FROM (CAST(:now AS timestamptz) - min(events.occurred_at)))"
    " FROM unsealed_events JOIN events USING (event_id)"
)

Sign = Callable[[int, bytes], bytes]
"""(size, root) -> the signed note over a checkpoint of that tree."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run did: leaves added, and the tree after it. `root` is 32 bytes."""

    added: int
    size: int
    root: bytes


async def integrate(store: Store, *, now: datetime, limit: int = 2000) -> Sealed:
    """Append up to `limit` waiting events to the log. Run it again while `added` equals `limit`."""
    async with store.transaction(_sealer()) as tx:
        await tx.session.execute(_LOCK)
        tree = await load_tree(tx)
        rows = (await tx.session.execute(_TAKE, {"limit": limit})).all()
        if rows:
            await _append(tx, tree, rows, now=now)
        return Sealed(len(rows), tree.size, tree.root())


async def checkpoint(store: Store, sign: Sign, *, now: datetime) -> bytes | None:
    """Sign the tree as it stands and keep the note; None when this size is signed already."""
    async with store.transaction(_sealer()) as tx:
        await tx.session.execute(_LOCK)
        tree = await load_tree(tx)
        known = select(CHECKPOINTS.c.size).where(CHECKPOINTS.c.size == tree.size)
        if (await tx.session.execute(known)).first() is not None:
            return None
        note = sign(tree.size, tree.root())
        await tx.session.execute(insert(CHECKPOINTS).values(size=tree.size, note=note, at=now))
        return note


async def load_tree(tx: Transaction) -> Tree:
    """Return the log's tree from its stored subtrees: its size and at most 63 peaks."""
    newest = select(LEAVES.c.leaf_index).order_by(LEAVES.c.leaf_index.desc()).limit(1)
    last = (await tx.session.execute(newest)).scalar()
    size = 0 if last is None else int(last) + 1
    peaks = _peak_ids(size)
    table = TREE_NODES
    wanted = [(node.level, node.index) for node in peaks]
    statement = select(table).where(tuple_(table.c.level, table.c.node_index).in_(wanted))
    rows = (await tx.session.execute(statement)).all() if wanted else []
    found = {(row.level, row.node_index): bytes(row.node_hash) for row in rows}
    return Tree(size, [found[place] for place in wanted])


async def waiting(store: Store, *, now: datetime) -> tuple[int, float]:
    """Return how many events wait for their leaf and the age of the oldest in seconds."""
    async with store.transaction(_sealer()) as tx:
        count, age_s = (await tx.session.execute(_WAITING, {"now": now})).one()
        return int(count), 0.0 if age_s is None else float(age_s)


async def _append(tx: Transaction, tree: Tree, rows: Sequence[Any], *, now: datetime) -> None:
    leaves, nodes = [], []
    for row in rows:
        hashed = leaf_hash(bytes(row.leaf))
        leaves.append(
            {
                "leaf_index": tree.size,
                "event_id": row.event_id,
                "leaf_hash": hashed,
                "sealed_at": now,
            }
        )
        nodes += [
            {"level": node.level, "node_index": node.index, "node_hash": value}
            for node, value in tree.append(hashed)
        ]
    await tx.session.execute(insert(LEAVES), leaves)
    await tx.session.execute(insert(TREE_NODES), nodes)


def _peak_ids(size: int) -> list[NodeId]:
    """The complete subtrees of a tree of this size, from left to right."""
    peaks, first = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(NodeId(level, first >> level))
            first += 1 << level
    return peaks


def _sealer() -> Acting:
    return Acting("system", "sealer", None)
