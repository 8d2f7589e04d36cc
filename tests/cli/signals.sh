#!/bin/sh
# A signal ends a script by the signal, after what must be closed is closed.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

# The handlers of a background job of a script ignore SIGINT; python gives it back its default.
cat >start.py <<'END'
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
END

# interrupted SIGNAL SCRIPT: starts the script, waits until it has printed a line, sends the signal.
interrupted() {
  : >out
  python3 start.py "$CARAPACE" "$2" >out 2>err <input &
  child=$!
  tries=500
  while [ "$tries" -gt 0 ] && [ ! -s out ]; do
    tries=$((tries - 1))
    sleep 0.02
  done
  kill -s "$1" "$child"
  wait "$child" 2>/dev/null
  status=$?
}

cat >waits.crp <<'END'
(try
    (print "waiting")
    (sleep 100000)
    (catch -1 (print "caught"))
    (finally (print "finally")))
END
cat >loops.crp <<'END'
(print "looping")
(sleep 1)
(while true (try (while true) (catch -1 (print "caught"))))
END

if ! command -v python3 >/dev/null 2>&1; then
  echo '1..0 # SKIP no python3'
  exit 0
fi

interrupted INT waits.crp
holds 'SIGINT ends a script that waits, by SIGINT' test "$status" = 130
holds 'no catch gets it, and finally runs' sh -c 'printf "waiting\nfinally\n" | cmp -s - out'
interrupted TERM waits.crp
holds 'SIGTERM ends a script that waits, by SIGTERM' test "$status" = 143
holds 'finally runs then as well' sh -c 'printf "waiting\nfinally\n" | cmp -s - out'
interrupted INT loops.crp
holds 'SIGINT ends a script that computes, by SIGINT' test "$status" = 130
holds 'no catch in a loop gets it' sh -c '! grep -q caught out'
holds 'nothing is said on stderr' test ! -s err

printf '(print "ready")\n(sleep 500)\n(print "done")\n' >ignores.crp
(
  trap '' INT
  "$CARAPACE" ignores.crp >out 2>err <input &
  echo $! >pid
  wait $!
  echo $? >code
) &
waiter=$!
tries=500
while [ "$tries" -gt 0 ] && ! grep -q ready out 2>/dev/null; do
  tries=$((tries - 1))
  sleep 0.02
done
kill -s INT "$(cat pid)"
wait "$waiter"
status=$(cat code)
is 'a SIGINT that the parent ignores is ignored' 0 'ready
done
'

cat >tasks.crp <<'END'
(set busy (task (sleep 1) (while true)))
(set waits (task (try (sleep 600000) (finally (print "closed")))))
(print "tasks")
(try (sleep 600000) (finally (print "finally")))
END
interrupted INT tasks.crp
holds 'an interrupt ends a program one of whose tasks computes' test "$status" = 130
holds 'and is for the task that the program waits for' grep -q finally out
holds 'the others are cancelled' grep -q closed out

done_testing
