#!/usr/bin/env bash
# Ties the container images of compose.yaml and Dockerfile to digests, so that a tag that is moved changes nothing.
#   scripts/pin-images.sh                    asks the registries, and writes NAME:TAG@sha256:… into the files
#   scripts/pin-images.sh --check            names the images that are not tied, asking nobody; exit code 1 when there are any
#   scripts/pin-images.sh [--check] FILE…    of other files
# Images that are tied already get the digest that their tag has now: run it to update, and look at the difference. It asks with
# crane, skopeo or docker (buildx imagetools), whichever is installed. Images that a compose file builds itself are left out.
set -euo pipefail

check=false
files=()
for argument in "$@"; do
  case $argument in
    --check) check=true ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "pin-images: $argument is no option; there are --check and files" >&2; exit 64 ;;
    *) files+=("$argument") ;;
  esac
done
if [ ${#files[@]} -eq 0 ]; then
  cd "$(dirname "$0")/.."
  files=(compose.yaml Dockerfile)
fi
for file in "${files[@]}"; do
  [ -r "$file" ] || { echo "pin-images: $file cannot be read" >&2; exit 1; }
done

# The images of a file, one a line, as they stand there: `image:` of services without `build:`, and `FROM` that is no stage.
images() {
  awk '
    # A service: two blanks, a name, a colon.
    /^  [A-Za-z0-9_.-]+:[ \t]*$/ { flush() }
    /^[^ #]/ { flush() }
    /^[ \t]+build:/ { built = 1 }
    /^[ \t]+image:[ \t]/ { name = $2; gsub(/["\047]/, "", name); image = name }
    toupper($1) == "FROM" {
      name = ""
      for (i = 2; i <= NF; i++) if ($i !~ /^--/) { name = $i; break }
      if (name != "scratch" && !(name in stage)) print name
      for (i = 2; i < NF; i++) if (toupper($i) == "AS") stage[$(i + 1)] = 1 }
    function flush() { if (image != "" && !built) print image; image = ""; built = 0 }
    END { flush() }' "$1" | sort -u
}

is_pinned() { [[ $1 =~ @sha256:[0-9a-f]{64}$ ]]; }

if $check; then
  status=0
  for file in "${files[@]}"; do
    while read -r image; do
      is_pinned "$image" && continue
      echo "$file: $image is not tied to a digest"
      status=1
    done < <(images "$file")
  done
  [ $status -eq 0 ] && echo "pin-images: every image is tied to a digest"
  exit $status
fi

tool=
for candidate in crane skopeo docker; do
  command -v "$candidate" >/dev/null || continue
  if [ "$candidate" = docker ] && ! docker buildx version >/dev/null 2>&1; then continue; fi
  tool=$candidate
  break
done
if [ -z "$tool" ]; then
  echo "pin-images: none of crane, skopeo and docker with buildx is installed: one of them must ask the registries" >&2
  exit 1
fi

# The digest that a tag has now: of the list of all platforms, if the image has one.
digest() {
  case $tool in
    crane) crane digest "$1" ;;
    skopeo) skopeo inspect --no-tags --format '{{.Digest}}' "docker://$1" ;;
    docker) docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1" ;;
  esac
}
export tool
export -f digest

# All are resolved before anything is written.
declare -A resolved
for file in "${files[@]}"; do
  while read -r image; do
    tag=${image%@*}
    [ -z "${resolved[$tag]:-}" ] || continue
    if ! found=$(timeout 60 bash -c 'digest "$1"' _ "$tag" 2>&1); then
      echo "pin-images: $tool cannot tell the digest of $tag; nothing was changed. It says: $(tail -n 1 <<<"$found")" >&2
      exit 1
    fi
    if ! [[ $found =~ ^sha256:[0-9a-f]{64}$ ]]; then
      echo "pin-images: $tool says of $tag no digest: $(head -c 200 <<<"$found"); nothing was changed" >&2
      exit 1
    fi
    resolved[$tag]=$found
  done < <(images "$file")
done
for file in "${files[@]}"; do
  while read -r image; do
    tag=${image%@*}
    pinned=$tag@${resolved[$tag]}
    [ "$image" = "$pinned" ] && continue
    # Only as a whole word behind `image:` or FROM; written in place, so that the file keeps its rights.
    awk -v old="$image" -v new="$pinned" '
      ($1 == "image:" || toupper($1) == "FROM") {
        at = 0; from = 1
        while ((found = index(substr($0, from), old)) > 0) {
          start = from + found - 1; after = substr($0, start + length(old), 1); before = substr($0, start - 1, 1)
          if (before ~ /[ \t"\047]/ && (after == "" || after ~ /[ \t"\047]/)) { at = start; break }
          from = start + 1 }
        if (at > 0) $0 = substr($0, 1, at - 1) new substr($0, at + length(old)) }
      { print }' "$file" >"$file.pinning"
    cat "$file.pinning" >"$file"
    rm -f "$file.pinning"
    echo "$file: $pinned"
  done < <(images "$file")
done
