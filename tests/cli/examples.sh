#!/bin/sh
# The programs in docs/examples print what docs/examples/expected says.
set -u
examples=$(cd "${srcdir:-.}/docs/examples" && pwd)
. "${srcdir:-.}/tests/cli/tap.sh"
cp -R "$examples/data" .
chmod -R u+w data

# example NAME ARG...: runs the program with what is in `input` as its stdin.
example() {
  name=$1
  shift
  run "$examples/$name.crp" "$@"
  cat err >>out
  echo "status $status" >>out
  diff -u "$examples/expected/$name.txt" out >difference
  verdict "$name" $?
  sed 's/^/# /' difference
  : >input
}

printf '1 + 2 * 3\nx = 2 ^ 10\nsqrt(x) / (x - 1000)\n-x %% 7\n2 * (3 + \ny + 1\n3 $ 4\nround(2.5) + abs(-1)\nsin(1)\n' >input
example calculator
example csv-table data/orders.csv customer
example json-report data/measurements.json
example log-analyser data/access.log
example mail-statistics data/small.mbox
example migrate-config data/old.ini --write
example session-states data/session.txt
example shout
example xor
example split-mbox data/small.mbox messages
printf 'help\nfind lunch\nshow 1\nm\nshow 99\nlis\nnonsense\nquit\n' >input
example browse
for program in "$examples"/*.crp; do
  [ -f "$examples/expected/$(basename "$program" .crp).txt" ] || echo "# $program is not run"
done >forgotten
verdict 'every program is run' "$(wc -l <forgotten)"
cat forgotten
done_testing
