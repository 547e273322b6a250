"""The engines: how each is started with README.md's protocol, what it says, and how its scores are compared."""
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import resource
import subprocess
import sys

import numpy as np

from models import COLUMNS

HERE = pathlib.Path(__file__).resolve().parent
TALLY = HERE.parents[1] / ".build/release/tally"
DEBIAN = "/usr/lib/x86_64-linux-gnu/libxgboost.so.0"


class Missing(Exception):
    """Why an engine takes no part."""


class Engine:
    """`command` is everything before --model. `file` gives what is loaded for a model's name. `compared` names the
    reference of its scores: "score", "margin", or None for an own model; "ours" is us, "floor" only what a call costs."""

    def __init__(self, key, title, command, file, compared="score", kind="peer", batches=None, compiled=False):
        self.key, self.title, self.command, self.file = key, title, command, file
        self.compared, self.kind, self.batches, self.compiled = compared, kind, batches, compiled
        self.note = None
        self.notes = {}  # of a set of models that it takes no part in

    def takes_part(self, models, batch=None):
        return self.note is None and models not in self.notes and (batch is None or self.batches is None or batch in self.batches)

    def run(self, names, batch, seconds, models, core, output=None):
        """One measurement in a process of its own on one core."""
        arguments = [*map(str, self.command)]
        for name in names:
            arguments += [str(self.file(name))] if self.kind == "ours" else ["--model", str(self.file(name))]
        arguments += ["--rows", str(models.rows()), "--columns", str(COLUMNS), "--batch", str(batch), "--seconds", str(seconds)]
        if output:
            arguments += ["--output", str(output)]
        busy, own = core_busy(core), children_seconds()
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        try:
            out, error = process.communicate(timeout=300 + 3 * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Missing("took longer than five minutes")
        if process.returncode:
            raise Missing((error.strip().splitlines() or [f"ended with {process.returncode}"])[-1])
        result = json.loads(out.strip().splitlines()[-1])
        # What others worked on this core meanwhile, as a share of all its work.
        own, busy = children_seconds() - own, core_busy(core) - busy
        result["others"] = round(max(0.0, 1 - own / busy), 2) if busy > 0 else 0.0
        return result


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def core_busy(core):
    """Seconds that a core has worked since the start of the machine, for anyone."""
    for line in open("/proc/stat"):
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return 0.0


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def library_version(path):
    """XGBoostVersion of a libxgboost, asked in another process: two of them in one disturb each other."""
    script = ("import ctypes, sys\nnumbers = [ctypes.c_int() for _ in range(3)]\n"
              "ctypes.CDLL(sys.argv[1]).XGBoostVersion(*map(ctypes.byref, numbers))\n"
              "print('.'.join(str(n.value) for n in numbers))")
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    return done.stdout.strip() or None


def newest_library(models):
    """The newest libxgboost of PyPI, which run.sh unpacks, as packages for this Python may be older; else the package's."""
    newest = models.folder / "newest/xgboost/lib/libxgboost.so"
    if newest.exists():
        return str(newest)
    found = importlib.util.find_spec("xgboost")
    path = pathlib.Path(found.origin).parent / "lib/libxgboost.so" if found else None
    return str(path) if path and path.exists() else None


def all_engines(models, options):
    newest = newest_library(models)
    harness, peer = models.folder / "harness", [sys.executable, HERE / "peer.py"]
    onedal = [options.onedal_python or sys.executable, HERE / "peer.py"]
    engines = [
        Engine("libxgboost-debian", f"libxgboost {library_version(DEBIAN)} (Debian), C",
               [harness, "xgboost", "--library", DEBIAN], models.xgboost),
        Engine("libxgboost-pypi", f"libxgboost {library_version(newest)} (PyPI), C",
               [harness, "xgboost", "--library", newest], models.xgboost),
        Engine("xgboost-python", f"xgboost {version('xgboost')}, Python `inplace_predict`", [*peer, "xgboost"], models.xgboost),
        Engine("onedal", f"oneDAL {onedal_version(onedal[0])}, Python, classifier", [*onedal, "onedal"], models.xgboost),
        Engine("onedal-margin", f"oneDAL {onedal_version(onedal[0])}, Python, regression (margins)",
               [*onedal, "onedal-margin"], models.xgboost, compared="margin"),
        Engine("onnx", f"ONNX Runtime {version('onnxruntime')}, Python", [*peer, "onnx"], models.onnx),
        Engine("tl2cgen", f"TL2cgen {version('tl2cgen')}, C", [harness, "tl2cgen"], models.tl2cgen, compiled=True),
        Engine("lleaves", f"lleaves {version('lleaves')}, C", [harness, "lleaves"], models.lleaves, compared=None,
               compiled=True),
        Engine("empty-c", "empty call, C", [harness, "empty"], models.xgboost, compared=None, kind="floor", batches=[1]),
        Engine("empty-python", "empty call, Python", [*peer, "empty"], models.xgboost, compared=None, kind="floor", batches=[1]),
    ]
    for kernel in options.kernel:
        engines.append(Engine(f"forest-{kernel}", f"**Tally's forest**, {kernel}", [TALLY, "forest", "--json", "--kernel", kernel],
                              models.xgboost, kind="ours"))
        if not TALLY.exists():
            engines[-1].note = "tally is not built"
    return engines


def onedal_version(python):
    script = "import importlib.metadata as m; print(m.version('daal'))"
    return subprocess.run([python, "-c", script], capture_output=True, text=True).stdout.strip() or None


def compare(output, reference):
    """(rows whose bits differ, largest difference) of two files of float32."""
    ours, theirs = np.fromfile(output, np.float32), np.fromfile(reference, np.float32)
    if len(ours) != len(theirs):
        raise Missing(f"gave {len(ours):,} scores, not {len(theirs):,}")
    different = ours.view(np.uint32) != theirs.view(np.uint32)
    return int(different.sum()), float(np.max(np.abs(ours.astype(float) - theirs), initial=0.0))
