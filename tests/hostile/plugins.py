"""Plugins that do what they must not, each with the one line that is to come of it: a case is a few lines of source.

`REFUSED` files are turned down when they are loaded. `JOBS` are methods, subclasses of one that works: each costs its
own result, with the status and the reason here, or is noted on it.
"""

#: What every file begins with. Fine is exact search.
PRELUDE = """
import ctypes, multiprocessing, os, signal, subprocess, sys, threading, time
from pathlib import Path
import numpy as np
import binbench
from binbench import Footprint, register


class Fine(binbench.Algorithm):
    metrics = ("angular", "euclidean")

    def __init__(self, dimension: int):
        self.dimension = dimension

    def fit(self, train):
        self.train_ = train

    def query(self, queries, k):
        scores = queries @ self.train_.T
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return ids, np.take_along_axis(scores, ids, 1)

    def footprint(self):
        return Footprint(codes=4 * self.dimension)
"""

REFUSED = {
    # What declarations may not be.
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": []}}))': "query_grid gives ef [], not a list with values",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": [np.int64(3)]}}))': "gives ef the int64",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": np.arange(3)}}))': "query_grid gives ef",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": [object()]}}))': "gives ef the object",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": [float("nan")]}}))': "gives ef the float nan",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": ["\\0"]}}))': r"gives ef the str '\x00'",
    'register("m")(type("M", (Fine,), {"query_grid": {"ef": [1, 1]}}))': "gives ef one value twice",
    'register("m")(type("M", (Fine,), {"query_grid": {"../x": [1]}}))': "names an argument '../x'",
    'register("m")(type("M", (Fine,), {"query_grid": [1, 2]}))': "query_grid is list, not a mapping",
    'register("m")(type("M", (Fine,), {"query_grid": None}))': "query_grid is NoneType, not a mapping",
    'register("m")(type("M", (Fine,), {"scoring": "\\0"}))': r"scoring is '\x00', not one of symmetric, asymmetric",
    'register("m")(type("M", (Fine,), {"scoring": []}))': "scoring is [], not one of",
    'register("m")(type("M", (Fine,), {"score_scale": "?"}))': "score_scale is '?', not one of",
    'register("m")(type("M", (Fine,), {"metrics": "angular"}))': "metrics is 'angular', not a list of texts",
    'register("m")(type("M", (Fine,), {"libraries": [7]}))': "libraries is [7], not a list of texts",
    'register("m", size=object())(Fine)': "is neither text nor number",
    'register("m{n}", n=[np.int64(7)])(Fine)': "is neither text nor number",
    'register("..")(Fine)': "up to 100 letters, digits",
    'register("m" * 200)(Fine)': "up to 100 letters, digits",
    # What loading may not do.
    "sys.exit(0)": "SystemExit: 0",
    "os._exit(0)": "SystemExit: os._exit(0)",
    "raise KeyboardInterrupt.__base__('no Exception')": "BaseException: no Exception",
    "raise GeneratorExit": "GeneratorExit",
    "raise ValueError('a\\0b\\ud800\\x1b[2J')": r"ValueError: a\x00b\ud800\x1b[2J",
    "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()": "E: a text that raises ZeroDivisionError",
    "raise ValueError('x' * 100000)": "xxx…",
    "1 +": "SyntaxError",
    "None": "registers nothing",
}

