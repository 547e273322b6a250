#!/usr/bin/env bash
# Writes the documents that the program knows best: in docs/reference commands, errors and settings; in examples/ a
# configuration file with every setting, and its JSON schema. A test says when they are old.
#   scripts/generate-docs.sh [PROGRAM]     (.build/debug/tally, built if need be)
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
esac
program=${1:-.build/debug/tally}
[ $# -gt 0 ] || swift build --product tally >&2
"$program" reference --list | while read -r page file; do
  "$program" reference "$page" >"$file.new"
  mv "$file.new" "$file"
done
