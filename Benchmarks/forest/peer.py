#!/usr/bin/env python3
"""Times one engine whose interface is Python as README.md's protocol says: one line of JSON, microseconds per call.

    peer.py ENGINE --model FILE [--model FILE …] --rows FILE.f32 --columns N --batch B [--seconds S] [--output FILE.f32]

ENGINE: xgboost, onedal (probabilities), onedal-margin, onnx, empty (a call that does nothing: what Python itself costs).
"""
import argparse
import gc
import importlib.metadata
import json
import os
import pathlib
import pickle
import sys
import time
import types

import numpy as np


def xgboost(path, rows):
    """In-place prediction, as a program in Python would call it."""
    import xgboost
    booster = xgboost.Booster({"nthread": 1}, model_file=path)
    booster.set_param({"nthread": 1})
    return lambda count: booster.inplace_predict(rows if count == len(rows) else rows[:count])


def daal4py():
    try:
        import daal4py
    except ImportError:
        # 2024.7, the last of its own package, wants a scikit-learn older than 1.9 for its patches; they are not needed here.
        for name in [name for name in sys.modules if name.startswith("daal4py")]:
            del sys.modules[name]
        sys.modules["daal4py.sklearn"] = types.ModuleType("daal4py.sklearn")
        import daal4py
    daal4py.daalinit(1)
    return daal4py


def daal_model(booster):
    """The converted model. Before 2025 the converter stops at the vector that xgboost 3.1 and later write as base_score."""
    import daal4py.mb
    import xgboost

    def save_config(self):
        config = json.loads(saved(self))
        parameters = config["learner"]["learner_model_param"]
        parameters["base_score"] = parameters["base_score"].strip("[]")
        return json.dumps(config)

    saved, xgboost.Booster.save_config = xgboost.Booster.save_config, save_config
    try:
        return daal4py.mb.convert_model(booster).daal_model_
    finally:
        xgboost.Booster.save_config = saved


def for_each_count(make):
    """oneDAL's algorithms keep the number of rows of their first call."""
    made = {}

    def find(count):
        if count not in made:
            made[count] = make()
        return made[count]
    return find


def kept(path, kind, make):
    """A converted model; as the conversion takes seconds, it is kept beside the model it was made of."""
    file = pathlib.Path(path).with_suffix(f".{kind}-{importlib.metadata.version('daal')}")
    if not file.exists():
        new = file.with_name(f"new-{os.getpid()}-{file.name}")
        new.write_bytes(pickle.dumps(make()))
        new.rename(file)
    return pickle.loads(file.read_bytes())


def onedal(path, rows):
    """The classifier's probabilities; the algorithm is made once, without the checks of the model's own predict_proba."""
    d4p = daal4py()

    def make():
        import xgboost
        return daal_model(xgboost.Booster(model_file=path))

    model = kept(path, "onedal", make)
    algorithm = for_each_count(lambda: d4p.gbt_classification_prediction(
        nClasses=2, fptype="float", resultsToEvaluate="computeClassProbabilities"))
    return lambda count: algorithm(count).compute(rows[:count], model).probabilities[:, 1]


def onedal_margin(path, rows):
    """The same trees as a regression, whose predictions are margins."""
    d4p = daal4py()

    def make():
        import xgboost
        whole = json.loads(pathlib.Path(path).read_text())
        learner = whole["learner"]
        parameters = learner["learner_model_param"]
        nothing = xgboost.train({"objective": "binary:logistic", "base_score": float(parameters["base_score"])},
                                xgboost.DMatrix(rows[:1], [0]), 0)
        parameters["base_score"] = repr(float(nothing.inplace_predict(rows[:1], predict_type="margin")[0]))
        learner["objective"] = {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}
        return daal_model(xgboost.Booster(model_file=bytearray(json.dumps(whole).encode())))

    model = kept(path, "onedal-margin", make)
    algorithm = for_each_count(lambda: d4p.gbt_regression_prediction(fptype="float"))
    return lambda count: algorithm(count).compute(rows[:count], model).prediction[:, 0]


def onnx(path, rows):
    """Input and output are bound to arrays, so that none is made or copied."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    output = np.zeros((len(rows), 2), np.float32)

    made = {}

    def score(count):
        binding = made.get(count)
        if binding is None:
            made[count] = binding = session.io_binding()
            binding.bind_input("input", "cpu", 0, np.float32, (count, rows.shape[1]), rows.ctypes.data)
            binding.bind_output("probabilities", "cpu", 0, np.float32, (count, 2), output.ctypes.data)
        session.run_with_iobinding(binding)
        return output[:count, 1]
    return score


def empty(path, rows):
    return lambda count: None


ENGINES = {"xgboost": xgboost, "onedal": onedal, "onedal-margin": onedal_margin, "onnx": onnx, "empty": empty}


def measure(call, rows, batch, seconds, place):
    """Nanoseconds of every call after the warm-up: a quarter of the time, and at least two calls."""
    clock, times, first, calls, until = time.perf_counter_ns, [], 0, 0, None
    warm_until = clock() + seconds * 0.25e9
    gc.disable()
    while True:
        place(first, batch)
        before = clock()
        call(batch)
        after = clock()
        first = first + batch if first + 2 * batch <= len(rows) else 0
        calls += 1
        if until is None:
            if calls >= 2 and after >= warm_until:
                until = after + seconds * 1e9
            continue
        times.append(after - before)
        if after >= until and len(times) >= 3:
            return np.sort(times) / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--columns", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--output")
    options = parser.parse_args()
    rows = np.fromfile(options.rows, np.float32).reshape(-1, options.columns)
    batch = np.array(rows[:options.batch])  # every call reads its rows here

    def place(first, count):
        np.copyto(batch[:count], rows[first:first + count])

    started = time.perf_counter()
    models = [ENGINES[options.engine](path, batch) for path in options.model]
    load_ms = (time.perf_counter() - started) * 1e3

    if len(models) == 1:
        call = models[0]
    else:
        def call(count):
            for model in models:
                model(count)
    times = measure(call, rows, options.batch, options.seconds, place)
    print(json.dumps({
        "batch": options.batch, "kernel": options.engine, "p50_us": round(float(times[len(times) // 2]), 3),
        "p99_us": round(float(times[len(times) * 99 // 100]), 3), "mean_us": round(float(times.mean()), 3),
        "calls": len(times), "load_ms": round(load_ms, 1)}))
    if options.output:
        scores = np.empty((len(rows), len(models)), np.float32)
        for first in range(0, len(rows), options.batch):
            count = min(options.batch, len(rows) - first)
            place(first, count)
            for index, model in enumerate(models):
                scores[first:first + count, index] = model(count)
        scores.tofile(options.output)


if __name__ == "__main__":
    main()
