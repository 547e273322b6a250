"""Trains the benchmark's model: 500 trees of depth 8 over the pipeline's columns."""
import json

import numpy as np
import orjson
import xgboost

from features import State


def train(path, names, output, every=6, trees=500, depth=8):
    """Rows are every few events' features; the target is how soon the same person's next few events come."""
    people, rows, owners = {}, [], []
    for number, line in enumerate(open(path, "rb")):
        event = orjson.loads(line.split(b"\t", 1)[1])
        state = people.setdefault(event["entity_id"], State())
        if state.apply(event) and number % every == 0:
            row = np.empty(len(names), dtype=np.float32)
            state.row(row)
            rows.append(row)
            owners.append((event["entity_id"], event["event_time_us"]))
    # A value of the future that the features tell something of, and not all.
    next_time, target = {}, np.zeros(len(rows), dtype=np.float32)
    for index in range(len(rows) - 1, -1, -1):
        person, time = owners[index]
        gap = (next_time.get(person, time + 7 * 86_400_000_000) - time) / 86_400_000_000
        target[index] = 1 / (1 + gap)
        next_time[person] = time
    data = xgboost.DMatrix(np.array(rows), label=target, feature_names=names)
    booster = xgboost.train(
        {"objective": "reg:squarederror", "max_depth": depth, "eta": 0.05, "tree_method": "hist", "seed": 1}, data, trees)
    booster.save_model(output)
    # Debian's libxgboost 1.7 reads a plain number there, newer ones write a list.
    model = json.load(open(output))
    parameters = model["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    json.dump(model, open(output, "w"))
