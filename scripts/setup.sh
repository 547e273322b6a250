#!/usr/bin/env bash
# Installs what Tally needs from the system's packages (Debian, Ubuntu) and says what it does.
# Does nothing when everything is there. Swift itself is not installed: https://www.swift.org/install
#   scripts/setup.sh [PACKAGE …]    those packages, too
set -euo pipefail

# Libraries that Tally links, and the servers that its tests and its demo start for themselves.
packages=(
  librdkafka-dev libhiredis-dev libxgboost-dev libsimdjson-dev libprotobuf-c-dev protobuf-c-compiler
  libpq-dev libsqlite3-dev libssl-dev zlib1g-dev libzstd-dev libxxhash-dev liblapack-dev pkg-config g++ redis-server postgresql pgbouncer openssl kcat zstd
  "$@"
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]}"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo" >&2; exit 1; }
    sudo=(sudo)
  fi
  # The servers are started by Tally's own tests and demo; keep the packages from starting theirs.
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "setup: all packages are there"
fi

if ! command -v swift >/dev/null; then
  echo "setup: swift is missing: install Swift 6.2 or newer from https://www.swift.org/install" >&2
  exit 1
fi
echo "setup: $(swift --version 2>/dev/null | head -n 1)"
