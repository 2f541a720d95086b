#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Say what this machine tests with.
set -eu
usage='usage: versions.sh PYBIN VENV BUSYBOX'
pybin=${1:?$usage}
venv=${2:?$usage}
busybox=${3:?$usage}

# shellcheck source=/dev/null
(. /etc/os-release && echo "$PRETTY_NAME, kernel $(uname -r), $(uname -m), $(nproc) cores")
missing=()
for minor in 8 9 10 11 12 13 14; do
  if [ -e "$pybin/python3.$minor" ]; then
    "$pybin/python3.$minor" --version
  else
    missing+=("3.$minor")
  fi
done
[ "${#missing[@]}" = 0 ] || echo "not on this machine, so not tested: Python ${missing[*]}"
for core in "$venv"/core-*; do
  "$core/bin/python" -c 'import ansible.release, platform
print("ansible-core", ansible.release.__version__, "on Python", platform.python_version())'
done
"$busybox" | sed -n 1p
