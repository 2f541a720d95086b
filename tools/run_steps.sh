#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run every test step, cheap ones first, whatever fails on the way, and sum up. Called by `make test`.
set -eu -o pipefail
usage='usage: run_steps.sh CONTROL_PYTHON OLDEST_CORE NEWEST_CORE'
control=${1:?$usage}
oldest=${2:?$usage}
newest=${3:?$usage}

minor=$("$control" -c 'import sys; print(sys.version_info[1])')
cores=("$newest" "$oldest")
if [ "$minor" -lt 12 ]; then
  echo "ansible-core $newest is not tested here: it needs Python 3.12, and the newest on this machine is 3.$minor"
  cores=("$oldest")
fi

# "minutes target...": a step that takes longer than this is hung. It goes by the name of its first target.
steps=("5 setup ${cores[*]/#/core-}" "1 versions" "5 lint" "3 docs" "2 coverage" "5 unit")
for core in "${cores[@]}"; do steps+=("10 sanity-$core"); done
for core in "${cores[@]}"; do steps+=("10 units-$core"); done
steps+=("5 dist" "40 system")
for core in "${cores[@]}"; do steps+=("15 integration-$core"); done
steps+=("15 molecule" "5 demo")

passed=0
failed=0
summary=()
for step in "${steps[@]}"; do
  read -ra words <<<"$step"
  minutes=${words[0]}
  target=${words[1]}
  echo
  echo "==== $target"
  began=$SECONDS
  code=0
  timeout --kill-after=30 "${minutes}m" "${MAKE:-make}" --no-print-directory "${words[@]:1}" </dev/null || code=$?
  took=$((SECONDS - began))
  if [ "$code" = 0 ]; then
    passed=$((passed + 1))
    summary+=("$(printf 'ok    %4d s  %s' "$took" "$target")")
  else
    failed=$((failed + 1))
    [ "$code" != 124 ] || echo "$target took longer than $minutes minutes"
    summary+=("$(printf 'FAIL  %4d s  %s (exit %d)' "$took" "$target" "$code")")
    # Nothing that follows could tell us more.
    [ "$target" != setup ] || break
  fi
done

echo
printf '%s\n' "${summary[@]}"
echo "      $SECONDS s in all"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
