#!/usr/bin/env python3
"""Compares Tally's forest with other evaluators of trees: one machine, one run, one thread on one core.

    Benchmarks/run.sh forest                                # all of it, about half an hour; the first run compiles more
    Benchmarks/run.sh forest --quick                        # a look, not to be quoted
    Benchmarks/run.sh forest --only forest --only onedal    # engines whose key begins so (and the reference)
    Benchmarks/run.sh forest --kernel avx512 --kernel portable

Prints tables in Markdown, and puts every measurement into Benchmarks/output.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import machine  # noqa: E402
from engines import DEBIAN, Missing, all_engines, compare  # noqa: E402
from models import COLUMNS, EIGHT, Models  # noqa: E402
from tables import Tables  # noqa: E402

REFERENCE = "libxgboost-debian"


class Comparison:
    def __init__(self, options):
        self.options = options
        self.models = Models(HERE.parent / ".build/forest")
        self.models.rows()
        subprocess.run(["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", HERE / "harness.c",
                        "-o", self.models.folder / "harness", "-ldl"], check=True)
        self.sets = {name: EIGHT if name == "eight" else [name] for name in options.models}
        self.engines = [e for e in all_engines(self.models, options)
                        if not options.only or e.key == REFERENCE or any(e.key.startswith(o) for o in options.only)]
        self.results, self.equal = [], {}

    def prepare(self):
        """Everything that is trained, converted or compiled, before anything is timed; and the reference scores."""
        for engine in self.engines:
            if engine.compiled and "eight" in self.sets and not self.options.compile_eight:
                if not all((self.models.folder / f"{name}-{engine.key}.so").exists() for name in EIGHT):
                    engine.notes["eight"] = "eight compilations take too long (--compile-eight)"
            for models, names in self.sets.items():
                for name in names:
                    if engine.takes_part(models):
                        try:
                            engine.file(name)
                        except Exception as error:  # a library's own; the table says it
                            engine.note = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        for name in self.sets:
            for what in ("score", "margin"):
                self.reference(name, what)

    def reference(self, name, what):
        """Scores or margins of all rows by Debian's libxgboost."""
        def make(path):
            models = [part for n in self.sets[name] for part in ("--model", self.models.xgboost(n))]
            engine = {"score": "xgboost", "margin": "xgboost-margin"}[what]
            subprocess.run([self.models.folder / "harness", engine, "--library", DEBIAN, *models, "--rows", self.models.rows(),
                            "--columns", str(COLUMNS), "--batch", "1000", "--seconds", "0", "--output", path],
                           check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        return self.models.made(f"reference-{name}-{what}.f32", make)

    def run(self):
        for number in range(self.options.rounds):
            for name in self.sets:
                for batch in [1] if name == "eight" else self.options.batch:
                    for engine in self.engines[::-1] if number % 2 else self.engines:
                        if engine.takes_part(name, batch):
                            self.measure(engine, name, batch, number)

    def measure(self, engine, name, batch, number):
        """One measurement; the first round's calls of every batch size also give the scores that are compared. Of eight models
        only ours are: with the others it takes minutes, and says what one model has said."""
        compared = number == 0 and engine.compared and (name != "eight" or engine.kind == "ours")
        output = self.models.folder / f"scores-{os.getpid()}.f32" if compared else None
        try:
            result = engine.run(self.sets[name], batch, self.options.seconds, self.models, self.options.core, output)
            if output:
                self.equal[engine.key, name, batch] = compare(output, self.reference(name, engine.compared))
                result["different_rows"], result["largest_difference"] = self.equal[engine.key, name, batch]
            result = {"engine": engine.key, "models": name, "round": number, **result}
            self.results.append(result)
            print(json.dumps(result), file=sys.stderr, flush=True)
        except Missing as error:
            engine.note = str(error)
            print(f"forest: {engine.key}: {error}", file=sys.stderr, flush=True)
        finally:
            if output:
                output.unlink(missing_ok=True)

    def about(self):
        return {"cpu": machine.model_name(), "core": self.options.core, "cores": os.cpu_count(), "kernel": platform.release(),
                "python": platform.python_version(), "load": os.getloadavg()[0], "rounds": self.options.rounds,
                "seconds": self.options.seconds, "models": {name: self.models.shape(names[0]) for name, names in self.sets.items()}}


def parse():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run.sh forest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", action="append", choices=["d8", "d6", "eight"],
                        help="500 trees of depth 8 or 6, or eight of depth 8 on one event; again for more (default all)")
    parser.add_argument("--batch", type=int, action="append", help="rows a call; again for more (default 1, 8, 64, 256, 10,000)")
    parser.add_argument("--kernel", action="append", choices=["auto", "avx512", "avx2", "portable"],
                        help="of Tally's forest; again for more (default auto, avx2, portable)")
    parser.add_argument("--only", action="append", metavar="ENGINE", help="engines whose key begins so; again for more")
    parser.add_argument("--rounds", type=int, help="every measurement so often, in turn (default 5; quick: 1)")
    parser.add_argument("--seconds", type=float,
                        help="of each measurement, after a quarter of it as warm-up (default 1; quick: 0.2)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)),
                        help="that everything is pinned to (default the last)")
    parser.add_argument("--compile-eight", action="store_true", help="TL2cgen and lleaves for eight models too: half an hour, once")
    parser.add_argument("--onedal-python", metavar="PYTHON", help="the Python whose oneDAL is measured (default this one)")
    parser.add_argument("--quick", action="store_true", help="short; not to be quoted")
    options = parser.parse_args()
    options.models = options.models or ["d8", "d6", "eight"]
    options.batch = options.batch or [1, 8, 64, 256, 10_000]
    options.kernel = options.kernel or ["auto", "avx2", "portable"]
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1)
    return options


def main():
    options = parse()
    os.environ["OMP_NUM_THREADS"] = "1"
    comparison = Comparison(options)
    comparison.prepare()
    comparison.run()
    about = comparison.about()
    tables = Tables(about, comparison.engines, comparison.results, comparison.equal, options.batch)
    tables.show()
    folder = HERE.parent / "output"
    folder.mkdir(exist_ok=True)
    path = folder / time.strftime("forest-%Y%m%d-%H%M%S.json", time.gmtime())
    path.write_text(json.dumps({
        **about, "engines": {e.key: {"title": e.title, "note": e.note} for e in comparison.engines},
        "medians": tables.as_json(), "measurements": comparison.results}, indent=1))
    print(f"\nall measurements: {path}", file=sys.stderr)
    unequal = [k for k, (rows, _) in comparison.equal.items() if rows and k[0].startswith("forest-")]
    if unequal:
        sys.exit(f"forest: Tally's scores differ from libxgboost's: {', '.join(map(str, unequal))}")


if __name__ == "__main__":
    main()
