#!/usr/bin/env python3
"""Makes figures.json: rows, and what scikit-learn, scipy and statsmodels say of them, which FigureTests compares with.

    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scikit-learn scipy statsmodels
    /tmp/oracle/bin/python Tests/ReportTests/Golden/make.py
"""

import json
import pathlib

import numpy
from scipy import stats
from sklearn import metrics
from statsmodels.stats import proportion

random = numpy.random.default_rng(20261128)


def text(values):
    """Numbers that a 32-bit float holds, so that both sides see the same."""
    return [float(numpy.float32(value)) for value in numpy.ravel(values)]


def numbers():
    labels = numpy.round(random.gamma(2, 15, 400))
    labels[:7] = 0
    outputs = labels + random.normal(0, 6, 400)
    labels, outputs = numpy.array(text(labels)), numpy.array(text(outputs))
    known = labels != 0
    return {
        "labels": list(labels), "outputs": list(outputs),
        "rmse": metrics.root_mean_squared_error(labels, outputs),
        "mae": metrics.mean_absolute_error(labels, outputs), "r2": metrics.r2_score(labels, outputs),
        "mape": metrics.mean_absolute_percentage_error(labels[known], outputs[known]),
        "bias": float(numpy.mean(outputs - labels)),
        "within_5": float(numpy.mean(numpy.abs(outputs - labels) <= 5)),
    }


def probabilities():
    outputs = numpy.round(random.beta(1.2, 4, 500), 2)
    labels = (random.random(500) < outputs).astype(float)
    outputs = numpy.array(text(outputs))
    clipped = numpy.clip(outputs, 1e-7, 1 - 1e-7)
    said = (outputs >= 0.25).astype(float)
    return {
        "labels": list(labels), "outputs": list(outputs), "threshold": 0.25,
        "auc": metrics.roc_auc_score(labels, outputs),
        "pr_auc": metrics.average_precision_score(labels, outputs),
        "log_loss": metrics.log_loss(labels, clipped), "brier": metrics.brier_score_loss(labels, outputs),
        "precision": metrics.precision_score(labels, said), "recall": metrics.recall_score(labels, said),
        "positive_share": float(said.mean()),
    }


def classes():
    outputs = random.dirichlet([1, 1, 0.5, 0.2], 300)
    labels = numpy.array([random.choice(4, p=row) for row in outputs])
    outputs = numpy.array(text(outputs)).reshape(300, 4)
    likeliest = outputs.argmax(axis=1)
    clipped = numpy.clip(outputs[numpy.arange(300), labels], 1e-7, 1 - 1e-7)
    return {
        "labels": [float(label) for label in labels], "outputs": text(outputs),
        "accuracy": metrics.accuracy_score(labels, likeliest),
        "macro_f1": metrics.f1_score(labels, likeliest, average="macro"),
        "log_loss": float(-numpy.log(clipped).mean()),
        "precision": list(metrics.precision_score(labels, likeliest, average=None, labels=range(4))),
        "recall": list(metrics.recall_score(labels, likeliest, average=None, labels=range(4))),
    }


def quantiles():
    levels = [0.1, 0.5, 0.9]
    labels = numpy.array(text(random.normal(50, 10, 350)))
    middle = labels + random.normal(0, 8, 350)
    outputs = numpy.array(text(numpy.stack([middle - 11, middle, middle + 9], axis=1))).reshape(350, 3)
    outputs[3] = outputs[3][::-1]
    losses = [metrics.mean_pinball_loss(labels, outputs[:, place], alpha=level) for place, level in enumerate(levels)]
    return {
        "levels": levels, "labels": list(labels), "outputs": text(outputs), "pinball": float(numpy.mean(losses)),
        "coverage_80": float(((outputs[:, 0] <= labels) & (labels <= outputs[:, 2])).mean()),
        "width_80": float((outputs[:, 2] - outputs[:, 0]).mean()), "crossings": 1,
    }


def rates():
    found = []
    for hits, count, other, of in [(12, 40, 30, 60), (0, 50, 10, 50), (50, 50, 25, 50), (3, 400, 70, 700), (81, 263, 10, 33)]:
        low, high = proportion.proportion_confint(hits, count, method="wilson")
        difference = proportion.confint_proportions_2indep(hits, count, other, of, compare="diff", method="newcomb")
        row = {"hits": hits, "count": count, "other": other, "of": of, "wilson": [float(low), float(high)],
               "newcombe": [float(bound) for bound in difference]}
        if hits > 0:
            ratio = proportion.confint_proportions_2indep(hits, count, other, of, compare="ratio", method="log")
            row["katz"] = [float(bound) for bound in ratio]
        found.append(row)
    return found


def associations():
    numbers = random.normal(0, 1, 300)
    codes = random.integers(0, 4, 300)
    other = (codes + random.integers(0, 2, 300)) % 4
    mixed = numbers + codes
    means = [mixed[codes == code].mean() for code in range(4)]
    between = sum((codes == code).sum() * (means[code] - mixed.mean()) ** 2 for code in range(4))
    table = stats.contingency.crosstab(codes, other).count
    chi = stats.chi2_contingency(table, correction=False).statistic
    phi = max(chi / 300 - 9 / 299, 0)
    corrected = 4 - 9 / 299
    return {
        "numbers": text(numbers), "codes": [float(code) for code in codes], "other": [float(code) for code in other],
        "mixed": text(mixed), "pearson": float(stats.pearsonr(numbers, mixed).statistic),
        "ratio": float(numpy.sqrt(1 - (1 - between / ((mixed - mixed.mean()) ** 2).sum()) * 299 / 296)),
        "cramer": float(numpy.sqrt(phi / (corrected - 1))),
    }


golden = {
    "numbers": numbers(), "probabilities": probabilities(), "classes": classes(), "quantiles": quantiles(), "rates": rates(),
    "associations": associations(),
}
path = pathlib.Path(__file__).parent / "figures.json"
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
