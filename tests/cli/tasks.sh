#!/bin/sh
# What tasks print on the error output, and what ends a program that has some.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

cat >lost.crp <<'END'
(create Task "lost" (lambda () (/ 1 0)))
(sleep 2000)
(print "still here")
END
run lost.crp
holds 'an error that nobody can look at any more is reported' \
  grep -q 'the task lost ended with an error that nobody has looked at' err
holds 'with its place' grep -q 'lost.crp:1:.*error 1.9' err
holds 'and the program goes on' test "$status" = 0

cat >kept.crp <<'END'
(set t (create Task "kept" (lambda () (/ 1 0))))
(sleep 5)
END
run kept.crp
holds 'an error that nobody has looked at is reported at the end' grep -q 'the task kept ended with an error' err

cat >seen.crp <<'END'
(set t (task (/ 1 0)))
(try (t.wait) (catch 1 ()))
(set u (task (/ 1 0)))
(u.event.wait)
(print u.error.code)
(set v (task (sleep 10000)))
(v.cancel)
(try (within 5 (all (task (sleep 10000)))) (catch 6 ()))
END
run seen.crp
holds 'one that was looked at, and a cancel, are not' test ! -s err

cat >asked.crp <<'END'
(set e (terminationEvent))
(print "ready")
(e.wait)
(print "draining")
END
"$CARAPACE" asked.crp >out 2>err &
pid=$!
until grep -q ready out; do sleep 0.05; done
kill -TERM "$pid"
wait "$pid"
status=$?
holds 'a program that waits for SIGTERM ends by itself' test "$status" = 0
holds 'after what it has to do' grep -q draining out

cat >twice.crp <<'END'
(set e (terminationEvent))
(print "ready")
(e.wait)
(print "asked")
(sleep 600000)
END
"$CARAPACE" twice.crp >out 2>err &
pid=$!
until grep -q ready out; do sleep 0.05; done
kill -TERM "$pid"
until grep -q asked out; do sleep 0.05; done
kill -TERM "$pid"
wait "$pid" 2>/dev/null
status=$?
holds 'a second SIGTERM ends it as always' test "$status" = 143

done_testing
