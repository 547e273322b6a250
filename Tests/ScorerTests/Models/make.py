#!/usr/bin/env python3
"""Models of the XGBoost that is installed, of every kind that Tally serves, with what that XGBoost predicts itself.

  make.py                     writes the folder of the installed release beside this file, for VersionTests
  make.py --fuzz 200 --seed 1 --rows 2000 --out DIR
                              random models over many more rows; TALLY_MODEL_FIXTURES=DIR has VersionTests read them

Needs numpy; pandas as well for models that name their categories (release 3.1 and later). A folder holds the model files
and `expected.txt`: a line for each model, `FILE KIND HEX…`: the bits of the scores of all rows, row by row. KIND is `all` or
`best` (the trees up to `best_iteration`). `rows.txt` has the rows, a line each; in files that name categories, the last two
columns are codes of the vocabularies below, as a pipeline has them: a word that the model does not know, and "other", are
given to the library as a code that it has not seen.
"""
import argparse, pathlib, struct, sys
import numpy as np, xgboost as xgb

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ["a", "b", "c", "d", "color", "size"]
RELEASE = tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in xgb.__version__.split(".")[:3])
# Before 3.4 names that are not ASCII are written wrongly.
WHITE = "weiß" if RELEASE >= (3, 4) else "white"
VOCABULARY = {"color": ["red", "green", "blue", "amber", WHITE], "size": [str(n) for n in range(40)]}
TINY = np.float32(1e-45)
EDGES = np.array([0, -0.0, np.nan, 1, -1, TINY, -TINY, 1.1754944e-38, 1e30, -1e30, 3.4028235e38], np.float32)


def rows_of(rng, count):
    """Rows with missing values, special ones, and categories that no training row has."""
    rows = rng.normal(size=(count, 6)).astype(np.float32) * 1.5
    rows[:, 3] = np.round(rows[:, 3])
    rows[:, 4] = rng.integers(0, 7, count)
    rows[:, 5] = rng.integers(0, 44, count)
    rows[rng.random((count, 6)) < 0.12] = np.nan
    special = rng.random((count, 6)) < 0.06
    special[:, 4:] = False
    rows[special] = rng.choice(EDGES, special.sum())
    return rows


class Data:
    def __init__(self, rng, count=300):
        self.x = rng.normal(size=(count, 6)).astype(np.float32)
        self.x[:, 3] = np.round(self.x[:, 3] * 2)
        self.x[:, 4] = rng.integers(0, 5, count)
        self.x[:, 5] = rng.integers(0, 40, count)
        x = self.x
        self.sum = (x[:, 0] + x[:, 1] * x[:, 2] + (x[:, 4] == 2) * 2 - (x[:, 5] % 3 == 1)
                    + rng.normal(size=count) * 0.4).astype(np.float32)
        self.x[:, :4][rng.random((count, 4)) < 0.1] = np.nan
        self.rng = rng

    def labels(self, objective):
        s = self.sum
        if objective in ("binary:logistic", "binary:logitraw", "reg:logistic"): return (s > 0.3).astype(np.float32)
        if objective == "count:poisson": return np.abs(np.round(s))
        if objective in ("reg:gamma", "reg:tweedie", "reg:squaredlogerror"): return np.abs(s) + 0.1
        if objective.startswith("multi"): return np.digitize(s, [-0.5, 0.8, 3]).clip(0, 2).astype(np.float32)
        return s


OBJECTIVES = ["reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:logistic",
              "binary:logistic", "binary:logitraw", "count:poisson", "reg:gamma", "reg:tweedie", "multi:softprob",
              "multi:softmax"] + (["reg:quantileerror"] if RELEASE >= (2, 0) else [])
BASE = {"max_depth": 3, "eta": 0.4, "tree_method": "hist", "nthread": 1, "seed": 7, "lambda": 0.5, "min_child_weight": 0.1}
DART = {"booster": "dart", "rate_drop": 0.4, "one_drop": 1}


