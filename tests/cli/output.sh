#!/bin/sh
# What is written where, and what happens when it cannot be written.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

escape=$(printf '\033')
printf '(print "data")\n(nosuch)\n' >both.crp
TERM=xterm "$CARAPACE" both.crp >out 2>err <input
status=$?
holds 'off a terminal there is no escape byte' sh -c "! grep -q '$escape' out err"
"$CARAPACE" --color=always both.crp >out 2>err <input
status=$?
holds '--color=always writes errors in colour' grep -q "$escape" err
holds 'what a script prints stays as it is' test "$(cat out)" = data
NO_COLOR=1 CLICOLOR_FORCE=1 "$CARAPACE" both.crp >out 2>err <input
status=$?
holds 'NO_COLOR wins over CLICOLOR_FORCE' sh -c "! grep -q '$escape' err"
NO_COLOR=1 "$CARAPACE" --color=always both.crp >out 2>err <input
status=$?
holds '--color wins over NO_COLOR' grep -q "$escape" err

printf '(print "one")\n(nosuch)\n' >order.crp
"$CARAPACE" order.crp >out 2>&1 <input
status=$?
: >err
holds 'stdout and stderr keep their order in one file' sh -c 'head -n 1 out | grep -qx one'

printf '(print "now")\n(sleep 1000000)\n' >wait.crp
: >out
"$CARAPACE" wait.crp >out 2>err <input &
child=$!
tries=1000
while [ "$tries" -gt 0 ] && [ ! -s out ]; do
  tries=$((tries - 1))
  sleep 0.02
done
status=0
holds 'what was printed is written before the program waits' grep -qx now out
kill "$child"
wait "$child" 2>/dev/null

"$CARAPACE" -e '(print "lost")' >/dev/full 2>err <input
status=$?
: >out
fails 'a full disk is an error' 1 'carapace: standard output: No space left on device'
"$CARAPACE" -e '(print "lost")' >&- 2>err <input
status=$?
fails 'a closed stdout is an error' 1 'carapace: standard output: Bad file descriptor'
"$CARAPACE" -e '1' >&- 2>err <input
status=$?
is 'a closed stdout that nobody writes to is none' 0 ''

printf '(set i 0)\n(while (< i 200000) (print i) (set i (+ i 1)))\n' >many.crp
{
  "$CARAPACE" many.crp 2>err
  echo $? >code
} | head -n 1 >out
status=$(cat code)
holds 'a reader that leaves ends the script by SIGPIPE, without a word' test "$status" = 141 -a ! -s err

done_testing
