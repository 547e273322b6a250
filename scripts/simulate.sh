#!/usr/bin/env bash
# Runs the worker through 100,000 simulated histories of faults; tally simulate --help says more.
#   scripts/simulate.sh                 seeds 1..100000
#   scripts/simulate.sh 500001..600000  others; further arguments go to tally simulate
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-1..100000}
[ $# -eq 0 ] || shift
swift build -c release --product tally
exec "$(swift build -c release --show-bin-path)/tally" simulate --seeds "$seeds" "$@"
