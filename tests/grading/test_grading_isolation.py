"""The isolation tiers: which one is taken, what it says where it cannot be had, and what a strict child sees."""

import os
import platform
import struct
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from grading_corpus import PCA, START, hand_in, solved, student_cells
from grading_results import NOT_HERE, rows_of
from hostile import Place, hand_in_hostile
from left_over import ended

from course_utils import cli
from course_utils.grading import grade_folder, hardening, isolation, results, sandbox, watching
from course_utils.grading.isolation import choose, masks, mounts, outermost

pytestmark = pytest.mark.slow  # the whole file takes tens of seconds

ROOT = Path(__file__).parents[2]
needs_strict = pytest.mark.skipif(
    bool(NOT_HERE) and not os.environ.get("CI"), reason=f"no strict isolation: {NOT_HERE}"
)


@pytest.fixture
def strict():
    """The strict tier of this machine."""
    return choose("strict", False)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """fake(text) puts a bubblewrap in place that only says this and fails."""

    def put(text):
        script = tmp_path / "bwrap"
        script.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
        script.chmod(0o755)
        monkeypatch.setattr(isolation, "bubblewrap", lambda: str(script))

    return put


# Which tier ---------------------------------------------------------------------------------------------------------


@needs_strict
@pytest.mark.parametrize("asked", ["auto", "strict"])
@pytest.mark.parametrize("trusted", [False, True])
def test_strict_is_taken_where_it_can_be_had(asked, trusted):
    tier = choose(asked, trusted)
    assert tier.name == "strict" and tier.notice.startswith("Isolation: strict")


@needs_strict
def test_it_does_not_matter_where_the_course_and_python_lie(monkeypatch):
    """In particular, nothing that the sandbox must see has to lie below /tmp, where tests and their copies do."""
    system = tuple(path for path in isolation.visible() if path.startswith(("/usr", "/lib", "/etc")))
    monkeypatch.setattr(isolation, "visible", lambda: system)
    strict = isolation.Isolation("strict", isolation.STRICT, isolation.bubblewrap())
    with tempfile.TemporaryDirectory(dir="/var/tmp") as library:
        Path(library).chmod(0o755)
        done = subprocess.run(
            [*isolation.prefix(strict, Path(library)), "/usr/bin/touch", f"{isolation.WORK}/written"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_plain_needs_trust():
    with pytest.raises(OSError, match="--i-trust-these-submissions"):
        choose("plain", False)
    assert choose("plain", True).name == "plain"


def test_without_bubblewrap_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(isolation, "bubblewrap", lambda: None)
    monkeypatch.setattr(isolation.sys, "platform", "linux")
    for asked, trusted in (("strict", False), ("strict", True), ("auto", False)):
        with pytest.raises(OSError, match="apt install bubblewrap") as error:
            choose(asked, trusted)
        assert "\n" not in str(error.value)
    tier = choose("auto", True)
    assert tier.name == "plain" and "apt install bubblewrap" in tier.notice and "YOUR rights" in tier.notice


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is Linux's")
@pytest.mark.parametrize(
    "said, words",
    [
        ("bwrap: No permissions to create a new namespace", "Does the kernel allow user namespaces"),
        ("bwrap: Unknown option --disable-userns", "too old"),
        ("", "status 1"),
    ],
)
def test_a_bubblewrap_that_fails_says_why_in_one_line(fake, said, words):
    fake(said)
    for asked in ("strict", "auto"):
        with pytest.raises(OSError, match=words) as error:
            choose(asked, False)
        assert "\n" not in str(error.value)
    assert choose("auto", True).name == "plain"


def test_elsewhere_a_container_is_named(monkeypatch):
    monkeypatch.setattr(isolation.sys, "platform", "darwin")
    with pytest.raises(OSError, match="needs Linux.*container"):
        choose("strict", False)


def test_an_unknown_tier_is_an_error():
    with pytest.raises(ValueError, match="auto, strict, plain"):
        choose("loose", True)


def test_the_command_line_stops_and_writes_nothing(tmp_path, capsys, monkeypatch):
    hand_in(tmp_path / "in", f"a/{START}.ipynb", solved(START))
    monkeypatch.setattr(isolation, "bubblewrap", lambda: None)
    for options in ([], ["--isolation", "strict"], ["--isolation", "plain"]):
        assert cli.main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *options]) == 2
        said = capsys.readouterr().err
        assert said.startswith("course: ") and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@needs_strict
