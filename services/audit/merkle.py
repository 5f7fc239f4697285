"""RFC 6962 Merkle tree: hashing, an append-only tree, proofs and their verification.

Sizes and indices are counts of leaves. A hash is always exactly 32 bytes and every function checks
that, because verifiers that do not have accepted forged proofs.

Source: RFC 6962 sections 2.1, 2.1.1, 2.1.2; verification after RFC 9162 sections 2.1.3 and 2.1.4.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
SIZE_LIMIT: Final = 2**63

_LEAF_PREFIX: Final = b"\x00"
_NODE_PREFIX: Final = b"\x01"


class ProofRefused(ValueError):
    """The proof does not prove the claim. Treat the log as tampered with until explained."""


class OutOfRange(ValueError):
    """A proof was asked for an index or size that the tree does not have. Fix the caller."""


@dataclass(frozen=True, slots=True)
class NodeId:
    """A complete subtree: leaves [index * 2^level, (index + 1) * 2^level)."""

    level: int
    index: int


Nodes = Callable[[NodeId], bytes]
"""Looks up a stored complete-subtree hash (32 bytes)."""

Range = tuple[int, int]
"""Leaves [first, end)."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 || leaf), 32 bytes."""
    return hashlib.sha256(_LEAF_PREFIX + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), 32 bytes; both inputs must be 32 bytes."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


@dataclass(slots=True)
class Tree:
    """An append-only tree that remembers only its peaks (at most one hash per level).

    Peaks are the roots of the complete subtrees from left to right, one per set bit of `size`.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a restored state that no sequence of appends could have left."""
        if not 0 <= self.size < SIZE_LIMIT or len(self.peaks) != self.size.bit_count():
            raise OutOfRange("peaks do not fit the size")
        _check_hashes(self.peaks, "peak")

    def append(self, leaf: bytes) -> tuple[tuple[NodeId, bytes], ...]:
        """Add a leaf hash; return every subtree that it completed, lowest (the leaf) first."""
        _check_hashes([leaf], "leaf hash")
        completed = [(NodeId(0, self.size), leaf)]
        index, node, level = self.size, leaf, 0
        while index & 1:
            index, level = index >> 1, level + 1
            node = node_hash(self.peaks.pop(), node)
            completed.append((NodeId(level, index), node))
        self.peaks.append(node)
        self.size += 1
        return tuple(completed)

    def root(self) -> bytes:
        """Return the root hash; SHA-256 of nothing for the empty tree."""
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT


class NodeTable:
    """All complete-subtree hashes of a tree in memory; a `Nodes` look-up for proofs."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        """Start from leaf hashes in log order."""
        self.tree = Tree()
        self._levels: list[list[bytes]] = []
        for leaf in leaf_hashes:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash (32 bytes)."""
        for node_id, value in self.tree.append(leaf):
            if node_id.level == len(self._levels):
                self._levels.append([])
            self._levels[node_id.level].append(value)

    def __call__(self, node_id: NodeId) -> bytes:
        """Return the hash of a complete subtree. Raises IndexError when it is not complete."""
        return self._levels[node_id.level][node_id.index]


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes in log order, in one pass and constant memory."""
    tree = Tree()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()


def root_at(size: int, nodes: Nodes) -> bytes:
    """Return the root of the first `size` leaves from stored nodes."""
    return _range_root((0, size), nodes) if size else EMPTY_ROOT


def nodes_needed(ranges: Iterable[Range]) -> tuple[NodeId, ...]:
    """Return the stored nodes that proofs over `ranges` read, so that one query can fetch them."""
    return tuple(node for span in ranges for node in _subtrees(span))


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """Return the leaf ranges whose roots prove leaf `index` in a tree of `size`, leaf upwards.

    Raises: OutOfRange unless 0 <= index < size.
    Source: RFC 6962 section 2.1.1, PATH(m, D[n]).
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise OutOfRange(f"index {index} is not in a tree of {size}")
    ranges: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return tuple(reversed(ranges))


