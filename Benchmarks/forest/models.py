"""The rows, the models that all engines score, and what their libraries make of them. All of it by seed, kept in a folder.

    models.py FOLDER NAME...       d8 d6, d8-1 … d8-7 (for eight models on one event)
"""
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

COLUMNS, HELD_BACK, TRAIN, TREES = 49, 20_000, 40_000, 500
EIGHT = ["d8"] + [f"d8-{i}" for i in range(1, 8)]


def generate(rows, seed):
    """Rows (normal, count-like and log-normal columns, a tenth of all values missing) with noisy labels."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    x[:, 16:32] = np.floor(np.abs(x[:, 16:32]) * 20)
    x[:, 32:40] = np.exp(x[:, 32:40])
    z = (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.05 * x[:, 16] - 0.03 * x[:, 17] + np.log(x[:, 32]) * x[:, 3]
         + 0.1 * x[:, 4:16].sum(1))
    y = (random.random(rows) < 1 / (1 + np.exp(-0.7 * z))).astype(np.float32)
    x[random.random(x.shape) < 0.1] = np.nan
    return x, y


class Models:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def rows(self):
        """HELD_BACK rows of COLUMNS float32, row after row; none of them was trained on."""
        return self.made("rows.f32", lambda path: generate(HELD_BACK, 1)[0].tofile(path))

    def xgboost(self, name):
        """500 trees of the name's depth as JSON that every version from 1.7 on reads."""
        return self.made(f"{name}.json", lambda path: self.train(name, path))

    def train(self, name, path):
        import xgboost
        depth, seed = int(name[1]), int(name[3:] or 0)
        x, y = generate(TRAIN, 100 + seed)
        settings = {"objective": "binary:logistic", "tree_method": "hist", "max_bin": 256, "max_depth": depth, "eta": 0.025,
                    "subsample": 0.8, "min_child_weight": 0.5, "base_score": 0.3, "seed": seed, "nthread": 1}
        booster = xgboost.train(settings, xgboost.DMatrix(x, y, nthread=1), TREES)
        model = json.loads(booster.save_raw("json"))
        # From 3.1 on base_score is written as a vector, "[3E-1]". Before, it is a number: 1.7 stops at the bracket. With one
        # output both are the same, and later versions read the number too.
        parameters = model["learner"]["learner_model_param"]
        parameters["base_score"] = parameters["base_score"].strip("[]")
        path.write_text(json.dumps(model))

    def shape(self, name):
        trees = json.loads(self.xgboost(name).read_text())["learner"]["gradient_booster"]["model"]["trees"]
        return {"trees": len(trees), "leaves": sum(t["left_children"].count(-1) for t in trees)}

    def tl2cgen(self, name):
        """C made of the model, compiled with -O3."""
        def make(path):
            import tl2cgen
            import treelite
            model = treelite.frontend.load_xgboost_model(str(self.xgboost(name)))
            source = self.folder / f"{name}-tl2cgen"
            tl2cgen.generate_c_code(model, dirpath=str(source), params={"parallel_comp": TREES // 10})
            objects = []
            for unit in sorted(source.glob("*.c")):
                objects.append(unit.with_suffix(".o"))
                subprocess.run(["cc", "-O3", "-march=native", "-fPIC", "-c", unit, "-o", objects[-1]], check=True)
            subprocess.run(["cc", "-shared", *objects, "-o", path, "-lm"], check=True)
        return self.made(f"{name}-tl2cgen.so", make)

    def lightgbm(self, name):
        """An own model of LightGBM's: same rows, trees and depth, and as many leaves as XGBoost's have on average."""
        def make(path):
            import lightgbm
            x, y = generate(TRAIN, 100 + int(name[3:] or 0))
            shape = self.shape(name)
            lightgbm.train(
                {"objective": "binary", "max_depth": int(name[1]), "num_leaves": round(shape["leaves"] / shape["trees"]),
                 "learning_rate": 0.025, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.5, "max_bin": 255,
                 "num_threads": 1, "verbose": -1},
                lightgbm.Dataset(x, y), TREES).save_model(path)
        return self.made(f"{name}-lightgbm.txt", make)

    def lleaves(self, name):
        """LightGBM's model compiled by lleaves, linked as a library: double in, double out."""
        def make(path):
            import lleaves
            compiled = self.folder / f"{name}-lleaves.o"
            lleaves.Model(model_file=str(self.lightgbm(name))).compile(cache=str(compiled))
            subprocess.run(["cc", "-shared", compiled, "-o", path, "-lm"], check=True)
        return self.made(f"{name}-lleaves.so", make)

    def onnx(self, name):
        def make(path):
            import onnxmltools
            import xgboost
            from onnxmltools.convert.common.data_types import FloatTensorType
            booster = xgboost.Booster(model_file=str(self.xgboost(name)))
            model = onnxmltools.convert_xgboost(booster, initial_types=[("input", FloatTensorType([None, COLUMNS]))])
            path.write_bytes(model.SerializeToString())
        return self.made(f"{name}.onnx", make)

    def made(self, name, make):
        """The file, made once; a half-made one never has the name."""
        path = self.folder / name
        if not path.exists():
            started = time.monotonic()
            new = path.with_name(f"new-{os.getpid()}-{name}")
            make(new)
            new.rename(path)
            print(f"forest: made {name} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        return path


if __name__ == "__main__":
    models = Models(sys.argv[1])
    models.rows()
    for wanted in sys.argv[2:]:
        models.xgboost(wanted)