def test_the_tier_is_on_every_row_result_and_page(tmp_path, capsys):
    hand_in(tmp_path / "in", f"a/{START}.ipynb", solved(START))
    assert cli.main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--isolation", "strict"]) == 0
    assert capsys.readouterr().out.startswith("Isolation: strict")
    row = rows_of(tmp_path / "out")["a", START]
    assert (row["isolation"], row["points"], row["status"]) == ("strict", "1", "graded")
    assert '"isolation": "strict"' in (tmp_path / "out" / "results" / "a" / f"{START}.json").read_text()
    assert "isolation strict" in (tmp_path / "out" / "feedback" / "a" / f"{START}.html").read_text()


@needs_strict
def test_a_result_of_another_tier_is_not_taken_over(tmp_path):
    hand_in(tmp_path / "in", f"a/{START}.ipynb", b"")
    for tier in ("plain", "strict"):
        grade_folder(tmp_path / "in", tmp_path / "out", seed=1, isolation=tier, trusted=True)
        assert rows_of(tmp_path / "out")["a", START]["isolation"] == tier


# What a strict child sees -------------------------------------------------------------------------------------------


def inside(tier, code, library):
    """What code prints in a strict child's sandbox."""
    command = [*isolation.prefix(tier, library), isolation.interpreter(), "-S", "-P", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, env=sandbox.environment(isolation.WORK), timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def library(tmp_path):
    """A folder that stands for the copy of the library."""
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "own.txt").write_text("own")
    tmp_path.chmod(0o755)
    return folder


@needs_strict
def test_it_sees_python_and_its_library_and_nothing_else(strict, library):
    home, here = Path.home(), str(ROOT)
    # A virtual environment in the checkout makes the checkout's folder a road to the packages; only the road shows.
    packages = [Path(path).relative_to(here).parts[0] for path in isolation.visible() if path.startswith(here + "/")]
    printed = inside(
        strict,
        f"""
        import os, socket
        roads = {[Path(path).parts[2] for path in isolation.visible() if path.startswith("/tmp/")]!r}
        print(sorted(os.listdir("/course")), [name for name in os.listdir("/tmp") if name not in roads], os.getcwd())
        print([p for p in {[str(home / name) for name in os.listdir(home)]!r} if os.path.isfile(p)])
        print([p for p in ("/etc/passwd", "/etc/shadow", "/var", "/sys", "/boot", "/dev/shm") if os.path.exists(p)],
              [name for name in (os.listdir({here!r}) if os.path.exists({here!r}) else []) if name not in {packages!r}])
        print([name for _, name in socket.if_nameindex()], socket.gethostname())
        print([p for p in os.listdir("/proc") if p.isdigit()], os.getpid(), os.getuid())
        print(sorted(os.listdir("/dev")))
    """,
        library,
    ).splitlines()
    assert printed[0] == "['own.txt'] [] /tmp"
    assert printed[1:3] == ["[]", "[] []"]
    assert printed[3] == "['lo'] course"
    assert printed[4] == "['1'] 1 1000"
    assert printed[5] == str(sorted(isolation.DEVICES))


@needs_strict
def test_it_has_no_rights_and_cannot_write(strict, library):
    printed = inside(
        strict,
        """
        import os
        status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        rights = {status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        print(rights, status["NoNewPrivs"])
        library = os.path.dirname(os.__file__)
        for path in ("/x", "/course/x", "/usr/x", "/proc/sys/kernel/hostname", "/dev/x", library + "/x"):
            try:
                open(path, "w").write("x")
            except OSError:
                continue
            print("wrote", path)
        open("/tmp/x", "w").write("x")
    """,
        library,
    )
    assert printed == "{''} 1\n"


