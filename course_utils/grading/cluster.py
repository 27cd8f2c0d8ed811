"""The same work on the workers of a Dask scheduler: each submission's cells go there, and its result comes back."""

import atexit
import contextlib
import functools
from pathlib import Path
from typing import Any

from course_utils.checking.limits import one_blas_thread
from course_utils.grading import sandbox
from course_utils.grading.cleaning import temporary_folder
from course_utils.grading.grader import Grader, failure
from course_utils.grading.isolation import choose
from course_utils.grading.submissions import Cells, Submission
from course_utils.grading.watching import watching

CONNECT_SECONDS = 20


class Cluster:
    """A connection to the scheduler at an address ("tcp://host:8786"); OSError where there is none."""

    def __init__(self, address: str, grader: Grader):
        try:
            from distributed import Client
        except ImportError:
            raise OSError(
                "--cluster needs Dask: pip install 'generative-models-course[cluster]', on the workers, too"
            ) from None
        try:
            self.client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise OSError(f"there is no Dask scheduler at {address} ({error})") from None
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            self.close()
            raise OSError(f"the Dask scheduler at {address} has no workers; start some with: dask worker {address}")
        self.threads = sum(worker["nthreads"] for worker in workers.values())
        self.grader = grader

    def result(self, submission: Submission, cells: Cells) -> dict:
        """The submission's result, computed by a worker. Dask gives it to another one when a worker is lost."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        grader = self.grader
        if submission.refusal or cells.status:
            return grader.result(submission, cells)  # nothing to run
        future = self.client.submit(
            result_there,
            submission._replace(path=Path(), root=None),
            cells,
            grader.seed,
            grader.tier.name,
            grader.definitions,
            grader.partial,
            pure=False,
        )
        try:
            return future.result()
        except KilledWorker:
            return grader.complete(submission, cells, failure("every worker that had this submission was lost"), {})
        except (CommClosedError, FutureCancelledError, TimeoutError) as error:
            raise OSError(
                "the connection to the Dask scheduler is lost; what is finished is kept: start the same command "
                "again and it goes on"
            ) from error

    def close(self) -> None:
        """Ends the connection. Scheduler and workers stay."""
        self.client.close()


def result_there(
    submission: Submission, cells: Cells, seed: Any, tier: Any, definitions: str, partial: bool = False
) -> dict:
    """Runs on a worker: the result, by a grader that the worker keeps for the run. OSError where it is not as asked."""
    grader = _grader(seed, tier, partial)
    if grader.definitions != definitions:
        raise OSError(
            "a Dask worker has another version of the course, of Python, numpy, scipy or autograd than this "
            "machine: install the same everywhere"
        )
    return grader.result(submission, cells)


@functools.lru_cache(1)
def _grader(seed, tier, partial=False):
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    stack.enter_context(one_blas_thread())
    temporary = stack.enter_context(temporary_folder())
    stack.enter_context(watching(sandbox.RUNNING, sandbox.MEMORY))
    grader = Grader(seed, temporary, choose(tier, tier == "plain", (temporary,)), partial)
    grader.probe()
    atexit.register(grader.close)
    return grader
