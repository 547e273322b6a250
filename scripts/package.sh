#!/usr/bin/env bash
# Makes a Debian package of Tally that needs no Swift where it is installed, in .build/package.
#   scripts/package.sh                  tally_VERSION_ARCHITECTURE.deb, of a release build with Swift's libraries inside
#   scripts/package.sh --tarball        also tally-VERSION-ARCHITECTURE.tar.gz of the same files, for where dpkg does not reign
#   scripts/package.sh --program PATH   of a program that was built before
# What the package depends on is what the program is linked with, by this system's packages: make it on Debian 12 for Debian 12. The
# version is the program's own. Times are those of the last commit, or SOURCE_DATE_EPOCH (seconds since 1970); equal programs give equal
# packages. DEBFULLNAME and DEBEMAIL name the maintainer. Exit codes: 0 done, 1 failed, 64 wrong usage.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8

fail() { echo "package: $1" >&2; exit "${2:-1}"; }

program=
tarball=false
while [ $# -gt 0 ]; do
  case $1 in
    --tarball) tarball=true; shift ;;
    --program) [ $# -gt 1 ] || fail "--program takes a path" 64; program=$(realpath -m "$2"); shift 2 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) fail "$1 is no option; there are --tarball and --program PATH" 64 ;;
  esac
done
cd "$(dirname "$0")/.."

# Tools, each with its package.
needed=(dpkg-deb=dpkg dpkg-shlibdeps=dpkg-dev strip=binutils ldd=libc-bin python3=python3 gzip=gzip)
if $tarball; then needed+=(tar=tar); fi
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then needed+=(git=git); fi
lacking=()
for tool in "${needed[@]}"; do command -v "${tool%%=*}" >/dev/null || lacking+=("$tool"); done
if [ ${#lacking[@]} -gt 0 ]; then
  fail "not installed: ${lacking[*]%%=*}; apt-get install ${lacking[*]##*=}"
fi
if [ -z "$program" ] && ! command -v swift >/dev/null; then
  fail "swift is not installed: https://www.swift.org/install has Swift 6.2 or newer"
fi

# A place of its own: with Swift's libraries inside, everything is compiled anew.
build=.build/static
if [ -z "$program" ]; then
  options=(-c release --product tally --static-swift-stdlib --scratch-path "$build")
  swift build "${options[@]}" >&2 || fail "the build failed; its output stands above"
  program=$(swift build "${options[@]}" --show-bin-path)/tally
  checkouts=$build/checkouts
else
  checkouts=$build/checkouts
  [ -d "$checkouts" ] || checkouts=.build/checkouts
fi
[ -x "$program" ] || fail "there is no program at $program"
if linked=$(ldd "$program" | grep -E 'libswift|lib_?Foundation'); then
  fail "the program needs Swift's libraries ($(awk '{ print $1; exit }' <<<"$linked"), …); build it with --static-swift-stdlib"
fi
absent=$(ldd "$program" | awk '/not found/ { print $1 }')
[ -z "$absent" ] || fail "libraries that are not there: $absent; scripts/setup.sh installs them"
version=$("$program" --version)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || fail "the program says it is of version \"$version\""
grep -qF "\"$version\"" Sources/Configuration/TallyVersion.swift ||
  fail "the program is of version $version, which Sources/Configuration/TallyVersion.swift is not: build it anew"

if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) ||
    fail "there is no commit whose time the files could have; set SOURCE_DATE_EPOCH"
fi
[[ $SOURCE_DATE_EPOCH =~ ^[0-9]+$ ]] || fail "SOURCE_DATE_EPOCH is no number of seconds" 64
export SOURCE_DATE_EPOCH

architecture=$(dpkg --print-architecture)
output=.build/package
# As dpkg-shlibdeps wants it: a source package around the files.
source=$output/source
root=$source/debian/tally
rm -rf "$output"
mkdir -p "$root/DEBIAN"

# put MODE SOURCE… TARGET: files into the package; put_text MODE TARGET: what is read.
put() {
  local mode=$1 target=${*: -1}
  install -D -m "$mode" -t "$root/$target" "${@:2:$#-2}"
}
put_text() { install -D -m "$1" /dev/stdin "$root/$2"; }

put 755 "$program" usr/bin
strip --strip-unneeded "$root/usr/bin/tally"

documents=usr/share/doc/tally
put 644 README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE "$documents"
while IFS= read -r page; do put 644 "docs/$page" "$documents/docs/$(dirname "$page")"; done < <(cd docs && find . -type f | sort)
put 644 deploy/debian/copyright "$documents"
# What is compiled in asks for its licence to come along.
for folder in "$checkouts"/*/; do
  name=$(basename "$folder")
  for file in "$folder"LICENSE* "$folder"NOTICE*; do
    [ ! -f "$file" ] || put_text 644 "$documents/licenses/$name.$(basename "${file%.txt}")" <"$file"
  done
done
[ -n "$(ls "$root/$documents/licenses" 2>/dev/null)" ] ||
  fail "licences of the Swift packages are not there: swift package resolve --scratch-path $build fetches them"
printf 'tally (%s) bookworm; urgency=medium\n\n  * What has changed stands in CHANGELOG.md.\n\n -- %s  %s\n' "$version" \
  "${DEBFULLNAME:-Tally maintainers} <${DEBEMAIL:-maintainers@tally.invalid}>" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" |
  gzip -9n | put_text 644 "$documents/changelog.gz"

share=usr/share/tally
put 644 compose.yaml "$share"
put 644 deploy/*.y*ml "$share/deploy"
put 644 pipelines/* "$share/pipelines"
put 644 examples/* "$share/examples"
put 644 proto/*.proto "$share/proto"

scripts/man.py "$program" "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
chmod 644 "$root"/usr/share/man/man1/*
# It is read, never run.
"$program" completions bash | sed '1{/^#!/d}' | put_text 644 usr/share/bash-completion/completions/tally
"$program" completions zsh | put_text 644 usr/share/zsh/vendor-completions/_tally
"$program" completions fish | put_text 644 usr/share/fish/vendor_completions.d/tally.fish

put_text 644 usr/share/lintian/overrides/tally <deploy/debian/lintian-overrides
put 644 deploy/debian/tally.service lib/systemd/system
# The example's settings, with the package's places.
sed -e 's|^pipeline: pipelines/|pipeline: /usr/share/tally/pipelines/|' -e 's|^models: models$|models: /var/lib/tally/models|' \
  -e 's|^\(# Paths are relative to the folder that this file lies in\): copy it .*|\1.|' examples/tally.yaml |
  put_text 644 etc/tally/tally.yaml
[ "$(grep -cE '^(pipeline: /usr/share|models: /var/lib|# Paths .* lies in\.$)' "$root/etc/tally/tally.yaml")" -eq 3 ] ||
  fail "examples/tally.yaml has other lines than those that the package changes: look at $0"
echo /etc/tally/tally.yaml | put_text 644 DEBIAN/conffiles
for script in postinst prerm postrm; do put 755 "deploy/debian/$script" DEBIAN; done

printf 'Source: tally\n\nPackage: tally\nArchitecture: any\n' >"$source/debian/control"
depends=$(cd "$source" && dpkg-shlibdeps -O debian/tally/usr/bin/tally) ||
  fail "dpkg-shlibdeps found libraries that no package has; its words stand above"
depends=${depends#shlibs:Depends=}

# The image runs the same program: what it lacks would show only when it starts. Every Debian has the first three.
image=$(awk '/^FROM / { text = "" } { text = text "\n" $0 } END { print text }' Dockerfile)
for library in $(tr ',' '\n' <<<"$depends" | awk '{ print $1 }'); do
  case $library in
    libc6 | libgcc-s1 | libstdc++6) ;;
    *) grep -qE "(^| )${library//./\\.}( |$)" <<<"$image" || fail "the image lacks $library: add it to the last stage of Dockerfile" ;;
  esac
done

(cd "$root" && find usr etc lib -type f ! -path etc/tally/tally.yaml -print0 | sort -z | xargs -0 md5sum) |
  put_text 644 DEBIAN/md5sums
put_text 644 DEBIAN/control <<CONTROL
Package: tally
Version: $version
Architecture: $architecture
Maintainer: ${DEBFULLNAME:-Tally maintainers} <${DEBEMAIL:-maintainers@tally.invalid}>
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: adduser, $depends
Suggests: redis-server, postgresql
Section: misc
Priority: optional
Description: streaming scorer: Kafka, Redis, XGBoost
 Tally scores events as they stream. It reads profile and engagement events
 from a Kafka topic, keeps the features of every person in Redis, scores each
 event with XGBoost, and writes the scores to a topic and a table (PostgreSQL
 or SQLite). Features and models are declared in one YAML file.
 .
 The unit tally.service runs the pipeline of /etc/tally/tally.yaml; it is not
 enabled. "cd /usr/share/tally && tally demo" shows everything at work; it
 needs redis-server.
CONTROL

find "$root" -type d -exec chmod 755 {} +
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
package=$output/tally_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
echo "package: $package"
echo "package: depends on adduser, $depends"
if $tarball; then
  archive=$output/tally-$version-$architecture.tar.gz
  tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=gnu \
    --transform "s|^|tally-$version/|" -c etc lib usr | gzip -9n >"$archive"
  echo "package: $archive"
fi
rm -r "$source"
