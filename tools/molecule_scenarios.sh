#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run Molecule scenarios in the order given, two at a time since they wait for much of their time:
#
#   molecule_scenarios.sh LOG_FOLDER SCENARIO...
#
# The output of each is printed whole when it ends, and a failure of one does not keep the others from running. Molecule's own
# --workers can't do this: it lets one scenario create and destroy for all.
set -eu -o pipefail
logs=${1:?usage: molecule_scenarios.sh LOG_FOLDER SCENARIO...}
shift
AT_A_TIME=2

declare -A scenarios=() began=() # by process id
failed=()

start() {
  setsid molecule test -s "$1" </dev/null >"$logs/$1.log" 2>&1 &
  scenarios[$!]=$1
  began[$!]=$SECONDS
}

finish_one() {
  local pid scenario word=passed
  wait -n -p pid || word=FAILED
  scenario=${scenarios[$pid]}
  unset "scenarios[$pid]"
  [ "$word" = passed ] || failed+=("$scenario")
  cat "$logs/$scenario.log"
  echo "==== scenario $scenario $word in $((SECONDS - began[$pid])) s"
}

# Molecule destroys what failed, but not what was interrupted.
stop() {
  trap '' INT TERM
  local pid
  for pid in "${!scenarios[@]}"; do
    kill -TERM -- "-$pid" || true # it may have ended meanwhile
  done
  wait
  for pid in "${!scenarios[@]}"; do
    molecule destroy -s "${scenarios[$pid]}" </dev/null &
  done
  wait
  exit 143
}
trap stop INT TERM

mkdir -p "$logs"
for scenario in "$@"; do
  [ "${#scenarios[@]}" -lt "$AT_A_TIME" ] || finish_one
  start "$scenario"
done
while [ "${#scenarios[@]}" -gt 0 ]; do
  finish_one
done
[ "${#failed[@]}" = 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
