#!/bin/sh
# Carapace's Pop3 beside curl, mpop and libetpan: CPU, time and memory of fetching whole mailboxes to a file.
#
#     CARAPACE=./carapace sh pop3.sh
#
# ROWS chooses rows by their letters; TURNS (5) says how often each is measured, LIMIT (60) how many seconds a run
# may take; COUNT (10000) is how many small messages there are.  PROGRAMS is the folder of the programs of tests/bench/pop3.
#
# Everything is in memory (a file in /dev/shm), so no disk is measured.  Before the turns that count there is one in which
# all that Carapace has fetched is compared byte for byte.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
programs=${PROGRAMS:-tests/bench/pop3}
rows=${ROWS:-a b c d e f h}
turns=${TURNS:-5}
limit=${LIMIT:-60}
small=${COUNT:-10000}
big=200
megabyte=1048576
LC_ALL=C
PATH=$PATH:/usr/sbin
export LC_ALL PATH
# shellcheck source=measure.sh
. "$folder/measure.sh"
# shellcheck source=../dovecot/dovecot.sh
. "$folder/../dovecot/dovecot.sh"
# shellcheck source=pop3/servers.sh
. "$folder/pop3/servers.sh"
# shellcheck source=pop3/clients.sh
. "$folder/pop3/clients.sh"
# shellcheck source=pop3/table.sh
. "$folder/pop3/table.sh"

memory=/dev/shm
[ -w "$memory" ] || memory=${TMPDIR:-/tmp}
work=$(mktemp -d "$memory/bench-XXXXXX")
figures=$work/figures
box=
status=0
clean_up() {
  end_servers
  [ -z "$box" ] || stop_dovecot
  rm -rf "$work" ${box:+"$box"}
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

forms=$(find_forms)
to_file=${forms% }
to_file=${to_file##* } # the best form for a file
peers=$(find_peers)
make_certificate

# in_turns TURNS COMMAND...: all commands (FUNCTION:ARGUMENT) in each turn; what the first turn measures does not count,
# unless something took too long in it.
in_turns() {
  last=$1
  shift
  forget_figures
  turn=0
  checking=true
  while [ "$turn" -le "$last" ]; do
    for command; do "${command%%:*}" "${command#*:}"; done
    [ "$turn" -gt 0 ] || [ -n "$(find "$figures" -name '*.over')" ] || forget_figures
    checking=false
    turn=$((turn + 1))
  done
}

# prefixed WORD NAME...: WORD:NAME for each.
prefixed() {
  word=$1
  shift
  for name; do printf '%s:%s ' "$word" "$name"; done
}

# beside_curl LABEL BAR AIM: what CPU the mailbox takes.
# shellcheck disable=SC2086,SC2046 # lists of words
beside_curl() {
  in_turns "$turns" $(prefixed ours $forms) $(prefixed theirs curl $peers)
  for form in $forms; do compared "$1" "$form" curl 2 "$2" "$3"; done
}

row_a() {
  heading "a. $small messages of 4 KB to a file: CPU seconds, beside curl"
  for security in clear tls; do
    fake "$security" "$small" 4096
    case $security in clear) beside_curl "in clear" 0.15 0.06 ;; tls) beside_curl "over TLS" 0.12 0.05 ;; esac
    end_servers
  done
}

row_b() {
  heading "b. $big messages of 1 MB to a file: CPU seconds, beside curl"
  for security in clear tls; do
    fake "$security" "$big" "$megabyte"
    case $security in clear) beside_curl "in clear" 0.5 0.35 ;; tls) beside_curl "over TLS" 0.6 0.4 ;; esac
    end_servers
  done
}

# far MESSAGES BAR AIM
# shellcheck disable=SC2086,SC2046 # lists of words
far() {
  fake clear "$1" 4096
  delayed 10
  in_turns "$turns" $(prefixed ours $forms) theirs:mpop
  for form in $forms; do compared "$1 messages" "$form" mpop 1 "$2" "$3"; done
  end_servers
}

