# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Runs one command in a container of this machine, and watches over it. This is the node's half of the connection plugin.
#
# usage: sh -c SCRIPT sh TOKEN ROOT CONTAINER SECONDS LENGTH RUNSC [GLOBAL_FLAG...]
#
# Standard input is a line with the OCI process of the command, so that it is in no process list; a line that is "p" and
# the password for a prompt, or empty; LENGTH bytes for the command; and then nothing, for as long as the client lives. When
# it ends before the command does, the client was lost, and the command is killed in the container. So it is when it has
# not started after SECONDS.
#
# What is said to the client is on standard error between TOKEN< and TOKEN>. A token is known to this call alone.

token=$1 root=$2 container=$3 seconds=$4 length=$5 runsc=$6
shift 6
umask 077
unset NOTIFY_SOCKET # runsc would take itself for a service of systemd
folder=${TMPDIR:-/tmp}/gvisor-runsc-$token
tab=$(printf '\t')

say() {
  printf '%s<%s%s>' "$token" "$1" "$token" >&2
}

refuse() {
  say "$1"
  exit 0
}

# runsc matches ids by prefix, so that a missing one would be taken for a longer one, and one that others start with is none.
find_record() {
  [ ! -e "$root" ] || { [ -r "$root" ] && [ -x "$root" ]; } || refuse "denied $root"
  record='' longer=''
  for file in "$root/$container"*_sandbox:*.state; do
    case ${file##*/} in
      "${container}_sandbox:"*) [ ! -e "$file" ] || record=$file ;;
      *) [ ! -e "$file" ] || longer=${file##*/} ;;
    esac
  done
  [ -n "$record" ] || refuse missing
  [ -z "$longer" ] || refuse "ambiguous ${longer%_sandbox:*}"
}

# The user and the folder of the container's own process, as members of a JSON object. runsc before 2024-11 would run
# everything as root, and newer ones want to be told the folder. In the record, which is one line of JSON without a
# tabulator, they are the first members of these names: before them are numbers, lists of texts, and quotes are escaped.
own_members() {
  sed -n \
    -e "s/\"user\":\({[^}]*}\)/${tab}\1${tab}/" \
    -e "s/\"cwd\":\(\"[^\"\\\\]*\(\\\\.[^\"\\\\]*\)*\"\)/${tab}\1${tab}/" \
    -e "s/^[^${tab}]*${tab}\([^${tab}]*\)${tab}[^${tab}]*${tab}\([^${tab}]*\)${tab}.*/\"user\":\1,\"cwd\":\2/p" \
    "$record"
}

# Feed the command, then wait for the client to go.
feed() {
  IFS= read -r answer
  case $answer in
    p*)
      cat <<END
${answer#p}
END
      ;;
  esac
  [ "$length" = 0 ] || head -c "$length"
  exec >/dev/null
  cat
  kill -TERM $$
}

# A sandbox that hangs never starts a command, and runsc would wait for ever.
watch() {
  trap 'kill "$!"; exit' TERM
  sleep "$seconds" &
  wait "$!"
  [ -s "$folder/pid" ] || kill -USR1 $$
}

# The pids of the command and of all that descends from it, parents first.
# shellcheck disable=SC2329 # stop calls it
family() {
  pid=$(cat "$folder/pid" 2>/dev/null) || return 0
  table=$(timeout -s KILL 5 "$runsc" "$@" ps --format=table "$container")
  found=" $pid "
  grown=yes
  while [ -n "$grown" ]; do
    grown=''
    while read -r _ child parent _; do
      case $found in
        *" $child "*) ;;
        *" $parent "*) found="$found$child " grown=yes ;;
      esac
    done <<END
$table
END
  done
  echo "$found"
}

# The end of a runsc client does not stop the command in the container.
# shellcheck disable=SC2329 # the traps call it
stop() {
  reason=$1
  shift
  trap '' TERM HUP INT USR1
  for pid in $(family "$@"); do
    timeout -s KILL 5 "$runsc" "$@" kill --pid="$pid" "$container" KILL
  done >/dev/null 2>&1
  kill -KILL "$client" 2>/dev/null
  finish "$reason"
}

# The client hangs up when it has heard this, which ends what is left of feed.
finish() {
  kill -TERM "$watcher" "$feeder" 2>/dev/null
  rm -rf "$folder"
  say "$1"
  exit 0
}

# The client drops what a login shell or a command that gives root has printed before.
say hello
printf '%s<' "$token"
IFS= read -r process || exit 0
find_record
own=$(own_members)
if [ -z "$own" ]; then # runsc may be writing it
  sleep 1
  own=$(own_members)
fi
[ -n "$own" ] || refuse "unreadable $record"
command -v "$runsc" >/dev/null || refuse "no_runsc $runsc"
if ! { mkdir "$folder" && mkfifo "$folder/stdin"; }; then
  refuse "no_folder $folder"
fi
client='' watcher='' feeder=''
trap 'stop lost "$@"' TERM HUP INT
trap 'stop late "$@"' USR1
set -- "--root=$root" "$@"
# Of two members with one name the later one counts.
exec 4<&0 3<<END
{$own,${process#?}
END
watch </dev/null >/dev/null 2>&1 3<&- 4<&- &
watcher=$!
# A named pipe: some shells wait for all of an ordinary one, and feed lasts.
feed <&4 >"$folder/stdin" 3<&- 4<&- &
feeder=$!
"$runsc" "$@" "--log=$folder/log" exec --process=/dev/fd/3 "--internal-pid-file=$folder/pid" "$container" \
  <"$folder/stdin" 4<&- &
client=$!
exec </dev/null 3<&- 4<&-
wait "$client"
code=$?
trap '' TERM HUP INT USR1
# runsc has no exit code of its own. But only runsc writes to the log, and a command that was started has a pid.
message=$(cat "$folder/log" 2>/dev/null)
if [ "$code" = 137 ]; then # killed, or its sandbox ended
  case $(timeout -s KILL 5 "$runsc" "$@" state "$container" 2>/dev/null) in
    *'"status": "running"'*) ;;
    *) finish died ;;
  esac
fi
if [ -z "$message" ] && [ -s "$folder/pid" ]; then
  finish "exit $code"
fi
finish "failed $code $message"
