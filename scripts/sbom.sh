#!/usr/bin/env bash
# Writes what the program is made of, as a software bill of materials (CycloneDX 1.5, JSON).
#   scripts/sbom.sh                  of the release build, or of the debug build when there is no other, to standard output
#   scripts/sbom.sh -o FILE          into a file
#   scripts/sbom.sh --program PATH   of another build of the program
# Swift packages come from Package.resolved, which SwiftPM writes when it builds; linked libraries are what ldd names, with the
# package that dpkg knows them by. Libraries that belong to no package, such as Swift's own, are named with their hash. Equal
# inputs give equal bytes: there is no time and no random number in it.
set -euo pipefail
cd "$(dirname "$0")/.."

program=
output=
while [ $# -gt 0 ]; do
  case $1 in
    --program) program=${2:?--program takes a path}; shift 2 ;;
    -o) output=${2:?-o takes a path}; shift 2 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "sbom: $1 is no option; there are --program PATH and -o FILE" >&2; exit 64 ;;
  esac
done
if [ -z "$program" ]; then
  for candidate in .build/release/tally .build/debug/tally; do
    if [ -x "$candidate" ]; then program=$candidate; break; fi
  done
fi
[ -n "$program" ] && [ -x "$program" ] || { echo "sbom: there is no program; swift build -c release makes it" >&2; exit 1; }
[ -r Package.resolved ] || { echo "sbom: there is no Package.resolved; swift package resolve makes it" >&2; exit 1; }
for tool in ldd dpkg-query sha256sum; do
  command -v "$tool" >/dev/null || { echo "sbom: $tool is not installed" >&2; exit 1; }
done

# JSON's texts: what is used here has no control characters.
quoted() { local text=${1//\\/\\\\}; printf '"%s"' "${text//\"/\\\"}"; }

# A component's purl may not hold these as they are.
encoded() { local text=${1//\%/%25}; text=${text//+/%2B}; text=${text//:/%3A}; printf '%s' "${text// /%20}"; }

version=$(sed -n 's/^ *package static let current = "\([^"]*\)"$/\1/p' Sources/Configuration/TallyVersion.swift)
[ -n "$version" ] || { echo "sbom: Sources/Configuration/TallyVersion.swift names no version" >&2; exit 1; }
distribution=$(. /etc/os-release && printf '%s' "$ID")
components=()
references=()

# add TYPE NAME VERSION REFERENCE [MORE]: a component, its reference being the purl if it has one; MORE are further members.
add() {
  local reference=$4
  local text
  text="{\"type\": $(quoted "$1"), \"bom-ref\": $(quoted "$reference"), \"name\": $(quoted "$2")"
  [ -z "$3" ] || text+=", \"version\": $(quoted "$3")"
  [[ $reference != pkg:* ]] || text+=", \"purl\": $(quoted "$reference")"
  components+=("$text${5:+, $5}}")
  references+=("$(quoted "$reference")")
}

# Package.resolved has one member a line.
while IFS=$'\t' read -r location revision tag; do
  place=${location#https://}
  place=${place%.git}
  add library "${place##*/}" "${tag:-$revision}" "pkg:swift/$place@${tag:-$revision}" \
    "\"externalReferences\": [{\"type\": \"vcs\", \"url\": $(quoted "$location"), \"comment\": $(quoted "commit $revision")}]"
done < <(awk -F'"' '
  $2 == "location" { location = $4; revision = ""; tag = "" }
  $2 == "revision" { revision = $4 }
  $2 == "version" && location != "" { tag = $4 }
  /^    }/ && location != "" { print location "\t" revision "\t" tag; location = "" }' Package.resolved | sort)

# Which package a library belongs to; dpkg may know it by its place before /lib and /usr/lib became one. Asked all at once.
libraries=$(ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | sort -u)
declare -A owners
while IFS= read -r line; do
  [[ $line == diversion\ by* ]] || owners[${line##*: }]=${line%%: *}
done < <(while read -r path; do printf '%s\n' "$path" "$(realpath "$path")" "/usr$path" "${path#/usr}"; done <<<"$libraries" |
  sort -u | tr '\n' '\0' | xargs -0 dpkg-query -S 2>/dev/null || true)

declare -A packages
unpackaged=()
while read -r library; do
  package=
  for path in "$library" "$(realpath "$library")" "/usr$library" "${library#/usr}"; do
    package=${owners[$path]:-}
    [ -z "$package" ] || break
  done
  if [ -n "$package" ]; then packages[$package]=1; else unpackaged+=("$library"); fi
done <<<"$libraries"
missing=$(ldd "$program" | awk '/not found/ { print $1 }')
[ -z "$missing" ] || { echo "sbom: libraries that are not there: $missing" >&2; exit 1; }

while read -r package; do
  [ -n "$package" ] || continue
  IFS=$'\t' read -r name number architecture < <(
    dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' "$package")
  add library "$name" "$number" \
    "pkg:deb/$distribution/$name@$(encoded "$number")?arch=$architecture"
done < <(printf '%s\n' "${!packages[@]}" | sort)
while read -r library; do
  [ -n "$library" ] || continue
  hash=$(sha256sum "$library" | cut -d' ' -f1)
  add library "${library##*/}" "" "file:${library##*/}" "\"hashes\": [{\"alg\": \"SHA-256\", \"content\": \"$hash\"}]"
done < <(printf '%s\n' "${unpackaged[@]-}" | sort)

# Items with commas and line breaks, six blanks in front.
list() { local IFS=; printf '      %s' "$1"; shift; [ $# -eq 0 ] || printf ',\n      %s' "$@"; }

write() {
  cat <<JSON
{
  "\$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "version": 1,
  "metadata": {
    "component": {"type": "application", "bom-ref": "tally", "name": "tally", "version": $(quoted "$version"),
      "hashes": [{"alg": "SHA-256", "content": "$(sha256sum "$program" | cut -d' ' -f1)"}]}
  },
  "components": [
$(list "${components[@]}")
  ],
  "dependencies": [
    {"ref": "tally", "dependsOn": [
$(list "${references[@]}")
    ]}
  ]
}
JSON
}

if [ -n "$output" ]; then write >"$output"; else write; fi
