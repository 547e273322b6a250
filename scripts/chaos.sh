#!/usr/bin/env bash
# Lets servers and scorers die, sleep, fill up and be cut off while events are scored, and compares the end with an
# undisturbed run. `scripts/chaos.sh --help` tells more.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
scripts/chaos.sh [--rounds N] [--seed S] [--strikes K] [--faults A,B,...] [--delivery MODE] [--session-ms MS]

Appends events to a topic and scores them; meanwhile a fault strikes K times. Then everything that the pipeline has
left is compared with an undisturbed run over the same log: rows, messages, states byte for byte, counters. Each fault has
a log, a Redis and a PostgreSQL of its own. A table of faults and findings is printed; any finding is exit code 1.

  --rounds N       go through all faults N times, with seeds S, S+1, ...   (1)
  --seed S         seed of the first round                                 (1)
  --strikes K      strikes of each fault in one log                        (5)
  --faults A,B     some of them                                            (all)
                     kill-scorer      kill -9, another is started
                     kill-redis       kill -9, started again on its append-only file (synced each second)
                     empty-redis      kill -9, started again with nothing
                     roll-back-redis  kill -9, started again on older files
                     kill-postgres    kill -9 of the server and its backends, started again
                     kill-broker      by your commands, see below
                     zombie           SIGSTOP until another has the partitions, then SIGCONT
                     full-disk-sqlite, full-disk-postgres   the table's disk is full for a while (needs mount)
                     reset-redis, reset-postgres            every connection is reset, up to four times in a row
                     scale-1-3-1      two scorers join; one of the three leaves, one is killed
                     mixed            any of the others, as the seed says
  --delivery MODE  effectively-once, exactly-once or both                  (both)
  --session-ms MS  kafka.session_timeout; a broker has a smallest one (Apache Kafka: 6000)   (6000)

Environment:
  TALLY_BROKERS=host:port     a real broker; without it the embedded one, which cannot be killed and knows no committed
                              view: kill-broker and exactly-once are then reported as skipped
  TALLY_CHAOS_BROKER_STOP     command that kills the broker's process (kill -9)
  TALLY_CHAOS_BROKER_START    command that starts it again on its data, and returns
  TALLY_CHAOS_SECONDS         end a run that takes longer                  (14400)

Examples:
  scripts/chaos.sh --rounds 1 --faults kill-scorer,zombie
  scripts/chaos.sh --rounds 20 --seed 100 --faults mixed --strikes 10
  TALLY_BROKERS=127.0.0.1:9092 \
  TALLY_CHAOS_BROKER_STOP='kill -9 $(cat /var/lib/kafka/pid)' TALLY_CHAOS_BROKER_START='systemctl start kafka' \
    scripts/chaos.sh --faults kill-scorer,kill-redis,kill-broker --rounds 7 --strikes 5
HELP
}

rounds=1 seed=1 strikes=5 faults=all delivery=both session=6000
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --rounds | --seed | --strikes | --faults | --delivery | --session-ms)
      [ $# -ge 2 ] || { echo "chaos: $1 takes a value" >&2; exit 2; }
      case $1 in
        --rounds) rounds=$2 ;; --seed) seed=$2 ;; --strikes) strikes=$2 ;;
        --faults) faults=$2 ;; --delivery) delivery=$2 ;; --session-ms) session=$2 ;;
      esac
      shift 2 ;;
    *) echo "chaos: there is no option $1; --help tells which there are" >&2; exit 2 ;;
  esac
done
for number in "$rounds" "$seed" "$strikes" "$session"; do
  [[ $number =~ ^[1-9][0-9]*$ ]] || { echo "chaos: $number is not a whole number above 0" >&2; exit 2; }
done

scripts/setup.sh
echo "chaos: building"
swift build --build-tests
report=$(mktemp)
log=$(mktemp)
trap 'rm -f "$report" "$log"' EXIT
export TALLY_CHAOS_ROUNDS=$rounds TALLY_CHAOS_SEED=$seed TALLY_CHAOS_STRIKES=$strikes TALLY_CHAOS_FAULTS=$faults
export TALLY_CHAOS_DELIVERY=$delivery TALLY_CHAOS_SESSION_MS=$session TALLY_CHAOS_REPORT=$report
limit=${TALLY_CHAOS_SECONDS:-14400}
status=0
timeout --kill-after=30 "$limit" swift test --skip-build --filter ChaosTests.asked > >(
  tee "$log" | grep --line-buffered '^chaos: ') 2>&1 || status=$?
echo
if [ -s "$report" ]; then cat "$report"; else tail -20 "$log"; fi
[ "$status" -ne 124 ] || echo "chaos: not finished after $limit s (TALLY_CHAOS_SECONDS)" >&2
[ "$status" -eq 0 ] || exit 1
