#!/usr/bin/env bash
# Measures how long erasures take among many dead letters, in SQLite and in PostgreSQL (servers of its own, on this machine's disk).
#   scripts/erasures.sh              a million letters
#   scripts/erasures.sh 100000       so many
set -euo pipefail
cd "$(dirname "$0")/.."
letters=${1:-1000000}
[[ $letters =~ ^[0-9]+$ ]] && [ "$letters" -ge 10000 ] || { echo "erasures: give a number of letters, 10000 or more" >&2; exit 64; }
swift build --build-tests >/dev/null
found=$(TALLY_ERASURE_LETTERS=$letters swift test --skip-build --filter ErasureTimes 2>&1) || { echo "$found" >&2; exit 1; }
grep '^erasures: ' <<<"$found"
