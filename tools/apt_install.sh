#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Install those of the named Debian packages that are missing. Does nothing, and needs no root, when none is.
set -eu -o pipefail
export DEBIAN_FRONTEND=noninteractive

missing=()
for package in "$@"; do
  # It fails for a package that dpkg has never heard of.
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "apt_install.sh: missing Debian packages, and only root can install them: ${missing[*]}" >&2
  exit 1
fi

apt() {
  timeout 300 apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

echo "installing Debian packages: ${missing[*]}"
# The lists' lock has no time-out of its own, so an apt that runs at the same time is waited for here.
for attempt in 1 2 3; do
  apt update && break
  [ "$attempt" -lt 3 ] || exit 1
  sleep 10
done
apt install -y --no-install-recommends "${missing[@]}"
