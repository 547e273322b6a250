#!/usr/bin/env bash
# Writes the pages of docs/reference that the program knows best: commands and errors. A test says when they are old.
#   scripts/generate-docs.sh [PROGRAM]     (.build/debug/tally, built if need be)
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
esac
program=${1:-.build/debug/tally}
[ $# -gt 0 ] || swift build --product tally >&2
for page in commands errors; do
  "$program" reference "$page" >"docs/reference/$page.md.new"
  mv "docs/reference/$page.md.new" "docs/reference/$page.md"
done