def kinds():
    """The models of a folder: name, parameters, options of `train`."""
    for objective in OBJECTIVES:
        yield objective.split(":")[1], {"objective": objective}, {}
    yield "logistic-base", {"objective": "binary:logistic", "base_score": 0.125}, {}
    yield "dart", {**DART, "objective": "reg:squarederror"}, {}
    yield "dart-softprob", {**DART, "objective": "multi:softprob", "normalize_type": "forest"}, {}
    yield "dart-weighted", {**DART, "objective": "binary:logistic", "sample_type": "weighted"}, {}
    if RELEASE >= (3, 3): yield "rate-drop", {"rate_drop": 0.4, "one_drop": 1, "objective": "reg:squarederror"}, {}
    yield "forest", {"objective": "reg:squarederror", "num_parallel_tree": 3, "subsample": 0.6}, {}
    yield "forest-softprob", {"objective": "multi:softprob", "num_parallel_tree": 2, "subsample": 0.6}, {"rounds": 2}
    yield "exact", {"tree_method": "exact", "objective": "reg:squarederror"}, {}
    yield "approx", {"tree_method": "approx", "objective": "reg:squarederror"}, {}
    yield "lossguide", {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0, "objective": "reg:squarederror"}, {}
    yield "pruned", {"gamma": 6.0, "max_depth": 6, "tree_method": "exact", "objective": "reg:squarederror"}, {}
    yield "deep", {"max_depth": 12, "objective": "reg:squarederror", "min_child_weight": 0}, {"rounds": 1, "count": 120}
    yield "onehot", {"objective": "reg:squarederror", "max_cat_to_onehot": 64}, {"codes": True}
    yield "partition", {"objective": "binary:logistic", "max_cat_to_onehot": 1}, {"codes": True}
    yield "dart-codes", {**DART, "objective": "reg:squarederror", "max_cat_to_onehot": 1}, {"codes": True}
    yield "typed", {"objective": "reg:squarederror"}, {"types": ["float", "float", "q", "int", "float", "int"]}
    yield "multilabel", {"objective": "binary:logistic"}, {"targets": True}
    yield "multitarget", {"objective": "reg:squarederror"}, {"targets": True, "base": RELEASE >= (3, 1)}
    yield "oneclass", {"objective": "binary:logistic"}, {"constant": 1.0 if RELEASE >= (3, 2) else None}
    yield "stopped", {"objective": "reg:squarederror"}, {"stop": True}
    yield "stopped-dart", {**DART, "objective": "reg:squarederror"}, {"stop": True}
    yield "stopped-forest-softprob", {"objective": "multi:softprob", "num_parallel_tree": 2, "subsample": 0.7, "max_depth": 2}, {"stop": True}
    if RELEASE >= (2, 0):
        yield "quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, {}
        yield "quantiles-dart", {**DART, "objective": "reg:quantileerror", "quantile_alpha": [0.4, 0.5, 0.6]}, {}
    if RELEASE >= (3, 1):
        yield "named", {"objective": "binary:logistic", "max_cat_to_onehot": 64}, {"words": True}
        yield "named-partition", {"objective": "reg:squarederror", "max_cat_to_onehot": 1}, {"words": True}
        yield "named-integers", {"objective": "reg:squarederror", "max_cat_to_onehot": 1}, {"words": True, "integers": True}
        yield "named-dart", {**DART, "objective": "multi:softprob", "max_cat_to_onehot": 1}, {"words": True}


def frame(pandas, codes, categories):
    """A frame with categories in place of codes of the vocabularies."""
    data = pandas.DataFrame(codes[:, :4], columns=NAMES[:4])
    for number, name in enumerate(NAMES[4:], 4):
        words = VOCABULARY[name] if name == "color" or categories["size"].dtype == object else list(range(40))
        column = [words[int(code)] if code == code and code < len(words) else None for code in codes[:, number]]
        data[name] = pandas.Categorical(column, categories=categories[name])
    return data


