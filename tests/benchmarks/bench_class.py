"""`course grade` on a synthetic class: whether every submission gets exactly the points that it must, and the cost.

    python tests/benchmarks/bench_class.py [--students 500] [--seed 1] [--workers 2] [--isolation strict]
        [--kills 0] [--keep DIR]

The submissions are put together out of the right answers, the wrong answers and the adversarial suite of the tests.
Wall time and CPU time are those of the whole command with all its children; peak memory is that of the grader's own
process. With `--kills 5` the class is graded a second time, into another folder, by a grader that is killed (SIGKILL)
five times and started again each time: what it leaves must be the same, byte for byte.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse  # noqa: E402
import collections  # noqa: E402
import contextlib  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS / "helpers"))

from hostile import Place  # noqa: E402
from synthetic_class import discrepancies, hand_in_class, synthetic_class  # noqa: E402


def peak_memory(pid) -> int:
    """The most memory that a living process has had, in bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return 0


def command_of(submissions, out, options):
    """`course grade` on a folder of submissions."""
    command = [sys.executable, "-m", "course_utils.cli", "grade", submissions, "--out", out, "--seed", options.seed]
    return list(map(str, [*command, "--workers", options.workers, "--isolation", options.isolation]))


def grade(command):
    """Runs the command; returns (wall seconds, CPU seconds with all children, the grader's peak memory in bytes)."""
    started, peak = time.monotonic(), 0
    process = subprocess.Popen(command, cwd=TESTS.parent, stdout=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            break
        peak = max(peak, peak_memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"course grade ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, peak


def grade_and_kill(command, out, kills, students):
    """Runs the command, kills it `kills` times, each time when another part of the class has its results, and ends it.

    Returns how many results there were at each kill.
    """
    at = []
    for kill in range(1, kills + 1):
        process = subprocess.Popen(command, cwd=TESTS.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list((out / "results").rglob("*.json"))) < students * kill / (kills + 1):
            time.sleep(0.02)
        if process.poll() is not None:
            raise SystemExit(f"course grade ended with {process.returncode} before it could be killed")
        process.kill()
        process.wait()
        at.append(len(list((out / "results").rglob("*.json"))))
    grade(command)
    return at


def differences(one, other):
    """Files that are in one of two folders alone, or differ in a byte."""
    files = {path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*") if path.is_file()}
    read = lambda path: path.read_bytes() if path.is_file() else None  # noqa: E731
    return sorted(str(file) for file in files if read(one / file) != read(other / file)), len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--isolation", default="strict", choices=["strict", "auto"])
    parser.add_argument("--kills", type=int, default=0, help="grade once more, killed so many times")
    parser.add_argument(
        "--keep", type=Path, help="an empty folder for submissions and results; default: a temporary one"
    )
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="class-")))
        (folder / "host").mkdir(parents=True)
        (folder / "host" / "treasure").write_text("safe")
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        place = Place(
            folder / "submissions", folder / "out", folder / "host", TESTS.parent, server.getsockname()[1], os.getpid()
        )
        submissions = synthetic_class(options.students, options.seed, place)
        hand_in_class(place, submissions)
        wall, cpu, peak = grade(command_of(place.submissions, place.out, options))
        wrong = discrepancies(place.out / "grades.csv", submissions)
        report(submissions, wrong, wall, cpu, peak, options.workers)
        if options.kills:
            again = folder / "again"
            at = grade_and_kill(command_of(place.submissions, again, options), again, options.kills, len(submissions))
            other, files = differences(place.out, again)
            print(f"killed with          {', '.join(map(str, at))} results: {files} files, {len(other)} other")
            for name in other:
                print("  " + name)
            wrong = wrong or other
    return bool(wrong)


def report(submissions, wrong, wall, cpu, peak, workers):
    """Prints the summary, and each submission that did not get what it must get."""
    answers = collections.Counter(
        said.split(":")[0] for one in submissions if not one.attack for said in one.said.values()
    )
    attacks = sum(one.attack for one in submissions)
    print(f"submissions          {len(submissions)}: {len(submissions) - attacks} notebooks and {attacks} attacks")
    print("answers              " + ", ".join(f"{count} {kind}" for kind, count in sorted(answers.items())))
    print(f"exactly as expected  {'no' if wrong else 'yes'}")
    print(
        f"wall time            {wall:.0f} s with {workers} workers, {len(submissions) / wall:.2f} submissions a second"
    )
    print(f"CPU time             {cpu:.0f} s, {len(submissions) / cpu:.2f} submissions per CPU-second")
    print(f"the grader's memory  {peak / 2**20:.0f} MB at its peak")
    for line in wrong:
        print("  " + line)


if __name__ == "__main__":
    sys.exit(main())