@needs_strict
def test_what_must_stay_hidden_is_hidden_where_it_lies_in_what_is_seen(strict, library, tmp_path, monkeypatch):
    """As for a course that is installed beside numpy, or graded below /usr/src."""
    site = tmp_path / "site-packages"
    for name in (
        "numpy/a.py",
        "course_utils/probability/numerics.py",
        "theirs/submissions/s.ipynb",
        "theirs/venv/lib/b.py",
    ):
        hand_in(site, name, b"text")
    seen = (*isolation.visible(), str(site), str(site / "theirs/venv/lib"))
    monkeypatch.setattr(isolation, "visible", lambda: seen)
    tier = strict._replace(hidden=(site / "theirs",))
    printed = inside(
        tier,
        f"""
        import os
        print(sorted(os.path.join(folder, file) for folder, _, files in os.walk({str(site)!r}) for file in files))
        for folder in ({str(site / "theirs")!r}, {str(site / "course_utils")!r}):
            try:
                open(folder + "/x", "w")
            except OSError as error:
                print(error.strerror)
    """,
        library,
    )
    assert printed.splitlines() == [
        str([f"{site}/numpy/a.py", f"{site}/theirs/venv/lib/b.py"]),
        *["Read-only file system"] * 2,
    ]


def test_masks_are_the_course_and_what_is_hidden_below_what_is_seen(tmp_path):
    for name in ("a/lib/python3.11/site-packages/course_utils", "a/submissions", "b/submissions", "c/course_utils"):
        (tmp_path / name).mkdir(parents=True)
    found = masks((tmp_path / "a/submissions", tmp_path / "b/submissions"), (str(tmp_path / "a"), str(tmp_path / "c")))
    assert found == [
        str(tmp_path / name)
        for name in ("a/lib/python3.11/site-packages/course_utils", "a/submissions", "c/course_utils")
    ]


@pytest.mark.parametrize("find", [True, False], ids=["find", "without find"])
def test_every_copy_of_the_course_is_masked_wherever_it_lies(tmp_path, monkeypatch, find):
    if not find:
        monkeypatch.setattr(isolation.shutil, "which", lambda *_, **__: None)
    for name in ("share/teaching/2024/course_utils", "share/teaching/2024/solutions", "lib/a/b/c/d/e/course_utils/x"):
        (tmp_path / "usr" / name).mkdir(parents=True)
    (tmp_path / "elsewhere" / "course_utils").mkdir(parents=True)
    (tmp_path / "usr" / "link").symlink_to(tmp_path / "elsewhere")
    isolation.copies_below.cache_clear()
    masks.cache_clear()
    assert masks((), (str(tmp_path / "usr"),)) == [
        str(tmp_path / "usr" / "lib/a/b/c/d/e/course_utils"),
        str(tmp_path / "usr" / "share/teaching/2024"),
    ]


def test_nothing_is_searched_twice_and_nothing_behind_a_link_is_left_out(tmp_path):
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "user").mkdir()
    names = ("lib", "lib/x", "usr", "usr/lib", "usr/lib/x", "user")
    assert outermost(tuple(str(tmp_path / name) for name in names)) == tuple(
        str(tmp_path / name) for name in ("lib", "lib/x", "usr", "user")
    )


def test_what_lies_deeper_is_mounted_later():
    options = mounts(["/a/b", "/a", "/a/b/c/d"], ["/a/b/c", "/a/b"])
    at = [(options[i + 1], options[i]) for i, o in enumerate(options) if o in ("--ro-bind", "--tmpfs")]
    assert at == [
        ("/a", "--ro-bind"),
        ("/a/b", "--ro-bind"),
        ("/a/b", "--tmpfs"),
        ("/a/b/c", "--tmpfs"),
        ("/a/b/c/d", "--ro-bind"),
    ]
    assert options[-4:] == ["--remount-ro", "/a/b/c", "--remount-ro", "/a/b"]


# As whom ------------------------------------------------------------------------------------------------------------


def as_nobody(command, folder, user=isolation.NOBODY):
    """Runs a command as nobody, who sees this system's Python and checkout, and may write to one folder."""
    bubblewrap = isolation.bubblewrap()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, int(user), int(user))
    seen = [*isolation.visible(), sys.executable, str(ROOT / "course_utils"), "/etc", bubblewrap]
    view = [
        bubblewrap,
        "--die-with-parent",
        *mounts(seen, []),
        "--dev-bind",
        "/dev",
        "/dev",
        "--bind",
        "/proc",
        "/proc",
        "--perms",
        "1777",
        "--tmpfs",
        "/tmp",
        *mounts([p for p in seen if p.startswith("/tmp")], []),
        *isolation.folder_of(str(folder)),
        "--bind",
        str(folder),
        str(folder),
        "--chdir",
        str(folder),
        "--",
    ]
    nobody = [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "--inh-caps=-all",
        "--",
    ]
    paths = os.pathsep.join([str(ROOT), *isolation.package_folders()])
    return subprocess.run(
        [*view, *nobody, *command],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": os.defpath, "PYTHONPATH": paths, "HOME": str(folder), "TMPDIR": str(folder)},
    )


