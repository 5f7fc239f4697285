"""Training on several GPUs: each process takes part of the sampled patients, one adds the noise.

Rank 0 draws the sample and tells the others; every sampled patient falls to exactly one rank.
Each rank sums its own patients' clipped averages; rank 0 puts the noise of the whole step over its
part; one all-reduce adds the parts. So the sum is that of one process and carries its noise once,
and all ranks hold the same numbers. The processes trust each other: they read the same cohort.

NCCL on GPUs, gloo otherwise. torch's DistributedDataParallel averages what autograd left in every
rank; here nothing is left by autograd and the noise must not be averaged, so the all-reduce is
called directly. A test holds the sum to DistributedDataParallel's.
"""

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from models import privacy
from models.privacy import Mechanism

Array = NDArray[np.float64]
T = TypeVar("T")

# A rank that has not been heard of for so long is lost, and the run stops.
SILENCE: Final = timedelta(minutes=5)


class RankLost(RuntimeError):
    """A process of the training died. Run the same command again: it goes on from the checkpoint,
    and steps made since are made and charged again."""

    name = "rank_lost"


class RanksDiffer(RuntimeError):
    """The processes hold different parameters. The run is worth nothing; its charges stand."""

    name = "ranks_differ"


def part(drawn: NDArray[np.intp], rank: int, size: int) -> NDArray[np.intp]:
    """Return the sampled patients that fall to a rank; each falls to exactly one."""
    return drawn[rank::size]


def contribution(total: Array, mechanism: Mechanism, rank: int) -> Array:
    """Return what a rank gives into the private mean: its sum, on rank 0 with the step's noise.

    The sum of independent parts and one Gaussian is the sum of all and that Gaussian: sigma and
    sensitivity are those of one process, so the charge is too.
    """
    if rank == 0:
        return privacy.noisy(total, mechanism)
    return total / mechanism.expected_batch


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together. The default is one process alone."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this one samples, noises, charges and writes."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The GPU of this process when there is one, else the CPU."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", self.rank % torch.cuda.device_count())

    def drawn(self, draw: Callable[[], NDArray[np.intp]], patients: int) -> NDArray[np.intp]:
        """Return rank 0's sample; only rank 0 draws."""
        if self.size == 1:
            return draw()
        taken = np.zeros(patients)
        if self.first:
            taken[draw()] = 1.0
        return np.flatnonzero(self.from_first(taken))

    def summed(self, mine: Array) -> Array:
        """Return the sum over ranks, the same numbers on each."""
        return self._reduced(mine, dist.ReduceOp.SUM)

    def from_first(self, values: Array) -> Array:
        """Return rank 0's numbers; all ranks pass an array of their shape."""
        if self.size == 1:
            return values
        held = torch.from_numpy(values.copy()).to(self.device)
        dist.broadcast(held, 0)
        return np.asarray(held.cpu().numpy())

    def first_ahead(self, act: Callable[[], T]) -> T:
        """Act on rank 0, then on the others: what it left in a shared folder is there for them."""
        if self.first:
            done = act()
            self.from_first(np.zeros(1))
            return done
        self.from_first(np.zeros(1))
        return act()

    def check_equal(self, content: bytes) -> None:
        """Compare what must be the same on all ranks.

        Raises:
            RanksDiffer: it is not.
        """
        # 48 bits fit a float64 exactly.
        mark = np.array([float(int.from_bytes(hashlib.sha256(content).digest()[:6]))])
        ends = (self._reduced(mark, op) for op in (dist.ReduceOp.MIN, dist.ReduceOp.MAX))
        if len({float(end[0]) for end in ends}) > 1:
            raise RanksDiffer("the processes hold different parameters: stop, and look for the bug")

    def _reduced(self, mine: Array, how: Any) -> Array:
        if self.size == 1:
            return mine
        held = torch.from_numpy(mine.copy()).to(self.device)
        dist.all_reduce(held, op=how)
        return np.asarray(held.cpu().numpy())


def most() -> int:
    """Return how many processes train together unless told: one a GPU."""
    return max(1, torch.cuda.device_count())


def start(size: int, work: Callable[..., None], *arguments: object) -> None:
    """Run `work(ranks, *arguments)` in `size` processes until all are done.

    Raises:
        RankLost: one of them died; the others were stopped.
        RanksDiffer: they came apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        try:
            spawn(_joined, (size, meeting, work, arguments), nprocs=size)  # type: ignore[no-untyped-call]
        except (ProcessExitedException, ProcessRaisedException) as err:
            cause = _first_cause(meeting) or _cause(err)
            kind = RanksDiffer if RanksDiffer.__name__ in cause else RankLost
            raise kind(_said(cause, err, size)) from err


def _note_cause(meeting: Path, error: BaseException) -> None:
    """Keep what failed first: the others then fail too, on a connection that is gone."""
    with suppress(FileExistsError), (meeting.parent / "cause").open("x") as held:
        held.write(f"{type(error).__name__}: {error}")


def _first_cause(meeting: Path) -> str | None:
    held = meeting.parent / "cause"
    return held.read_text() if held.exists() else None


def _cause(err: ProcessExitedException | ProcessRaisedException) -> str:
    if isinstance(err, ProcessExitedException):
        return err.signal_name or f"exit status {err.exit_code}"
    return str(err).strip().splitlines()[-1]


def _said(cause: str, err: ProcessExitedException | ProcessRaisedException, size: int) -> str:
    return (
        f"process {err.error_index} of {size} stopped ({cause}); run the same command again: "
        "it goes on from the checkpoint and charges for the steps that are made again"
    )


def _joined(
    rank: int, size: int, meeting: Path, work: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    torch.set_num_threads(1)
    ranks = Ranks(rank, size)
    backend = "nccl" if torch.cuda.device_count() >= size else "gloo"
    if ranks.device.type == "cuda":
        torch.cuda.set_device(ranks.device)
    dist.init_process_group(
        backend, init_method=f"file://{meeting}", rank=rank, world_size=size, timeout=SILENCE
    )
    try:
        work(ranks, *arguments)
    except BaseException as error:
        _note_cause(meeting, error)
        raise
    finally:
        dist.destroy_process_group()
