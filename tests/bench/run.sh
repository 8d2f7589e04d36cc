#!/bin/sh
# Carapace beside Lua: each NAME.crp of tests/bench/interp and its twin NAME.lua.  Both must print the same.
#
#     CARAPACE=./carapace sh run.sh [NAME...] [start] [call-script] [call-script-handles] [call-native] [call-handles]
#
# A line has the user seconds of both and their ratio with the bar, which must be kept, and the aim; then the most memory of
# each.  NAME.undeclared.crp is the same program without declared classes, beside the same twin.  The call rows are those of
# a host (tests/bench/embed): C calls a function of a script with words, and with handles; a script calls one in C that works
# on words, and one that works on handles.  TURNS (5) says how often each is measured, LIMIT (60) how many seconds a run may take; METER is the
# program that measures, EMBED the folder of the hosts.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
lua=${LUA:-lua5.4}
meter=${METER:-tests/bench/meter}
embed=${EMBED:-tests/bench/embed}
turns=${TURNS:-5}
limit=${LIMIT:-60}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=measure.sh
. "$folder/measure.sh"

# bars NAME: the bar and the aim of its ratio.
bars() {
  case $1 in
    bintrees) echo 0.40 0.18 ;;
    closure) echo 0.42 0.30 ;;
    exc) echo 0.40 0.15 ;;
    fib) echo 0.60 0.35 ;;
    hash) echo 0.40 0.23 ;;
    list) echo 0.60 0.38 ;;
    loop | method | prop) echo 0.65 0.45 ;;
    nbody) echo 0.75 0.48 ;;
    nqueens) echo 0.53 0.38 ;;
    sort) echo 0.55 0.40 ;;
    strbuild) echo 0.45 0.30 ;;
    strscan) echo 0.50 0.20 ;;
    tak) echo 0.55 0.38 ;;
    start) echo 1.20 1.00 ;;
    call-script) echo 0.80 0.60 ;;
    call-native) echo 0.80 0.45 ;;
    *) echo - - ;;
  esac
}

# measured WHO COMMAND...: once; what it printed is in $work/WHO.out, its figures are one more line of $work/WHO.metered.
measured() {
  who=$1
  shift
  "$meter" "$work/$who.metered" "$limit" "$@" >"$work/$who.out"
}

# side WHO KIND NAME: runs one side of a row.
side() {
  case $1-$2 in
    ours-script) measured ours "$carapace" "$folder/interp/$3.crp" ;;
    theirs-script) measured theirs "$lua" "$folder/interp/${3%.undeclared}.lua" ;;
    ours-empty) measured ours "$carapace" "$work/empty" ;;
    theirs-empty) measured theirs "$lua" "$work/empty" ;;
    ours-host) measured ours "$embed/ask-carapace" "${3#call-}" "$(calls "$3")" ;;
    theirs-host) measured theirs "$embed/ask-lua" "${3#call-}" "$(calls "$3")" ;;
  esac
}

calls() { case $1 in call-script*) echo 5000000 ;; *) echo 10000000 ;; esac; }

# both TURNS COLUMN KIND NAME: runs the two sides in turns; the seconds of the meter's COLUMN are in $work/ours and
# $work/theirs then, the most memory (MB) in $most and $most_theirs.
both() {
  rm -f "$work/ours.metered" "$work/theirs.metered"
  turn=0
  while [ "$turn" -lt "$1" ]; do
    side ours "$3" "$4"
    side theirs "$3" "$4"
    turn=$((turn + 1))
  done
  for who in ours theirs; do awk -v column="$2" '{ print $column }' "$work/$who.metered" >"$work/$who"; done
  most=$(memory "$work/ours.metered")
  most_theirs=$(memory "$work/theirs.metered")
}

memory() { awk '{ print $3 / 1024 }' "$1" | median; }

# line NAME: what both left, with a remark where a bar is not kept: in time, or in memory, where Lua's is the bar.
line() {
  ratio=$(ratio_of "$work/ours" "$work/theirs")
  bars "$1" | awk -v name="$1" -v ours="$(median <"$work/ours")" -v theirs="$(median <"$work/theirs")" -v ratio="$ratio" \
    -v most="$most" -v most_theirs="$most_theirs" '{
      printf "%-20s %8.4f %8.4f %6.2f %5s %5s %8.1f %6.1f", name, ours, theirs, ratio, $1, $2, most, most_theirs
      if ($1 != "-" && ratio > $1) printf "  OVER THE BAR"
      if (most > most_theirs) printf "  MORE MEMORY"
      print ""
    }'
}

# beside KIND NAME: one program and its twin.
beside() {
  both "$turns" 4 "$1" "$2"
  if ! cmp -s "$work/ours.out" "$work/theirs.out"; then
    echo "$2: the two print different things"
    status=1
    return
  fi
  line "$2"
}

script() {
  beside script "$1"
  case $1 in
    *.undeclared) ;;
    *) echo "$ratio" >>"$work/ratios" ;;
  esac
}

# All that a start costs, the kernel's part too; it is short, so there are ten times as many turns.
start() {
  : >"$work/empty"
  both $((turns * 10)) 2 empty start
  line start
}

# Lua's host is only there where Lua's header is.
host() {
  if [ -x "$embed/ask-carapace" ] && [ -x "$embed/ask-lua" ]; then beside host "$1"; else
    echo "$1: skipped, there are no $embed/ask-carapace and $embed/ask-lua"
  fi
}

geometric_mean() {
  awk '{ sum += log($1) } END { if (NR) print exp(sum / NR) }' "$work/ratios" >"$work/mean"
  printf '%-20s %24.2f %5s %5s\n' 'geometric mean' "$(cat "$work/mean")" 0.52 0.35
}

named() {
  case $1 in
    start) start ;;
    call-*) host "$1" ;;
    *) script "$1" ;;
  esac
}

status=0
: >"$work/ratios"
printf '%-20s %8s %8s %6s %5s %5s %8s %6s\n' 'seconds; MB' carapace lua ratio bar aim carapace lua
if [ $# -eq 0 ]; then
  for program in "$folder"/interp/*.crp; do script "$(basename "$program" .crp)"; done
  geometric_mean
  set -- start call-script call-script-handles call-native call-handles
fi
for name in "$@"; do named "$name"; done
exit "$status"
