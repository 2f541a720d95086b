# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# What a node is asked. It needs the tools of POSIX and runsc, and no Python.
#
# Before it, the variables mark, runsc (the binary) and seconds (for one "runsc list") are set, and the roots are the arguments. What it
# says are frames: a line with the mark and a kind, and perhaps a value, and then what there is of that kind.

# shellcheck disable=SC2154  # mark, runsc, seconds
set -u
LC_ALL=C
export LC_ALL

say() { printf '\n%s %s\n' "$mark" "$*"; }

# The files with the command lines of sandboxes.
sentries() { printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -l '^runsc-sandbox' 2>/dev/null; }

pid_of() { pid=${1#/proc/}; pid=${pid%/cmdline}; }

# Whether a sandbox under this root was stopped by a signal. "runsc list" would wait for it.
has_suspended() {
  real=$(cd "$1" && pwd -P)
  for line in $(sentries); do
    pid_of "$line"
    stat=
    read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
    case ${stat##*)} in
      " T"*) tr '\0' '\n' <"$line" | grep -qxF -e "--root=$1" -e "--root=$real" && return 0 ;;
    esac
  done
  return 1
}

# Call $1 for each state file under $root that can be one of runsc's.
each_record() {
  for file in "$root"/*_sandbox:*.state; do
    name=${file##*/}
    case $name in
      *[!A-Za-z0-9_+.:-]*) ;;
      *) "$1" ;;
    esac
  done
}

show_record() { say record "$name"; cat "$file" 2>/dev/null; }

show_name() { [ ! -e "$file" ] || printf '%s\n' "$name"; }

# What runsc_bundle has left in the bundles, which says what image they were made from.
show_bundles() {
  sed -n 's/^.*"bundleDir":"\([^"\\]*\)","createdAt":".*$/\1/p' "$root"/*_sandbox:*.state 2>/dev/null | sort -u |
    while IFS= read -r bundle; do
      [ -r "$bundle/.gvisor.runsc.json" ] || continue
      say bundle
      printf '%s\n' "$bundle"
      cat "$bundle/.gvisor.runsc.json"
    done
}

list() {
  say list
  "$runsc" --root="$root" list --format=json </dev/null &
  asked=$!
  (
    trap 'kill $sleeping; exit' TERM
    sleep "$seconds" &
    sleeping=$!
    wait "$sleeping"
    kill -9 "$asked"
  ) </dev/null >/dev/null 2>&1 &
  watcher=$!
  wait "$asked"
  code=$?
  kill "$watcher"
  say listed "$code"
} 2>&1

look() {
  root=$1
  say root "$2"
  if [ ! -d "$root" ]; then
    case $(ls -d "$root" 2>&1) in
      *'ermission denied'*) say denied ;;
      *) if [ -e "$root" ]; then say file; else say absent; fi ;;
    esac
    return
  fi
  if [ ! -r "$root" ] || [ ! -x "$root" ]; then
    say denied
    return
  fi
  each_record show_record
  show_bundles
  has_suspended "$root" || list
  say names
  each_record show_name
}

command -v "$runsc" >/dev/null 2>&1 || { say missing; exit 0; }
number=0
for folder in "$@"; do
  look "$folder" "$number"
  number=$((number + 1))
done
for line in $(sentries); do
  pid_of "$line"
  say process "$pid"
  cat "/proc/$pid/stat" "$line" 2>/dev/null
done
say end