row_c() {
  heading 'c. messages of 4 KB from 20 ms of round trip away: seconds by the clock, beside mpop'
  case $peers in
    *mpop*) ;;
    *)
      echo '  there is no mpop'
      return
      ;;
  esac
  far $((small / 10)) 0.5 0.3
  far "$small" 0.4 0.2
}

milliseconds() { middle "$1" 2 | awk '{ printf "%.2f", $1 * 1000 }'; }

row_d() {
  heading 'd. start, log on, one message: milliseconds of CPU, beside curl'
  fake clear 1 4096
  in_turns $((turns * 5)) "ours:$to_file" theirs:curl
  alone "$to_file" "$(milliseconds "$to_file")" "$(milliseconds curl)" 6 4
  end_servers
}

megabytes() { column "$1" 3 | sort -n | tail -n 1 | awk '{ printf "%.1f", $1 / 1024 }'; }

# peak LABEL clear|tls MESSAGES SIZE KIND
peak() {
  fake "$2" "$3" "$4" "$5"
  in_turns 1 "ours:$to_file" theirs:curl
  alone "$1" "$(megabytes "$to_file")" "$(megabytes curl)" 8 4
  end_servers
}

row_e() {
  heading "e. most memory (MB) with $to_file"
  peak "$small of 4 KB" clear "$small" 4096 text
  peak "$big of 1 MB" clear "$big" "$megabyte" text
  peak 'one of 96 MB' clear 1 $((96 * megabyte)) text
  peak 'one of 96 MB in lines of 1 byte' clear 1 $((96 * megabyte)) short
  peak 'one of 96 MB, each line stuffed' clear 1 $((96 * megabyte)) dots
  peak 'one of 96 MB in one line' clear 1 $((96 * megabyte)) long
  peak 'one of 96 MB in one line, TLS' tls 1 $((96 * megabyte)) long
}

kinds='text dots short long'

# of_kind FORM/KIND: its figures are FORM-KIND's.
of_kind() {
  form=${1%/*}
  port=$(cat "$work/port-${1#*/}")
  measure "$form-${1#*/}" "$carapace" "$folder/pop3/fetch.crp" "$form" "$port" "$user" "$work/mail"
}

# Of each turn the largest and the smallest; the label has what a GB takes.
spread() {
  for kind in $kinds; do column "$1-$kind" 2 >"$work/kind-$kind"; done
  (cd "$work" && paste kind-text kind-dots kind-short kind-long) | awk '{
    most = least = $1
    for (i = 2; i <= NF; i++) { if ($i > most) most = $i; if ($i < least) least = $i }
    print most / least
  }' | median
}

# shellcheck disable=SC2086 # lists of words
row_f() {
  heading "f. $big messages of 1 MB: CPU seconds a GB, by kind of body; the ratio is the largest to the smallest"
  all=
  for kind in $kinds; do
    fake clear "$big" "$megabyte" "$kind"
    echo "$port" >"$work/port-$kind"
    for form in $forms; do all="$all of_kind:$form/$kind"; done
  done
  out=$work/count
  in_turns "$turns" $all
  for form in $forms; do
    for kind in $kinds; do
      printf '  %-34s %9.2f\n' "$form, $kind" "$(middle "$form-$kind" 2 | awk -v n="$((big * megabyte))" '{ print $1 * 1e9 / n }')"
    done
    value=$(spread "$form")
    line "$form" - - "$value" - - 2 1.3 "$value"
  done
  end_servers
}

row_h() {
  heading 'h. a and b with a real server, dovecot: CPU seconds, beside curl'
  begin_dovecot
  for security in clear tls; do
    dovecot_mailbox "$security" small
    case $security in clear) beside_curl "$count of 4 KB" 0.15 0.06 ;; tls) beside_curl "$count of 4 KB, TLS" 0.12 0.05 ;; esac
    dovecot_mailbox "$security" big
    case $security in clear) beside_curl "$count of 1 MB" 0.5 0.35 ;; tls) beside_curl "$count of 1 MB, TLS" 0.6 0.4 ;; esac
  done
  stop_dovecot
}

for row in $rows; do "row_$row"; done
exit "$status"
