"""What both programs are given: the pipeline with one model, and that model of 500 trees of depth 8."""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TREES, DEPTH = 500, 8


class Inputs:
    def __init__(self, root, cache, tally):
        self.cache, self.tally = cache, tally
        cache.mkdir(parents=True, exist_ok=True)
        self.pipeline = self.make_pipeline((root / "pipelines/engagement.yaml").read_text())
        self.models = self.make_model()

    def make_pipeline(self, text):
        """pipelines/engagement.yaml with all its 47 columns and the one model; without decisions."""
        head, models = text.split("\nmodels:\n")
        _, table = models.split("\ntable:\n")
        model = next(line for line in models.splitlines() if line.startswith("  engagement:"))
        self.columns = re.findall(r"^  ([a-z0-9_]+):", head.split("\nfeatures:\n")[1], re.M)
        path = self.cache / "engagement-500.yaml"
        path.write_text(f"{head}\nmodels:\n{model}\n\ntable:\n{table}")
        return str(path)

    def make_model(self):
        """Trained once, with a fixed seed, on generated people's features as the Python program makes them."""
        folder = self.cache / "models"
        path = folder / "engagement.json"
        if not path.exists():
            print(f"bench: training {TREES} trees of depth {DEPTH}, once", file=sys.stderr)
            folder.mkdir(exist_ok=True)
            events = self.cache / "train.jsonl"
            self.tally("generate", "--customers", 1500, "--days", 45, "--seed", 5, "--output", events)
            sys.path.insert(0, str(HERE / "python"))
            import model
            model.train(events, self.columns, path, trees=TREES, depth=DEPTH)
            events.unlink()
        trees = json.loads(path.read_text())["learner"]["gradient_booster"]["model"]["trees"]
        self.model = {"trees": len(trees), "leaves": sum(t["left_children"].count(-1) for t in trees),
                      "depth": max(map(depth_of, trees)), "columns": len(self.columns)}
        if (self.model["trees"], self.model["depth"]) != (TREES, DEPTH):
            raise SystemExit(f"bench: {path} is another model: {self.model}; remove it")
        return folder

    def sample(self):
        """Lines for the open-loop load."""
        path = self.cache / "sample.jsonl"
        if not path.exists():
            made = path.with_suffix(".new")
            self.tally("generate", "--customers", 5000, "--days", 30, "--seed", 3, "--limit", 250_000, "--output", made)
            made.rename(path)
        return str(path)


def depth_of(tree):
    deepest, nodes = 0, [(0, 0)]
    while nodes:
        node, depth = nodes.pop()
        if tree["left_children"][node] < 0:
            deepest = max(deepest, depth)
        else:
            nodes += [(tree["left_children"][node], depth + 1), (tree["right_children"][node], depth + 1)]
    return deepest