@needs_strict
@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 1)() != 0, reason="all the other tests run as an ordinary user already"
)
def test_an_ordinary_user_has_it_too(tmp_path):
    """The command line as nobody."""
    hand_in(tmp_path / "in", f"a/{START}.ipynb", solved(START))
    hand_in(
        tmp_path / "in",
        f"b/{START}.ipynb",
        student_cells(
            START,
            log_mean_exp="""
def log_mean_exp(a):
    import os, time
    for _ in range(200):
        if os.fork() == 0: time.sleep(30)""",
        ),
    )
    hand_in(tmp_path / "in", f"c/{PCA}.ipynb", solved(PCA))
    done = as_nobody(
        [isolation.interpreter(), "-m", "course_utils.cli", "grade", "in", "--out", "out", "--isolation", "strict"],
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    assert (tmp_path / "out" / "grades.csv").stat().st_uid == int(isolation.NOBODY)
    assert [rows[key]["points"] for key in (("a", START), ("b", START), ("c", PCA))] == ["1", "0", "20"]
    assert "Resource temporarily unavailable" in (tmp_path / "out" / "results" / "b" / f"{START}.json").read_text()


# That the attacks are real ------------------------------------------------------------------------------------------


def test_without_isolation_some_of_the_attacks_succeed(tmp_path):
    """What test_hostile.py shows to fail there would succeed if nothing stopped it."""
    place = Place(tmp_path / "in", tmp_path / "out", tmp_path / "host", ROOT, 9, 0)
    place.host.mkdir()
    (place.host / "treasure").write_text("safe")
    hand_in(place.submissions, f"honest/{START}.ipynb", solved(START))
    hand_in_hostile(place, ["checkout", "other-students", "gradebook"])
    grade_folder(place.submissions, place.out, seed=1, workers=1, isolation="plain", trusted=True)
    rows = rows_of(place.out)
    assert rows["checkout", START]["points"] == "1"
    assert not (place.host / "treasure").exists() and not (place.submissions / "honest" / f"{START}.ipynb").exists()


# What a child gives up, and who watches it --------------------------------------------------------------------------


def verdict_of(program, convention):
    """verdict(number): what the kernel makes of a system call by this program, on the few instructions that it uses."""

    def verdict(number, first=0, called_by=convention):
        at, word = 0, 0
        while True:
            code, then, otherwise, value = struct.unpack_from("HBBI", program, 8 * at)
            if code == 0x06:
                return value
            if code == 0x20:
                word, at = {0: number, 4: called_by, 16: first & 0xFFFFFFFF}[value], at + 1
            else:
                holds = {0x15: word == value, 0x35: word >= value, 0x45: word & value}[code]
                at += 1 + (then if holds else otherwise)

    return verdict


machines = pytest.mark.parametrize("column, convention", hardening.MACHINES.values(), ids=hardening.MACHINES)
REFUSED = hardening.REFUSE | hardening.EPERM


@machines
def test_the_filter_refuses_what_is_listed_and_what_is_foreign(column, convention):
    verdict = verdict_of(hardening.seccomp_filter(column, convention), convention)
    listed = {name: numbers[column] for name, numbers in hardening.CALLS.items() if numbers[column] is not None}
    for name, number in listed.items():
        assert verdict(number) == REFUSED, name
    sockets = {numbers[column] for numbers in hardening.SOCKETS.values()}
    others = set(range(500)) - set(listed.values()) - {hardening.CLONE3[column]} - sockets
    assert {verdict(n) for n in others} == {hardening.ALLOW}
    threads = 0x3D0F00  # what pthread_create asks for
    clone = hardening.CLONE[column]
    assert verdict(clone, threads) == verdict(clone, 17) == hardening.ALLOW
    for name, flag in hardening.NEW.items():
        assert verdict(clone, flag | threads) == REFUSED, name
    assert verdict(hardening.CLONE3[column]) == hardening.REFUSE | hardening.ENOSYS
    assert verdict(0, called_by=0x40000003) == verdict(0x40000001) == REFUSED


@machines
@pytest.mark.parametrize("families", [hardening.ANY, hardening.LOCAL], ids=["any", "local"])
def test_the_filter_lets_these_families_of_sockets_pass_and_no_other(column, convention, families):
    verdict = verdict_of(hardening.seccomp_filter(column, convention, families), convention)
    for numbers in hardening.SOCKETS.values():
        allowed = {family for family in range(-1, 64) if verdict(numbers[column], family) == hardening.ALLOW}
        assert allowed == set(families)
        assert verdict(numbers[column], 40) == hardening.REFUSE | hardening.EAFNOSUPPORT


@machines
def test_the_filter_of_signals_spares_the_server_and_everybody_at_once(column, convention):
    verdict = verdict_of(hardening.signal_filter(column, convention, (4711, 12)), convention)
    for name, numbers in hardening.SIGNALS.items():
        for pid in (4711, -4711, 12, -12, -1):
            assert verdict(numbers[column], pid) == REFUSED, (name, pid)
        for pid in (0, 1, 4710, -4712, 13):
            assert verdict(numbers[column], pid) == hardening.ALLOW, (name, pid)
    assert verdict(hardening.PIDFD_SEND_SIGNAL[column]) == REFUSED
    signals = {numbers[column] for numbers in hardening.SIGNALS.values()} | {hardening.PIDFD_SEND_SIGNAL[column]}
    assert {verdict(n, 4711) for n in set(range(500)) - signals} == {hardening.ALLOW}
    assert verdict(0, called_by=0x40000003) == REFUSED


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in hardening.MACHINES, reason="Linux on known machines"
)
def test_a_child_is_hardened_in_either_tier():
    printed = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "from course_utils.grading.hardening import harden\nharden()\n"
                "import os\nprint([l for l in open('/proc/self/status') if 'Seccomp:' in l or 'NoNew' in l])\n"
                "try:\n    os.memfd_create('x')\nexcept PermissionError:\n    print('refused')"
            ),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    assert printed == "['NoNewPrivs:\\t1\\n', 'Seccomp:\\t2\\n']\nrefused\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_watching_counts_threads_and_processes_and_kills_what_takes_too_much():
    code = (
        "import subprocess, sys, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "greedy = 'x = bytearray(300 << 20); print(1, flush=True); import time; time.sleep(60)'\n"
        "subprocess.Popen([sys.executable, '-c', greedy])\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1) == b"1"
        tasks = watching.tasks_below(process.pid)
        assert len(tasks) == 3 and len(set(tasks.values())) == 2
        child = sandbox.Child.__new__(sandbox.Child)
        child.process = process
        watching.restrain(child, 2 << 30)
        assert process.poll() is None
        watching.restrain(child, 256 << 20)
        assert process.wait(10) == -9
        assert ended(set(tasks.values()), 10) == {}


@needs_strict
def test_memory_is_limited_for_all_processes_of_an_answer_together(tmp_path, monkeypatch):
    hand_in_hostile(Place(tmp_path / "in", tmp_path, tmp_path, ROOT, 9, 0), ["memory-of-many"])
    monkeypatch.setattr(sandbox, "MEMORY", 500 << 20)
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, workers=1, isolation="strict")
    report = results.earlier_result(tmp_path / "out", "memory-of-many", START)["exercises"]["log_mean_exp"]
    assert report["kind"] == "died" and "more memory than there is" in report["advice"]


def test_names_cannot_make_result_files_collide(tmp_path):
    for name in (
        f"a/x.json/{START}",
        f"a/b/{START}",
        f"a/{START}.json/y",
        "a/x",
        f"{START}.json/{START}",
        START,
        f"a/{'y' * 200}",
    ):
        hand_in(tmp_path / "in", f"{name}.ipynb", b"")
    for name in ("y", f"{'z' * 120}/" * 12 + "y"):
        hand_in(tmp_path / "in", f"a/{name}.ipynb", b"")
    hand_in(tmp_path / "in", f"c/{START}.ipynb", b"")
    hand_in(tmp_path / "in", f"c/{START}.IPYNB", b"")
    grade_folder(tmp_path / "in", tmp_path / "out", seed=1, trusted=True)
    count = sum(path.suffix.lower() == ".ipynb" for path in (tmp_path / "in").rglob("*"))
    assert len(list((tmp_path / "out" / "results").rglob("*.json"))) >= count
    files = [path for path in (tmp_path / "out" / "results").rglob("*") if path.is_file()]
    assert len(files) == count == len((tmp_path / "out" / "grades.csv").read_text().splitlines()) - 1
