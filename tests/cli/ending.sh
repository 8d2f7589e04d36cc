#!/bin/sh
# What still runs when a deadline or a signal ends a script.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

cat >all.crp <<'END'
(class Door (interface (methods (NIL close ()))))
(defun NIL Door::close () (print "closed"))
(atEnd (lambda () (print "at end")))
(atEnd (lambda () (print "at end, given later")))
(with (door (create Door))
    (try (while true) (catch -1 (print "caught")) (finally (print "finally"))))
(print "not reached")
END
run --deadline=1s all.crp
is 'finally, the closers of with and the functions of atEnd run' 124 'finally
closed
at end, given later
at end
'

cat >waits.crp <<'END'
(try
    (try (while true) (finally (print "inner") (sleep 600000) (print "not reached")))
    (finally (print "outer")))
END
run --deadline=1s waits.crp
is 'a finally cannot wait then, and the others run' 124 'inner
outer
'

cat >loops.crp <<'END'
(defun NIL turn ((n Integer)) (while (> n 0) (set n (- n 1))))
(try
    (try (while true) (finally (turn 100) (print "a hundred turns") (while true)))
    (finally (print "outer")))
END
run --deadline=1s loops.crp
holds 'nor run for ever' test "$status" = 124
holds 'what is short is done' grep -q 'a hundred turns' out

printf '(try (while true) (finally (stop 5)))\n' >stops.crp
run --deadline=200ms stops.crp
holds 'the status stays that of the deadline' test "$status" = 124
printf '(try (while true) (finally (throw (create Error 7 1 "mine"))))\n' >throws.crp
run --deadline=200ms throws.crp
holds 'also if finally throws' test "$status" = 124
printf '(while true (try (while true) (finally (break))))\n' >breaks.crp
run --deadline=200ms breaks.crp
holds 'and if it leaves by break' test "$status" = 124
printf '(defun Object f () (try (while true) (finally (return 5))))\n(f)\n(while true)\n' >returns.crp
run --deadline=200ms returns.crp
holds 'or by return' test "$status" = 124
printf '(while true (try (while true) (finally (break))))\n(sleep 600000)\n(print "not reached")\n' >rests.crp
run --deadline=1s rests.crp
is 'and what follows then cannot wait' 124 ''

cat >signal.crp <<'END'
(atEnd (lambda () (print "at end")))
(try
    (system (list "kill" "-TERM" ((processId).string)))
    (sleep 600000)
    (print "not reached")
    (catch -1 (print "caught"))
    (finally (print "finally")))
END
run signal.crp
holds 'a signal ends a script by the signal' test "$status" = 143
holds 'finally and the functions of atEnd run then as well' sh -c 'printf "finally\nat end\n" | cmp -s - out'
done_testing
