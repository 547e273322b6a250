"""Results as JSON lines and a summary of medians."""
import json
import os
import platform
import statistics
import subprocess
import time

import confluent_kafka
import xgboost

import machine

# A run beside which other processes used more than this is marked.
OTHER_CORES_MAX = 0.15


class Report:
    def __init__(self, folder, inputs, broker, options):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / time.strftime("%Y%m%d-%H%M%S.jsonl", time.gmtime())
        self.file = open(self.path, "w")
        self.results = []
        self.note({
            "what": "machine", "cpu": machine.model_name(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0], "python": platform.python_version(), "xgboost": xgboost.__version__,
            "confluent_kafka": confluent_kafka.version(), "broker": "embedded" if broker.embedded else "Kafka",
            "redis": subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()[2],
            "model": inputs.model, "options": vars(options)})

    def note(self, result):
        line = json.dumps(result)
        print(line, flush=True)
        self.file.write(line + "\n")
        self.file.flush()
        self.results.append(result)

    def close(self):
        self.throughput()
        self.latency()
        for result in self.results:
            if result["what"] == "memory":
                print(f"memory: {result['peak_mib']} MiB at most ({result['resident_mib']} at the end), "
                      f"{result['entities']:,} people, cache of {result['cache_entries']:,} and {result['cache_size']}")
            if result["what"] == "compare":
                print(f"compare: {result['unequal_scores']} of {result['scores']:,} scores differ, at most by "
                      f"{result['largest_difference']:.2g}; {len(result['unequal_values'])} of the columns differ in "
                      f"{result['values']:,} values")
        self.file.close()
        print(f"all runs: {self.path}")

    def throughput(self):
        runs = {}
        for result in self.results:
            if result["what"] == "throughput":
                runs.setdefault((result["table"], result["program"], result["processes"]), []).append(result)
        if runs:
            print(f"\n{'':34}{'events/s':>9}  {'min–max':>15}  {'µs CPU':>7}  {'MiB':>5}  CPU seconds")
        medians = {}
        for (table, program, processes), found in sorted(runs.items()):
            rates = [r["events_per_s"] for r in found]
            medians[table, program, processes] = statistics.median(rates)
            unit = "process" if program == "python" else "worker"
            name = f"{program}, {processes} {unit}{'es' if unit == 'process' and processes > 1 else 's' if processes > 1 else ''}"
            name += ", topic + table" if table else ", topic only"
            cpu = {k: statistics.median(r["cpu_s"][k] for r in found) for k in found[0]["cpu_s"]}
            other = max(r["other_cpu_s"] / r["whole_s"] for r in found)
            print(f"{name:34}{medians[table, program, processes]:>9,.0f}  {min(rates):>7,}–{max(rates):<7,}  "
                  f"{statistics.median(r['cpu_us_per_event'] for r in found):>7.1f}  "
                  f"{statistics.median(r['peak_mib'] for r in found):>5.0f}  "
                  + ", ".join(f"{k} {v:.1f}" for k, v in cpu.items())
                  + (f"  DISTURBED: others used {other:.1f} cores" if other > OTHER_CORES_MAX else ""))
        for table, program, processes in sorted(medians):
            base = medians.get((table, "no-guarantee", processes))
            if base and program != "no-guarantee":
                print(f"{program}, {processes} worker(s), {'topic + table' if table else 'topic only'}: costs "
                      f"{100 * (1 - medians[table, program, processes] / base):.1f} % of the throughput without a guarantee")
        for table in (False, True):
            best = {program: max((m for (t, p, _), m in medians.items() if t == table and p == program), default=0)
                    for program in ("tally", "python")}
            if all(best.values()):
                print(f"{'topic + table' if table else 'topic only'}: best Tally / best Python = "
                      f"{best['tally'] / best['python']:.2f}")

    def latency(self):
        runs = {}
        for result in self.results:
            if result["what"] == "latency":
                runs.setdefault((result["rate"], result["program"]), []).append(result)
        if runs:
            print(f"\n{'produce to sink, ms':34}{'p50':>8}{'p90':>8}{'p99':>8}{'p99.9':>8}{'max':>8}  sender late p99")
        for (rate, program), found in sorted(runs.items()):
            middle = {k: statistics.median(r[k] for r in found) for k in found[0] if k.endswith("_ms")}
            missing = sum(r["missing"] for r in found)
            print(f"{f'{program} at {rate:,.0f}/s':34}" + "".join(
                f"{middle[k]:>8.1f}" for k in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"))
                + f"  {middle['sender_late_p99_ms']:.2f}" + (f"  {missing} scores missing" if missing else ""))
