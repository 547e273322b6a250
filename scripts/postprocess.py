#!/usr/bin/env python3
"""What Tally makes of a model's margins, in numpy, to the last bit.

    booster = xgboost.Booster(model_file="churn.json")
    margins = booster.predict(xgboost.DMatrix(rows), output_margin=True)
    scores = postprocess(json.loads(booster.attr("tally_postprocessing")), margins, rows[:, group_column])

    postprocess.py --golden FILE   writes what Tests/ScorerTests/PostprocessorTests.swift compares with
"""
import json
import sys

import numpy as np


def exp2(value):
    """Sources/Features/Row/ExactMath.swift: the rational approximation of fdlibm's e_exp.c."""
    value = np.asarray(value, np.float64)
    bounded = np.where(np.isnan(value), 0, np.clip(value, -1075, 1024))
    whole = np.floor(bounded + 0.5)
    rest = bounded - whole
    high, low = rest * 6.93147180369123816490e-01, -(rest * 1.90821492927058770002e-10)
    x = high - low
    t = x * x
    c = x - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03 + t * (
        6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))))
    power = np.ldexp(1 - ((low - (x * c) / (2 - c)) - high), whole.astype(np.int64))
    power = np.where(value <= -1075, 0, np.where(value >= 1024, np.inf, power))
    return np.where(np.isnan(value), np.nan, power)


def link(link, outputs):
    exact = outputs.astype(np.float64)
    if link["name"] == "curve":
        margins, values = (np.array(link[name], np.float32) for name in ("margins", "values"))
        above = np.searchsorted(margins, outputs, side="right")
        to = np.clip(above, 1, max(len(margins) - 1, 1)) % len(margins)
        at = np.maximum(to - 1, 0)
        m, v = margins.astype(np.float64), values.astype(np.float64)
        made = np.float32(v[at] + (exact - m[at]) / (m[to] - m[at]) * (v[to] - v[at]))
        made = np.minimum(np.maximum(made, values[at]), values[to])
        made = np.where(above == 0, values[0], np.where(above == len(margins), values[-1], made))
        return np.where(np.isnan(outputs), np.float32(np.nan), made)
    if link["name"] == "shares":
        parts = np.float32(exp2(link["scale"] * (exact - exact.max(axis=1, keepdims=True))))
        return np.float32(parts / np.cumsum(parts, axis=1, dtype=np.float64)[:, -1:])
    if link["name"] == "anomaly":
        return np.float32(exp2(np.minimum(-(link["scale"] * exact), 0)))
    return outputs


def postprocess(spec, margins, group):
    """spec: the attribute's JSON. margins: float32 [row, output], or as the objective gives them where the link is "objective".
    group: float32 [row], the feature that `shifts` names."""
    with np.errstate(invalid="ignore", divide="ignore"):
        outputs = link(spec["link"], margins)
    if spec.get("sorts"):
        outputs = np.sort(outputs, axis=1, kind="stable")
    if "shifts" in spec:
        shifts = spec["shifts"]
        names = ["%.0f" % abs(g) if g == 0 else "%.0f" % g if g == np.floor(g) else "" for g in group]
        chosen = [shifts["groups"].get(name, shifts["pooled"]) for name in names]
        outputs = np.sort(outputs + np.array(chosen, np.float32), axis=1, kind="stable")
    return outputs


def golden(path):
    random = np.random.default_rng(14)

    def floats(count, spread=3):
        return np.sort(np.unique(np.float32(random.normal(0, spread, count))))

    def around(knots):
        return np.concatenate([knots, np.nextafter(knots, np.float32(np.inf)), np.nextafter(knots, np.float32(-np.inf))])

    special = np.float32([0, -0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45])
    with open(path, "w") as file:
        def write(spec, margins, group):
            file.write("post " + json.dumps(spec, sort_keys=True, separators=(",", ":")) + "\n")
            found = postprocess(spec, margins, group)
            for row in range(len(margins)):
                words = [np.float32([group[row]]), margins[row], found[row]]
                file.write(" ".join("%08x" % bits for part in words for bits in np.float32(part).view(np.uint32)) + "\n")

        def numbers(values):
            return [float(str(value)) for value in np.float32(values)]

        for count in (1, 2, 3, 40):
            margins = floats(count) if count < 40 else np.unique(np.concatenate([floats(36), np.float32([-3e38, 1e-45, 3e38])]))
            values = np.sort(np.float32(random.random(len(margins))))
            values[len(values) // 2:] = values[len(values) // 2]
            values = np.sort(values)
            inputs = np.concatenate([around(margins), special, np.float32(random.normal(0, 4, 60))]).reshape(-1, 1)
            spec = {"link": {"margins": numbers(margins), "name": "curve", "values": numbers(values)}, "schema": 1}
            write(spec, inputs, np.zeros(len(inputs), np.float32))
        for width, scale in ((2, 1.4426950408889634), (3, 0.7), (12, 2.9)):
            inputs = np.float32(random.normal(0, 5, (60, width)))
            inputs[0], inputs[1] = 7, -3e38
            inputs[2, 0], inputs[3, 1] = 2e3, -1100
            write({"link": {"name": "shares", "scale": scale}, "schema": 1}, inputs, np.zeros(60, np.float32))
        inputs = np.concatenate([special, np.float32(random.random(60) * 900), -np.float32(random.random(9))]).reshape(-1, 1)
        write({"link": {"name": "anomaly", "scale": 0.0009765}, "schema": 1}, inputs, np.zeros(len(inputs), np.float32))
        write({"link": {"name": "anomaly", "scale": 1.25}, "schema": 1}, inputs, np.zeros(len(inputs), np.float32))
        for width in (2, 3, 5):
            inputs = np.float32(random.normal(30, 5, (80, width)))
            inputs[0] = [0, -0.0, 0, -0.0, 1][:width]
            inputs[1] = 4
            group = np.float32(random.integers(-1, 5, 80))
            group[:5] = [np.nan, 0.5, np.inf, -0.0, 1e9]
            shifts = {"feature": "group", "pooled": numbers(random.normal(0, 3, width)),
                      "groups": {str(g): numbers(random.normal(0, 3, width)) for g in (0, 2, 3)}}
            write({"link": {"name": "objective"}, "schema": 1, "sorts": True}, inputs, group)
            write({"link": {"name": "objective"}, "schema": 1, "shifts": shifts, "sorts": True}, inputs, group)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--golden":
        sys.exit(__doc__)
    golden(sys.argv[2])
