#!/usr/bin/env bash
# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A Debian machine with a systemd of its own, for the tests of the roles: booted by systemd-nspawn, reached by ssh without a
# port. Everything of it is below FOLDER. As root.
#
#   debian_node.sh up FOLDER ARCHIVE [NSPAWN_OPTION...]   unpack the archive of `make debian`, boot it, wait until it is up
#   debian_node.sh ssh FOLDER                             an sshd in it, on standard input and output: ssh's ProxyCommand
#   debian_node.sh enter FOLDER COMMAND...                run a command in it
#   debian_node.sh cut FOLDER                             what a power cut does: nothing in it gets a word, then it boots again
#   debian_node.sh down FOLDER                            end it and remove FOLDER; does nothing where there is none
set -eu -o pipefail
usage='usage: debian_node.sh up|ssh|enter|cut|down FOLDER [ARGUMENT...]'
command=${1:?$usage}
folder=${2:?$usage}
shift 2

BOOT_SECONDS=60
REBOOTED=133  # the exit code with which systemd-nspawn asks to be run again
# What a sandbox needs of a machine: to mount, and the system calls that a container does not get otherwise.
ALLOWED=(--capability=all --system-call-filter='@mount @keyring @memlock bpf perf_event_open')

fail() {
  echo "debian_node.sh: $*" >&2
  exit 1
}

# The one child of a process, if it has one.
child_of() {
  local children=()
  read -ra children 2>/dev/null <"/proc/$1/task/$1/children" || true # the line has no end
  [ "${#children[@]}" -gt 0 ] && echo "${children[0]}"
}

# The process that keeps the machine of this folder running; proven, since pids come again.
keeper() {
  local pid
  pid=$(cat "$folder/keeper.pid" 2>/dev/null) || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -Fxq "$folder" && echo "$pid"
}

nspawn() {
  child_of "$(keeper)"
}

# The init of the machine.
leader() {
  child_of "$(nspawn)"
}

# Poll instead of a fixed sleep. Seconds, then a command.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

enter() {
  local pid
  pid=$(leader) || fail "nothing runs in $folder"
  exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd "$@"
}

is_up() {
  case $( (enter systemctl is-system-running) 2>/dev/null) in
    running | degraded) ;;
    *) false ;;
  esac
}

# A zombie is gone, too: PID 1 of a container may be slow to reap.
is_gone() {
  local state
  state=$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null) || return 0
  [ "$state" = Z ]
}

# The control groups of the machine are below the ones that systemd-nspawn is in. Without its own, two machines, or two runs of
# the tests, would share them. With control groups version 1 there is one for each controller.
own_cgroups() {
  local base file
  for base in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if [ ! -e "$base/cgroup.procs" ] || [ -L "$base" ] || ! mountpoint -q "$base"; then continue; fi
    mkdir "$base/$1"
    echo "$base/$1" >>"$folder/cgroups"
    for file in cpuset.cpus cpuset.mems; do # without them nothing can run in it
      [ ! -e "$base/cpuset.cpus" ] || cat "$base/$file" >"$base/$1/$file"
    done
    echo "$$" >"$base/$1/cgroup.procs"
  done
}

remove_cgroups() {
  local path
  [ -e "$folder/cgroups" ] || return 0
  while read -r path; do
    [ ! -e "$path" ] || find "$path" -depth -type d -exec rmdir {} +
  done <"$folder/cgroups"
}

# Runs in a session of its own until the machine ends.
keep() {
  echo "$$" >"$folder/keeper.pid"
  own_cgroups "$(basename "$folder")-$$"
  local code=$REBOOTED
  while [ "$code" = "$REBOOTED" ] || [ -e "$folder/cut" ]; do
    rm -f "$folder/cut"
    code=0
    systemd-nspawn --quiet --directory="$folder/root" --machine="$(basename "$folder")" --register=no --keep-unit \
      --boot --console=read-only "${ALLOWED[@]}" "$@" || code=$?
  done
}

unpack() {
  rm -rf "$folder"
  mkdir -p "$folder/root"
  tar -x -f "$1" -C "$folder/root"
  ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
  install -D -m 600 "$folder/key.pub" "$folder/root/root/.ssh/authorized_keys"
  basename "$folder" >"$folder/root/etc/hostname"
  # Its sshd runs on a pipe; one that listens could do so on the host's network.
  ln -s /dev/null "$folder/root/etc/systemd/system/ssh.service"
}

up() {
  local archive=$1
  shift
  ! keeper >/dev/null || fail "a machine runs in $folder already"
  unpack "$archive"
  setsid "${BASH_SOURCE[0]}" keep "$folder" "$@" </dev/null >"$folder/console.log" 2>&1 &
  wait_for "$BOOT_SECONDS" is_up || fail "not up after $BOOT_SECONDS s: $(tail -n 20 "$folder/console.log")"
}

cut() {
  local old
  old=$(nspawn)
  touch "$folder/cut"
  kill -KILL "$(leader)"
  wait_for "$BOOT_SECONDS" is_gone "$old" || fail "$folder does not end"
  wait_for "$BOOT_SECONDS" is_up || fail "not up after $BOOT_SECONDS s: $(tail -n 20 "$folder/console.log")"
}

down() {
  local pid init
  if pid=$(keeper); then
    # Nothing of it is kept, so there is nothing to wait for.
    init=$(leader) && kill -KILL "$init"
    wait_for 20 is_gone "$pid" || fail "process $pid, which keeps $folder running, does not end"
  fi
  remove_cgroups
  rm -rf "$folder"
}

case $command in
  up | keep | cut | down) "$command" "$@" ;;
  enter) enter "$@" ;;
  ssh)
    # sshd wants this folder, which the unit that is not started would make.
    (enter mkdir -p /run/sshd)
    # At the end, systemd stops all processes for a moment. An nsenter that waited for a process which is stopped would stop as
    # well, for good, and the machine could not end with a process that nobody reaps. So sshd itself stays outside, with no
    # nsenter above it; what it starts is inside.
    enter --no-fork /usr/sbin/sshd -i -o UsePAM=no -o PermitRootLogin=prohibit-password
    ;;
  *) fail "$usage" ;;
esac