def train(rng, parameters, options):
    """A trained model and a function from rows to scores."""
    parameters = {**BASE, **parameters}
    data = Data(rng, options.get("count", 300))
    label = data.labels(parameters["objective"])
    if options.get("constant") is not None: label = np.full_like(label, options["constant"])
    if parameters["objective"].startswith("multi"): parameters["num_class"] = 3
    if parameters["objective"] == "reg:quantileerror": parameters.setdefault("quantile_alpha", 0.3)
    if options.get("targets"):
        label = np.stack([label, data.labels(parameters["objective"])[::-1], 0.4 - label * 0.3], axis=1)
        if parameters["objective"].startswith("binary"): label = (label > 0.2).astype(np.float32)
    if options.get("base"): parameters["base_score"] = [0.25, -1.5, 3.0]
    coded = options.get("codes") or options.get("words")
    types = ["float"] * 4 + ["c", "c"] if coded else options.get("types")
    categories = {}
    if options.get("words"):
        import pandas
        words = {"color": [w for w in VOCABULARY["color"] if w != "amber"] + ["purple"],
                 "size": list(range(40)) if options.get("integers") else VOCABULARY["size"][:30] + ["huge"]}
        # As pandas would: sorted, not in the vocabulary's order.
        for name, list_ in words.items():
            order = list(range(len(list_))) if name == "size" and options.get("integers") else None
            index = rng.permutation(list_) if order is not None else sorted(list_)
            categories[name] = pandas.Index([int(i) for i in index] if order is not None else index)
        seen = data.x.copy()
        seen[seen[:, 4] == 3, 4] = np.nan
        seen[:, 5] = np.where(seen[:, 5] < (40 if options.get("integers") else 30), seen[:, 5], np.nan)
        matrix = xgb.DMatrix(frame(pandas, seen, categories), label, enable_categorical=True)
    else:
        matrix = xgb.DMatrix(data.x, label, feature_names=NAMES, feature_types=types, **({"enable_categorical": True} if coded else {}))
    extra = {}
    if options.get("stop"):
        other = Data(np.random.default_rng(99), 80)
        extra = dict(evals=[(xgb.DMatrix(other.x, other.labels(parameters["objective"]), feature_names=NAMES), "v")],
                     early_stopping_rounds=50, verbose_eval=False)
    rounds = options.get("rounds", 5 if options.get("stop") else 3)
    booster = xgb.train(parameters, matrix, rounds, **extra)
    if options.get("stop") and int(booster.attr("best_iteration")) > rounds // 2:
        booster.set_attr(best_iteration=str(rounds // 2))  # As worse data would have it.

    def scores(rows, trees):
        given = rows.copy()
        if categories:
            for number, name in enumerate(NAMES[4:], 4):
                known = list(categories[name])
                words = VOCABULARY[name] if not (name == "size" and options.get("integers")) else list(range(40))
                code = [float(known.index(words[int(v)])) if v == v and v < len(words) and words[int(v)] in known
                        else v if v != v else float(len(known) + 3) for v in rows[:, number]]
                given[:, number] = code
        matrix = xgb.DMatrix(given, feature_names=NAMES, feature_types=types)
        limits = {"iteration_range": (0, int(booster.attr("best_iteration")) + 1)} if trees == "best" else {}
        found = booster.predict(matrix, **limits)
        if categories:
            import pandas
            known = [r for r in range(len(rows)) if all(
                v != v or (v < len(VOCABULARY[n]) and (VOCABULARY[n][int(v)] in list(map(str, categories[n]))))
                for n, v in zip(NAMES[4:], rows[r, 4:]))]
            again = booster.predict(xgb.DMatrix(frame(pandas, rows[known], categories), enable_categorical=True))
            assert np.array_equal(found[known], again), "words and codes are scored differently"
        # In place as well, which takes other ways in the library; DART's differed by rounding before 3.3.
        if "booster" not in parameters or RELEASE >= (3, 3):
            again = booster.inplace_predict(given, **limits, validate_features=False)
            assert found.astype(np.float32).tobytes() == np.asarray(again, np.float32).tobytes(), "in place differs"
        return np.asarray(found, np.float32).reshape(len(rows), -1)

    return booster, scores


def bits(values):
    return " ".join("%x" % u for u in np.ascontiguousarray(values, np.float32).view(np.uint32).ravel())


def write(folder, models, rows):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir(): old.unlink()
    lines = []
    for number, (name, rng, parameters, options) in enumerate(models):
        booster, scores = train(rng, parameters, options)
        if np.isnan(scores(rows, "all")).any():  # Training that diverged: Tally refuses leaves that are no numbers.
            print(f"{name}: left out, it predicts NaN")
            continue
        file = f"{name}.{'json' if number % 2 else 'ubj'}"
        booster.save_model(str(folder / file))
        for trees in ["all"] + (["best"] if options.get("stop") else []):
            lines.append(f"{file} {trees} {bits(scores(rows, trees))}")
    (folder / "expected.txt").write_text("\n".join(lines) + "\n")
    print(f"{folder}: {len(lines)} predictions of {len(rows)} rows by xgboost {xgb.__version__}")


def fixtures():
    models = [(name, np.random.default_rng(11), p, o) for name, p, o in kinds()]
    rows = rows_of(np.random.default_rng(5), 40)
    write(HERE / ".".join(map(str, RELEASE)), models, rows)
    (HERE / "rows.txt").write_text("\n".join(bits(row) for row in rows) + "\n")


def random_models(count, seed):
    """Kinds as above, with parameters drawn anew."""
    all_kinds = [kind for kind in kinds() if kind[0] not in ("oneclass",)]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        name, parameters, options = all_kinds[number % len(all_kinds)]
        drawn = {**parameters, "seed": int(rng.integers(1 << 30)), "eta": float(rng.choice([0.05, 0.3, 1.0])),
                 "lambda": float(rng.choice([0, 1, 3])), "subsample": float(rng.choice([0.5, 1.0]))}
        if "max_depth" not in parameters: drawn["max_depth"] = int(rng.integers(1, 9))
        if "max_cat_to_onehot" in parameters: drawn["max_cat_to_onehot"] = int(rng.choice([1, 4, 64]))
        if "rate_drop" in parameters:
            drawn["rate_drop"] = float(rng.choice([0.1, 0.5, 0.9]))
            drawn["normalize_type"] = str(rng.choice(["tree", "forest"]))
        if "tree_method" not in parameters:
            methods = ["hist", "approx"]
            if not (options.get("codes") or options.get("words") or "grow_policy" in parameters): methods.append("exact")
            drawn["tree_method"] = str(rng.choice(methods))
        drawn_options = {**options, "count": int(rng.choice([60, 300, 900]))}
        if not options.get("stop"): drawn_options["rounds"] = int(rng.integers(1, 40))
        yield f"{number:04}-{name}", rng, drawn, drawn_options


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", type=int, help="random models, so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--out", type=pathlib.Path)
    given = parser.parse_args()
    if not given.fuzz: return fixtures()
    if not given.out: sys.exit("--fuzz needs --out")
    rows = rows_of(np.random.default_rng([given.seed, 77]), given.rows)
    write(given.out / ".".join(map(str, RELEASE)), random_models(given.fuzz, given.seed), rows)
    (given.out / "rows.txt").write_text("\n".join(bits(row) for row in rows) + "\n")


main()
