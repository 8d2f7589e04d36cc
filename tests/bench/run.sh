#!/bin/sh
# Carapace beside Lua: each NAME.crp and its twin NAME.lua, the best user time of several turns, taken in one run.
#
# Both must print the same.  The last column is Carapace's share of Lua's time.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
lua=${LUA:-lua5.4}
turns=${TURNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The children's user time is the third number that `times` prints, as 0m1.234s.
user_time() {
  sh -c '"$1" "$2" >"$3"; times' sh "$1" "$2" "$3" | awk '
    NR == 2 { split($1, t, /[ms]/); print t[1] * 60 + t[2] }'
}

# The least of the numbers, one a line.
best() { sort -n | head -n 1; }

printf '%-10s %10s %10s %8s\n' program carapace lua ratio
for script in "$folder"/*.crp; do
  name=$(basename "$script" .crp)
  rm -f "$work/ours" "$work/theirs"
  turn=0
  # In turns, so that a busy moment of the machine meets both.
  while [ "$turn" -lt "$turns" ]; do
    user_time "$carapace" "$script" "$work/out.crp" >>"$work/ours"
    user_time "$lua" "${script%.crp}.lua" "$work/out.lua" >>"$work/theirs"
    turn=$((turn + 1))
  done
  if ! cmp -s "$work/out.crp" "$work/out.lua"; then
    printf '%-10s the two print different things\n' "$name"
    continue
  fi
  printf '%s %s %s\n' "$name" "$(best <"$work/ours")" "$(best <"$work/theirs")" |
    awk '{ printf "%-10s %10.2f %10.2f %8.2f\n", $1, $2, $3, $3 ? $2 / $3 : 0 }'
done
