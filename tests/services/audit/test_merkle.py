"""The tree and its proofs: public vectors, the RFC's definition, and a second verifier."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit import merkle
from tests.services.audit import reference_merkle as reference

VECTORS = Path(__file__).parents[2] / "data" / "merkle"

# The public vectors accept here a claim about roots of 12 bytes: no SHA-256 root has that length,
# so this verifier is stricter on purpose.
STRICTER = {"consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"}


def vectors(name: str) -> list[Any]:
    entries = json.loads((VECTORS / f"{name}.json").read_text())
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def refuses(entry: dict[str, Any]) -> bool:
    return entry["wantErr"] or entry["name"] in STRICTER


def check(must_refuse: bool, verify: Callable[[], None]) -> None:
    if must_refuse:
        with pytest.raises(merkle.ProofRefused):
            verify()
    else:
        verify()


def test_the_public_vectors_are_all_there() -> None:
    assert [len(vectors(name)) for name in ("inclusion", "consistency")] == [98, 98]


@pytest.mark.parametrize("entry", vectors("inclusion"))
def test_public_inclusion_vector(entry: dict[str, Any]) -> None:
    check(
        refuses(entry),
        lambda: merkle.verify_inclusion(
            decoded(entry["leafHash"]),
            index=entry["leafIdx"],
            size=entry["treeSize"],
            proof=[decoded(item) for item in entry["proof"] or []],
            root=decoded(entry["root"]),
        ),
    )


@pytest.mark.parametrize("entry", vectors("consistency"))
def test_public_consistency_vector(entry: dict[str, Any]) -> None:
    check(
        refuses(entry),
        lambda: merkle.verify_consistency(
            old_size=entry["size1"],
            size=entry["size2"],
            proof=[decoded(item) for item in entry["proof"] or []],
            old_root=decoded(entry["root1"]),
            root=decoded(entry["root2"]),
        ),
    )


def leaves_of(size: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(size)]


def table_of(leaves: list[bytes]) -> merkle.NodeTable:
    return merkle.NodeTable(merkle.leaf_hash(leaf) for leaf in leaves)


@pytest.mark.parametrize("size", range(34))
def test_every_proof_is_the_one_that_the_rfc_defines(size: int) -> None:
    leaves = leaves_of(size)
    table = table_of(leaves)
    assert table.tree.root() == merkle.root_at(size, table) == reference.tree_hash(leaves)
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, table)
        assert list(proof) == reference.path(index, leaves)
        merkle.verify_inclusion(
            merkle.leaf_hash(leaves[index]),
            index=index,
            size=size,
            proof=proof,
            root=table.tree.root(),
        )
    for old_size in range(1, size + 1):
        proof = merkle.consistency_proof(old_size, size, table)
        assert list(proof) == reference.proof(old_size, leaves)
        merkle.verify_consistency(
            old_size=old_size,
            size=size,
            proof=proof,
            old_root=reference.tree_hash(leaves[:old_size]),
            root=table.tree.root(),
        )


def test_every_tree_extends_the_empty_one_and_only_with_its_true_root() -> None:
    root = table_of(leaves_of(5)).tree.root()
    merkle.verify_consistency(old_size=0, size=5, proof=(), old_root=merkle.EMPTY_ROOT, root=root)
    for old_root, proof in ((root, ()), (merkle.EMPTY_ROOT, (root,))):
        with pytest.raises(merkle.ProofRefused):
            merkle.verify_consistency(old_size=0, size=5, proof=proof, old_root=old_root, root=root)


@given(size=st.integers(0, 300), data=st.data())
@settings(max_examples=50)
def test_a_restored_tree_goes_on_as_if_never_stopped(size: int, data: st.DataObject) -> None:
    stop = data.draw(st.integers(0, size))
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves_of(size)]
    first = table_of(leaves_of(stop)).tree
    restored = merkle.Tree(first.size, list(first.peaks))
    for value in hashes[stop:]:
        restored.append(value)
    assert restored.root() == merkle.root_of(hashes)


@pytest.mark.parametrize("size", [2**63 - 1, 2**63])
def test_no_tree_grows_to_two_to_the_63(size: int) -> None:
    path = [bytes([number]) * 32 for number in range(63)]
    root = old_root = merkle.leaf_hash(b"first")
    for sibling in path:
        root = merkle.node_hash(root, sibling)
    check(
        size == 2**63,
        lambda: merkle.verify_consistency(
            old_size=1, size=size, proof=path, old_root=old_root, root=root
        ),
    )


def test_from_nothing_and_to_itself_the_proof_is_empty() -> None:
    table = table_of(leaves_of(5))
    assert merkle.consistency_proof(0, 5, table) == ()
    assert merkle.consistency_proof(5, 5, table) == ()
    for old_size in (-1, 0, 5):
        with pytest.raises(merkle.OutOfRange):
            merkle.consistency_ranges(old_size, 2**63 if old_size >= 0 else 5)


def test_needed_nodes_are_enough_and_stored_ones() -> None:
    size = 100
    table = table_of(leaves_of(size))
    ranges = merkle.inclusion_ranges(70, size) + merkle.consistency_ranges(33, size)
    fetched = {node: table(node) for node in merkle.nodes_needed(ranges)}
    assert merkle.inclusion_proof(70, size, fetched.__getitem__) == merkle.inclusion_proof(
        70, size, table
    )
    assert merkle.consistency_proof(33, size, fetched.__getitem__) == merkle.consistency_proof(
        33, size, table
    )


@pytest.mark.parametrize(
    ("size", "peaks"),
    [
        (4, []),
        (4, [b"short"]),
        (4, [b"x" * 32, b"y" * 32]),
        (-4, [b"x" * 32]),
        (2**63, [b"x" * 32]),
    ],
)
def test_a_state_that_cannot_have_been_left_is_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(merkle.OutOfRange):
        merkle.Tree(size, peaks)


@pytest.mark.parametrize(("size", "siblings"), [(2**63 - 1, 63), (2**63, 63)])
def test_trees_end_below_two_to_the_63(size: int, siblings: int) -> None:
    path = [bytes([number]) * 32 for number in range(siblings)]
    root = leaf = merkle.leaf_hash(b"first")
    for sibling in path:
        root = merkle.node_hash(root, sibling)
    check(
        size == 2**63,
        lambda: merkle.verify_inclusion(leaf, index=0, size=size, proof=path, root=root),
    )


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_hash_of_another_length_never_enters_the_tree(length: int) -> None:
    with pytest.raises(merkle.OutOfRange):
        merkle.Tree().append(b"x" * length)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_proof_is_made_for_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(merkle.OutOfRange):
        merkle.inclusion_ranges(index, size)


def test_no_consistency_proof_backwards() -> None:
    with pytest.raises(merkle.OutOfRange):
        merkle.consistency_ranges(6, 5)


def accepted(verify: Callable[[], None], refusal: type[Exception]) -> bool:
    try:
        verify()
    except refusal:
        return False
    return True


@st.composite
def mutated(draw: st.DrawFn, hashes: list[bytes]) -> list[bytes]:
    """The proof itself, or one with a hash changed, cut, doubled, moved or of another length."""
    result = list(hashes)
    kind = draw(st.sampled_from(["same", "flip", "drop", "insert", "swap", "shorten"]))
    if kind == "insert":
        result.insert(draw(st.integers(0, len(result))), draw(st.sampled_from([b"", b"z" * 32])))
    elif kind != "same" and result:
        at = draw(st.integers(0, len(result) - 1))
        if kind == "flip":
            result[at] = bytes([result[at][0] ^ 1]) + result[at][1:]
        elif kind == "drop":
            del result[at]
        elif kind == "swap":
            result[at], result[-1] = result[-1], result[at]
        else:
            result[at] = result[at][:-1]
    return result


@given(size=st.integers(1, 64), claimed=st.integers(0, 66), data=st.data())
@settings(max_examples=400, deadline=None)
def test_both_inclusion_verifiers_agree_on_true_and_forged_proofs(
    size: int, claimed: int, data: st.DataObject
) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    leaf, root = merkle.leaf_hash(leaves[index]), reference.tree_hash(leaves)
    proof = data.draw(mutated(reference.path(index, leaves)))
    said_index = data.draw(st.sampled_from([index, index + 1, claimed]))
    said_size = data.draw(st.sampled_from([size, claimed]))
    ours = accepted(
        lambda: merkle.verify_inclusion(
            leaf, index=said_index, size=said_size, proof=proof, root=root
        ),
        merkle.ProofRefused,
    )
    theirs = accepted(
        lambda: reference.check_inclusion(leaf, said_index, said_size, proof, root),
        reference.Refused,
    )
    assert ours == theirs
    if (proof, said_index, said_size) == (reference.path(index, leaves), index, size):
        assert ours


@given(size=st.integers(0, 64), claimed=st.integers(0, 66), data=st.data())
@settings(max_examples=400, deadline=None)
def test_both_consistency_verifiers_agree_on_true_and_forged_proofs(
    size: int, claimed: int, data: st.DataObject
) -> None:
    leaves = leaves_of(size)
    old_size = data.draw(st.integers(0, size))
    old_root, root = reference.tree_hash(leaves[:old_size]), reference.tree_hash(leaves)
    honest = reference.proof(old_size, leaves) if old_size else []
    proof = data.draw(mutated(honest))
    said_old = data.draw(st.sampled_from([old_size, claimed]))
    said_size = data.draw(st.sampled_from([size, claimed]))
    ours = accepted(
        lambda: merkle.verify_consistency(
            old_size=said_old, size=said_size, proof=proof, old_root=old_root, root=root
        ),
        merkle.ProofRefused,
    )
    theirs = accepted(
        lambda: reference.check_consistency(said_old, said_size, proof, old_root, root),
        reference.Refused,
    )
    assert ours == theirs
    if (proof, said_old, said_size) == (honest, old_size, size):
        assert ours