JOBS = {
    # Texts.
    "def fit(self, train): raise ValueError('a\\0b\\ud800\\x1b]0;x\\x07')": (
        r"failed: ValueError: a\x00b\ud800\x1b]0;x\x07 ("
    ),
    "def fit(self, train): raise binbench.Unsupported('no\\0\\ud800')": r"skipped: no\x00\ud800",
    "def fit(self, train): raise binbench.UserError('\\u202e\\r\\nx')": r"failed: \u202e\r\nx",
    "def fit(self, train): open(b'\\xff\\xfe')": (
        r"failed: FileNotFoundError: [Errno 2] No such file or directory: b'\xff"
    ),
    "def fit(self, train): raise type('E\\x1b', (BaseException,), {})('x')": r"failed: E\x1b: x (",
    "def fit(self, train): raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})": (
        "failed: E: a text that raises"
    ),
    "def fit(self, train): raise KeyboardInterrupt": "failed: KeyboardInterrupt (",
    "def fit(self, train): sys.exit('\\0' * 9000)": r"failed: the plugin called sys.exit(\x00",
    "def fit(self, train): os._exit(0)": "failed: exited with status 0 before it was done",
    "def fit(self, train): super().fit(train); self.note('a\\0\\x1b[2J' + 'x' * 5000)": r"ok: a\x00\x1b[2Jxxx",
    # What is recorded.
    "def fit(self, train): super().fit(train); self.facts['notes'] = [1]": "failed: facts hold what cannot be recorded",
    "def fit(self, train): super().fit(train); self.facts_ = 7": "failed: facts hold what cannot be recorded",
    "def fit(self, train): super().fit(train); self.facts['training_rows'] = 'x'": "failed: facts hold what cannot be",
    # Ties.
    "def tied(self, queries, k): return 7": "failed: tied returned int",
    "def tied(self, queries, k): return np.zeros((3, 2)), 1, 2": (
        "failed: tied returned tuple, expected a tuple of arrays"
    ),
    "def tied(self, queries, k): return np.arange(3), np.zeros(3), np.zeros(2, int)": (
        "failed: tied returned offsets of"
    ),
    "def tied(self, queries, k): return np.arange(3), np.zeros(3), np.arange(21)": "offsets that do not ascend",
    "def tied(self, queries, k): return np.arange(20) + 390, np.zeros(20), np.arange(21)": (
        "tied with ids outside 0..399"
    ),
    "def tied(self, queries, k): return np.arange(20) * 1.0, np.zeros(20), np.arange(21)": (
        "tied returned ids of float64"
    ),
    "def tied(self, queries, k): return np.arange(20), np.full(20, np.nan), np.arange(21)": "tied with NaN scores",
    "def tied(self, queries, k): return np.zeros(40, int), np.zeros(40), 2 * np.arange(21)": "an id more than once",
    "def tied(self, queries, k): return np.arange(40), np.arange(40.), 2 * np.arange(21)": "tied with rising scores",
    # Answers.
    "def query(self, queries, k): return (lambda i, s: (i * 0 - 1, s * 0 - np.inf))(*super().query(queries, k))": (
        "failed: no query was answered: all ids are -1"
    ),
    "def query(self, queries, k): return (lambda i, s: (i, -s))(*super().query(queries, k))": (
        "failed: query 0 was answered with rising scores"
    ),
    "def query(self, queries, k): i, s = super().query(queries, k); i[1, 0] = -1; return i, s": (
        "failed: query 1 was answered with ids after the padding"
    ),
    "def query(self, queries, k): i, s = super().query(queries, k); return np.ma.masked_array(i, True), s": (
        "failed: query returned ids with a mask"
    ),
    # Bytes.
    "def footprint(self): return Footprint(codes=10**30)": "failed: footprint says codes=1000000",
    "def footprint(self): return Footprint(codes=-100)": "failed: footprint says codes=-100",
    "def footprint(self): return Footprint(codes=float('inf'))": "failed: footprint says codes=inf",
    "def footprint(self): return Footprint(codes=8, shared=float('nan'))": "failed: footprint says shared=nan",
    "def footprint(self): return Footprint(codes='8')": "failed: footprint says codes='8'",
    "def footprint(self): return 8": "failed: footprint returned int, expected a binbench.Footprint",
    "def footprint(self): return Footprint(codes=0)": (
        "failed: footprint says 0 bytes for 400 vectors, too few to tell apart"
    ),
    # Clocks.
    "def fit(self, train): super().fit(train); time.perf_counter_ns = lambda: -time.monotonic_ns()": "ok: ",
    "def fit(self, train): super().fit(train); time.perf_counter_ns = lambda: 1": "ok: ",
    "def fit(self, train): super().fit(train); time.process_time = lambda: 0": "ok: ",
    # Answers of the repeat before.
    "kept = None; query = lambda self, q, k: setattr(self, 'kept', self.kept or Fine.query(self, q, k)) or self.kept": (
        "ok: answers in the order of the repeat before: kept, not searched for; answers differ between repeats"
    ),
    # The pipe to the server.
    "def fit(self, train): [os.write(fd, b'\\n{\\n[1]\\n{\"value\": 1}\\n') for fd in pipes()]; raise IOError": (
        "failed: OSError ("
    ),
    'def fit(self, train): [os.write(fd, b\'{"ended": ["ok", ""]}\\n\') for fd in pipes()]; os._exit(0)': (
        "failed: the job ended without this result"
    ),
    "def fit(self, train): [os.close(fd) for fd in pipes()]; raise ValueError('x')": "failed: exited with status 1",
}

#: Helpers of the jobs.
HELPERS = """
def pipes():
    found = []
    for fd in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
                found.append(fd)
        except OSError:
            pass
    return found
"""

#: What is started and left behind, by name; each writes its number to the file that $BINBENCH_TEST_PID names.
LEFT = {
    "child": "told(subprocess.Popen(['sleep', '600']).pid)",
    "session": "told(subprocess.Popen(['sleep', '600'], start_new_session=True).pid)",
    "orphan": "os.fork() or (os.setsid(), os.fork() and os._exit(0), told(os.getpid()), time.sleep(600))",
    "pool": "p = multiprocessing.Pool(1); told(p.apply(os.getpid)); self.pool = p",
    "forkserver": "c = multiprocessing.get_context('forkserver'); p = c.Process(target=time.sleep, args=(600,)); "
    "p.start(); told(p.pid)",
    "and raises": "told(subprocess.Popen(['sleep', '600'], start_new_session=True).pid); raise ValueError('x')",
    "and hangs": "told(subprocess.Popen(['sleep', '600'], start_new_session=True).pid); time.sleep(600)",
    "and is killed": "told(subprocess.Popen(['sleep', '600'], start_new_session=True).pid); os.kill(os.getpid(), 9)",
}
