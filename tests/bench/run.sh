#!/bin/sh
# Carapace beside Lua: each NAME.crp of tests/bench/interp and its twin NAME.lua.  Both must print the same.
#
#     CARAPACE=./carapace sh run.sh [NAME...] [start]
#
# A line has the user seconds of both and their ratio with the bar, which must be kept, and the aim; then the most memory of
# each.  NAME.undeclared.crp is the same program without declared classes, beside the same twin.  TURNS (5) says how often
# each is measured, LIMIT (60) how many seconds a run may take; METER is the program that measures.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
lua=${LUA:-lua5.4}
meter=${METER:-tests/bench/meter}
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
    *) echo - - ;;
  esac
}

# both TURNS COLUMN OURS THEIRS: runs the two scripts in turns; the seconds of the meter's COLUMN are in $work/ours and
# $work/theirs then, the most memory (MB) in $most and $most_theirs.
both() {
  rm -f "$work/metered" "$work/metered.lua"
  turn=0
  while [ "$turn" -lt "$1" ]; do
    "$meter" "$work/metered" "$limit" "$carapace" "$3" >"$work/out.crp"
    "$meter" "$work/metered.lua" "$limit" "$lua" "$4" >"$work/out.lua"
    turn=$((turn + 1))
  done
  awk -v column="$2" '{ print $column }' "$work/metered" >"$work/ours"
  awk -v column="$2" '{ print $column }' "$work/metered.lua" >"$work/theirs"
  most=$(memory "$work/metered")
  most_theirs=$(memory "$work/metered.lua")
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

# beside NAME: one program and its twin.
beside() {
  both "$turns" 4 "$folder/interp/$1.crp" "$folder/interp/${1%.undeclared}.lua"
  if ! cmp -s "$work/out.crp" "$work/out.lua"; then
    echo "$1: the two print different things"
    status=1
    return
  fi
  line "$1"
  case $1 in
    *.undeclared) ;;
    *) echo "$ratio" >>"$work/ratios" ;;
  esac
}

# All that a start costs, the kernel's part too; it is short, so there are ten times as many turns.
start() {
  : >"$work/empty"
  both $((turns * 10)) 2 "$work/empty" "$work/empty"
  line start
}

geometric_mean() {
  awk '{ sum += log($1) } END { if (NR) print exp(sum / NR) }' "$work/ratios" >"$work/mean"
  printf '%-20s %24.2f %5s %5s\n' 'geometric mean' "$(cat "$work/mean")" 0.52 0.35
}

status=0
: >"$work/ratios"
printf '%-20s %8s %8s %6s %5s %5s %8s %6s\n' 'seconds; MB' carapace lua ratio bar aim carapace lua
if [ $# -eq 0 ]; then
  for script in "$folder"/interp/*.crp; do beside "$(basename "$script" .crp)"; done
  geometric_mean
  start
else
  for name in "$@"; do if [ "$name" = start ]; then start; else beside "$name"; fi; done
fi
exit "$status"
