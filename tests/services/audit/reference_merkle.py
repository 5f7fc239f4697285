"""A second Merkle verifier, straight from the recursive definitions of RFC 6962 section 2.1.

It shares no code with the product: slow, obvious, and there to disagree when the product is wrong.
"""

import hashlib
from collections.abc import Sequence


class Refused(Exception):
    """The proof does not have the shape or the value that the definition gives."""


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _join(left: bytes, right: bytes) -> bytes:
    return _sha(b"\x01" + left + right)


def _largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not leaves:
        return _sha(b"")
    if len(leaves) == 1:
        return _sha(b"\x00" + leaves[0])
    k = _largest_power_below(len(leaves))
    return _join(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = _largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) for 0 < m <= n."""
    return _subproof(m, leaves, True)


def _subproof(m: int, leaves: Sequence[bytes], is_known: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if is_known else [tree_hash(leaves)]
    k = _largest_power_below(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], is_known), tree_hash(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def check_inclusion(leaf: bytes, m: int, n: int, hashes: Sequence[bytes], root: bytes) -> None:
    """Raise Refused unless the recursion over PATH gives `root`."""
    if not 0 <= m < n or any(len(h) != 32 for h in (leaf, root, *hashes)):
        raise Refused
    if _root_from_path(leaf, m, n, list(hashes)) != root:
        raise Refused


def _root_from_path(leaf: bytes, m: int, n: int, hashes: list[bytes]) -> bytes:
    if n == 1:
        if hashes:
            raise Refused
        return leaf
    if not hashes:
        raise Refused
    k = _largest_power_below(n)
    if m < k:
        return _join(_root_from_path(leaf, m, k, hashes[:-1]), hashes[-1])
    return _join(hashes[-1], _root_from_path(leaf, m - k, n - k, hashes[:-1]))


def check_consistency(m: int, n: int, hashes: Sequence[bytes], old: bytes, new: bytes) -> None:
    """Raise Refused unless the recursion over SUBPROOF gives both roots."""
    if not 0 <= m <= n or any(len(h) != 32 for h in (old, new, *hashes)):
        raise Refused
    if (m == 0 and old != _sha(b"")) or (n == 0 and new != _sha(b"")):
        raise Refused
    if m == 0:
        if hashes:
            raise Refused
        return
    if _both_roots(m, n, list(hashes), old, True) != (old, new):
        raise Refused


def _both_roots(
    m: int, n: int, hashes: list[bytes], old: bytes, is_known: bool
) -> tuple[bytes, bytes]:
    if m == n:
        if len(hashes) != (0 if is_known else 1):
            raise Refused
        here = old if is_known else hashes[0]
        return here, here
    if not hashes:
        raise Refused
    k = _largest_power_below(n)
    if m <= k:
        left_old, left_new = _both_roots(m, k, hashes[:-1], old, is_known)
        return left_old, _join(left_new, hashes[-1])
    right_old, right_new = _both_roots(m - k, n - k, hashes[:-1], old, False)
    return _join(hashes[-1], right_old), _join(hashes[-1], right_new)
