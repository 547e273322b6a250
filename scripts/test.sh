#!/usr/bin/env bash
# Passes the tests: installs what is missing, checks formatting, builds with warnings as errors, runs everything.
#   scripts/test.sh                  all tests
#   scripts/test.sh --filter NAME    some of them
# With TALLY_BROKERS=host:port the tests of Kafka run against that broker instead of the embedded one.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "test: formatting"
swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks/Package.swift
echo "test: building"
swift build --build-tests
echo "test: running"
swift test --skip-build "$@"
