#!/bin/sh
# Conversations side by side: CPU seconds of 100 clients that each send 1,000 lines to a server in the same process, beside
# the same in Python's asyncio and, where there is one, in Janet ($JANET); and ten thousand stacks that are connected at
# once, with a tenth of them on peers that misbehave.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
janet=${JANET:-janet}
turns=${TURNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=measure.sh
. "$folder/measure.sh"

python_echo() { cpu_time python3 "$folder/tasks/echo.py" 100 1000; }
janet_echo() { cpu_time "$janet" "$folder/tasks/echo.janet" 100 1000; }

# beside NAME COMMAND: one row of the table.
beside() {
  rm -f "$work/ours" "$work/theirs"
  turn=0
  while [ "$turn" -lt "$turns" ]; do
    out=$work/out.ours
    cpu_time "$carapace" "$folder/tasks/echo.crp" 100 1000 >>"$work/ours"
    out=$work/out.theirs
    "$2" >>"$work/theirs"
    turn=$((turn + 1))
  done
  cmp "$work/out.ours" "$work/out.theirs"
  row "$1" "$work/ours" "$work/theirs"
}

printf '%-26s %10s %10s %8s\n' 'cpu seconds, 100,000 lines' carapace theirs ratio
beside 'echo, Python asyncio' python_echo
if command -v "$janet" >/dev/null 2>&1; then
  beside 'echo, Janet' janet_echo
fi

echo 'ten thousand conversations at once'
CARAPACE=$carapace srcdir=$folder/../.. sh "$folder/../many/many.sh" 10000 1000
