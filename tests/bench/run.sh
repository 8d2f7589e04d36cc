#!/bin/sh
# Carapace beside Lua: each NAME.crp and its twin NAME.lua, user seconds.  The last column is Carapace's share of Lua's
# time.  Both must print the same.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
lua=${LUA:-lua5.4}
turns=${TURNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=measure.sh
. "$folder/measure.sh"

status=0
: >"$work/ratios"
printf '%-26s %10s %10s %8s\n' 'user seconds' carapace lua ratio
for script in "$folder"/interp/*.crp; do
  name=$(basename "$script" .crp)
  rm -f "$work/ours" "$work/theirs"
  turn=0
  while [ "$turn" -lt "$turns" ]; do
    out=$work/out.crp
    user_time "$carapace" "$script" >>"$work/ours"
    out=$work/out.lua
    user_time "$lua" "${script%.crp}.lua" >>"$work/theirs"
    turn=$((turn + 1))
  done
  if cmp -s "$work/out.crp" "$work/out.lua"; then
    row "$name" "$work/ours" "$work/theirs"
    echo "$ratio" >>"$work/ratios"
  else
    echo "$name: the two print different things"
    status=1
  fi
done
awk '{ sum += log($1) } END { if (NR) printf "%-26s %30.2f\n", "geometric mean", exp(sum / NR) }' "$work/ratios"
exit "$status"
