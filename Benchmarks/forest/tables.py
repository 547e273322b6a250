"""Medians over the rounds, as Markdown and as JSON."""
import statistics

# A measurement is disturbed when others did more than this of the core's work meanwhile.
OTHERS_MAX = 0.1

TITLES = {"d8": "500 trees of depth 8", "d6": "500 trees of depth 6", "eight": "Eight models of 500 trees of depth 8, one event"}
REFERENCE = "libxgboost-debian"


class Tables:
    def __init__(self, about, engines, results, equal, batches):
        self.about, self.engines, self.results, self.equal, self.batches = about, engines, results, equal, batches
        runs = {}
        for result in results:
            runs.setdefault((result["engine"], result["models"], result["batch"]), []).append(result)
        self.medians = {key: self.median(found) for key, found in runs.items()}
        self.kernels = {r["engine"]: r["kernel"] for r in results}

    @staticmethod
    def median(found):
        """Of the rounds that had the core for themselves; where there was none, of all, and `disturbed` says so."""
        quiet = [r for r in found if r["others"] <= OTHERS_MAX]
        return {name: statistics.median(r[name] for r in quiet or found)
                for name in ("p50_us", "p99_us", "mean_us", "load_ms")} | {
                    "least_p50_us": min(r["p50_us"] for r in found), "most_p50_us": max(r["p50_us"] for r in found),
                    "rounds": len(quiet) or len(found), "disturbed": not quiet}

    def as_json(self):
        return [{"engine": engine, "models": models, "batch": batch, **values,
                 **({"different_rows": self.equal[engine, models, batch][0],
                     "largest_difference": self.equal[engine, models, batch][1]} if (engine, models, batch) in self.equal else {})}
                for (engine, models, batch), values in self.medians.items()]

    def show(self):
        about = self.about
        print(f"{about['cpu']}, one thread on one core; median of {about['rounds']} rounds of {about['seconds']:g} s, "
              f"engines in turn. Others used the core during {sum(r['others'] > OTHERS_MAX for r in self.results)} of "
              f"{len(self.results)} measurements; a figure that has only such ones behind it is marked ~.\n")
        for models, shape in about["models"].items():
            if models == "eight":
                self.eight(models)
            else:
                heading = f"{TITLES[models]} ({shape['leaves'] / shape['trees']:.0f} leaves on average)"
                self.table(f"{heading}: µs a row, p50", models, lambda m, b: mark(m) + figure(m["p50_us"] / b), True)
                self.table(f"{heading}: µs a call, p50 / p99", models,
                           lambda m, b: f"{mark(m)}{figure(m['p50_us'])} / {figure(m['p99_us'])}", False)
                self.ratios(models)
        for engine in self.engines:
            if engine.kind == "floor" and (engine.key, "d8", 1) in self.medians:
                print(f"* {engine.title}: {self.medians[engine.key, 'd8', 1]['p50_us']:.2f} µs; contained in the figures above")
            for note in [engine.note, *(f"{note} ({models})" for models, note in engine.notes.items())]:
                if note:
                    print(f"* {engine.title}: left out: {note}")

    def shown(self, models):
        """The engines of a table with their names in it: ours last."""
        for engine in self.engines:
            if engine.kind != "floor" and any((engine.key, models, batch) in self.medians for batch in self.batches):
                kernel = self.kernels[engine.key]
                yield engine, engine.title.replace(", auto", f", auto: {kernel}")

    def table(self, heading, models, cell, with_equality):
        print(f"### {heading}\n")
        print("| engine | " + " | ".join(f"{b:,}" for b in self.batches) + (" | bit-equal |" if with_equality else " |"))
        print("|---|" + "---|" * (len(self.batches) + with_equality))
        for engine, title in self.shown(models):
            cells = [cell(self.medians[engine.key, models, b], b) if (engine.key, models, b) in self.medians else "–"
                     for b in self.batches]
            print(f"| {title} | " + " | ".join(cells) + (f" | {self.equality(engine, models)} |" if with_equality else " |"))
        print()

    def eight(self, models):
        print(f"### {TITLES[models]}: µs an event\n\n| engine | p50 | p99 | bit-equal |\n|---|---|---|---|")
        for engine, title in self.shown(models):
            values = self.medians[engine.key, models, 1]
            print(f"| {title} | {mark(values)}{figure(values['p50_us'])} | {figure(values['p99_us'])} | {self.equality(engine, models)} |")
        print()

    def equality(self, engine, models):
        """What the comparison with Debian's libxgboost gave, over all batch sizes."""
        if engine.key == REFERENCE:
            return "reference"
        if engine.compared is None:
            return "own model"
        found = {batch: value for (key, m, batch), value in self.equal.items() if key == engine.key and m == models}
        if not found:
            return "as above"
        unequal = {batch: value for batch, value in found.items() if value[0]}
        if not unequal:
            return "yes"
        text = f"{max(rows for rows, _ in unequal.values()):,} differ, ≤ {max(most for _, most in unequal.values()):.1e}"
        return text if len(unequal) == len(found) else f"{text}; none at {', '.join(f'{b:,}' for b in found if b not in unequal)}"

    def ratios(self, models):
        """Tally's forest beside libxgboost and beside the fastest engine whose results are the same, per batch size."""
        for batch in self.batches:
            ours = [e for e in self.engines if e.kind == "ours" and (e.key, models, batch) in self.medians]
            if not ours:
                return
            time = lambda key: self.medians[key, models, batch]["p50_us"]  # noqa: E731
            exact = [e for e in self.engines if e.kind == "peer" and (e.key, models, batch) in self.medians
                     and self.equal.get((e.key, models, batch), (1,))[0] == 0]
            peers = [e for e in self.engines if e.kind == "peer" and (e.key, models, batch) in self.medians]
            best, any_peer = min(exact, key=lambda e: time(e.key)), min(peers, key=lambda e: time(e.key))
            mine = time(ours[0].key)
            print(f"* {batch:,}: {time(REFERENCE) / mine:.1f} times libxgboost, {time(best.key) / mine:.1f} times the best exact "
                  f"peer ({best.key}), {time(any_peer.key) / mine:.1f} times the best of all ({any_peer.key})")
        print()


def mark(median):
    return "~" if median["disturbed"] else ""


def figure(value):
    """Three digits that count."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
