#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Fill DIR with links python3.X -> a real interpreter, one for each minor version found on this machine, and with
# "python-control" -> the one that runs ansible-core and the tools. Exits 1 when there is none for that.
#
# Why: a version manager's shims answer to "python3.9" by name though no such version is active, and then exit 127.
# ansible-test, uv and Ansible's interpreter discovery all fall for them, so this folder goes first on PATH.
set -eu
dir=${1:?usage: pybin.sh DIR}
account_home=$(getent passwd "$(id -u)" | cut -d: -f6)
version_roots=("${PYENV_ROOT:-}" "$account_home/.pyenv" "${HOME:-}/.pyenv")
# 3.12 first: every ansible-core that is tested runs on it.
control_order=(3.12 3.13 3.14 3.11)

# A virtual environment is made from it, so it needs ensurepip (Debian: python3-venv) and ssl.
usable() {
  [ -x "$1" ] && timeout 20 "$1" -c 'import ensurepip, ssl, venv' </dev/null >/dev/null 2>&1
}

candidates() {
  local version=$1 root
  for root in "${version_roots[@]}"; do
    # The newest patch release first.
    [ -d "$root/versions" ] && find "$root/versions" -maxdepth 1 -name "$version.*" | sort -rV | sed "s|\$|/bin/python$version|"
  done
  printf '%s\n' "/usr/local/bin/python$version" "/usr/bin/python$version"
}

mkdir -p "$dir"
for minor in 8 9 10 11 12 13 14; do
  version=3.$minor
  rm -f "$dir/python$version"
  while read -r python; do
    if usable "$python"; then
      ln -s "$python" "$dir/python$version"
      break
    fi
  done < <(candidates "$version")
done

rm -f "$dir/python-control"
for version in "${control_order[@]}"; do
  if [ -e "$dir/python$version" ]; then
    ln -s "python$version" "$dir/python-control"
    exit 0
  fi
done
echo "pybin.sh: no Python 3.11 or newer with venv and ssl found (Debian: apt-get install python3-venv)" >&2
exit 1