def consistency_ranges(old_size: int, size: int) -> tuple[Range, ...]:
    """Return the leaf ranges whose roots prove that `old_size` is a prefix of `size`.

    Raises: OutOfRange unless 0 <= old_size <= size. From 0 and from `size` itself it is empty.
    Source: RFC 6962 section 2.1.2, PROOF(m, D[n]).
    """
    if not 0 <= old_size <= size < SIZE_LIMIT:
        raise OutOfRange(f"size {old_size} is not before {size}")
    if old_size in (0, size):
        return ()
    ranges: list[Range] = []
    first, end = 0, size
    while old_size != end:
        middle = first + _split(end - first)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    # The old tree's own root is known to the verifier, so it is left out of the proof.
    return tuple(reversed(ranges)) if first == 0 else ((first, end), *reversed(ranges))


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the sibling hashes from the leaf to the root. Raises: OutOfRange."""
    return tuple(_range_root(span, nodes) for span in inclusion_ranges(index, size))


def consistency_proof(old_size: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the hashes that prove `old_size` a prefix of `size`. Raises: OutOfRange."""
    return tuple(_range_root(span, nodes) for span in consistency_ranges(old_size, size))


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Return only when leaf hash `leaf` is at `index` of the tree of `size` with `root`.

    Nothing is in the empty tree, so `size` 0 is always refused. Raises: ProofRefused.
    """
    _refuse_sizes(index, size)
    _refuse_hashes([leaf, root, *proof])
    if index >= size:
        raise ProofRefused("index beyond the tree")
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        raise ProofRefused("wrong number of hashes")
    computed = _chain_inner(leaf, proof[:inner], index)
    if _chain_left(computed, proof[inner:]) != root:
        raise ProofRefused("the path does not lead to the root")


def verify_consistency(
    *, old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Return only when the tree (`old_size`, `old_root`) is a prefix of (`size`, `root`).

    Size 0: the root must be SHA-256 of nothing and the proof empty; every tree extends it.
    Equal sizes: equal roots and an empty proof. Raises: ProofRefused.
    """
    _refuse_sizes(old_size, size)
    _refuse_hashes([old_root, root, *proof])
    for claimed_size, claimed_root in ((old_size, old_root), (size, root)):
        if claimed_size == 0 and claimed_root != EMPTY_ROOT:
            raise ProofRefused("an empty tree with another root")
    if old_size > size:
        raise ProofRefused("the later tree is smaller")
    if old_size in (0, size):
        if proof or (old_size == size and old_root != root):
            raise ProofRefused("hashes where none belong, or two roots for one size")
        return
    _verify_growth(old_size, size, proof, old_root, root)


def _verify_growth(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    # The walk starts at the last complete subtree of the old tree that is also one of the new.
    shift = (old_size & -old_size).bit_length() - 1
    inner = ((old_size - 1) ^ (size - 1)).bit_length() - shift
    old_is_complete = old_size == 1 << shift
    start, path = (old_root, proof) if old_is_complete else (b"", proof)
    if not old_is_complete and proof:
        start, path = proof[0], proof[1:]
    index = (old_size - 1) >> shift
    if not start or len(path) != inner + (index >> inner).bit_count():
        raise ProofRefused("wrong number of hashes")
    old_inner = [value for bit, value in enumerate(path[:inner]) if index >> bit & 1]
    if _chain_left(_chain_left(start, old_inner), path[inner:]) != old_root:
        raise ProofRefused("the path does not lead to the old root")
    if _chain_left(_chain_inner(start, path[:inner], index), path[inner:]) != root:
        raise ProofRefused("the path does not lead to the new root")


def _chain_inner(node: bytes, path: Sequence[bytes], index: int) -> bytes:
    for bit, sibling in enumerate(path):
        node = node_hash(sibling, node) if index >> bit & 1 else node_hash(node, sibling)
    return node


def _chain_left(node: bytes, path: Sequence[bytes]) -> bytes:
    for sibling in path:
        node = node_hash(sibling, node)
    return node


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _subtrees(span: Range) -> Iterable[NodeId]:
    first, end = span
    while first < end:
        level = (end - first).bit_length() - 1
        yield NodeId(level, first >> level)
        first += 1 << level


def _range_root(span: Range, nodes: Nodes) -> bytes:
    hashes = [nodes(node) for node in _subtrees(span)]
    _check_hashes(hashes, "stored node")
    return _fold(hashes)


def _fold(peaks: Sequence[bytes]) -> bytes:
    return _chain_left(peaks[-1], peaks[-2::-1])


def _check_hashes(hashes: Sequence[bytes], what: str) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise OutOfRange(f"{what} of {len(value)} bytes")


def _refuse_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofRefused(f"hash of {len(value)} bytes")


def _refuse_sizes(*sizes: int) -> None:
    for size in sizes:
        if not 0 <= size < SIZE_LIMIT:
            raise ProofRefused("size out of range")
