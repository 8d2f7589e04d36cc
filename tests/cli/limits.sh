#!/bin/sh
# Memory and time that run out, wherever it happens: the script hears of the one, and goes on; nothing outlasts the other.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

# starved SENTENCE SIZE FORM...: the forms of a function need more memory than SIZE; it is caught, and work goes on.
starved() {
  printf '(set f (lambda ()\n%s))\n(print (try (f) (catch "1.16" "caught")))\n(set f ())\n(print (length (range 1000)))\n' "$3" >starved.crp
  run --deadline=60s --max-heap="$2" starved.crp
  is "$1" 0 'caught
1000
'
}

starved 'pairs are caught as 1.16' 32M '(local (l List)) (while true (set l (cons 1 l)))'
starved 'a List that grows at its end' 32M '(local (l List)) (while true (l.endCons 1))'
starved 'Lists of several items' 32M '(local (l List)) (while true (set l (list l "x" 2)))'
starved 'a String that doubles' 32M '(local (s String "a")) (while true (set s (join (list s s))))'
starved 'a String that is too long at once' 32M '("a".repeat 100000000)'
starved 'many Strings' 32M '(local (l List)) (while true (l.endCons ("ab".repeat 50)))'
starved 'an Array' 32M '(create Array 100000000)'
starved 'a HashTable' 32M '(local (t HashTable (create HashTable)) (i Integer)) (while true (t.set i i) (set i (+ i 1)))'
starved 'a Buffer' 32M '(local (b Buffer (create Buffer 10))) (while true (b.append "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))'
starved 'Binaries' 32M '(local (l List)) (while true (l.endCons 0x"00112233445566778899"))'
starved 'large Integers' 32M '(local (l List)) (while true (l.endCons (+ 0x7000000000000000 1)))'
starved 'Reals' 32M '(local (l List)) (while true (l.endCons (/ 1e300 3)))'
starved 'objects' 32M '(local (l List)) (while true (l.endCons (create CommsStack)))'
starved 'Errors' 32M '(local (l List)) (while true (l.endCons (create Error 1 1 "x")))'
starved 'closures' 32M '(local (g Function f)) (while true (let ((h g)) (set g (lambda () h))))'
starved 'boxes' 32M '(local (l List)) (while true (let ((n 1)) (l.endCons (lambda () (set n (+ n 1))))))'
starved 'code' 32M "(local (form List (list 'do))) (for i (range 30000) (form.endCons (list 'print \"x\" i)))
  (while true (form.endCons (eval (list 'lambda () form))))"
starved 'frames' 4M '(local (r Function)) (set r (lambda (n) (+ 1 (r (+ n 1))))) (r 1)'
starved 'frames of natives that wait for what they call' 4M '(local (r Function)) (set r (lambda () (apply r ()) 1)) (r)'
starved 'open tries' 4M '(local (r Function)) (set r (lambda () (try (r) (finally 1)))) (r)'
starved 'registers' 4M '(local (r Function)) (set r (lambda (a b c d e f g h) (+ 1 (r a b c d e f g h)))) (r 1 2 3 4 5 6 7 8)'
starved 'forms that eval compiles' 4M '(local (r Function)) (set r (lambda () (+ 1 (eval (list r))))) (r)'
starved 'a text that is read' 32M '(parse ("(".repeat 1900000))'
starved 'a text that is printed' 32M '(print (range 20000000))'
starved 'a List that is printed without end, because it shares itself' 32M '(local (x Object 1)) (for i (range 60) (set x (list x x))) (length x.string)'

# late SENTENCE FORM...: ended by the deadline, and only by that.
late() {
  run --deadline=200ms -e "$2"
  holds "$1" test "$status" = 124 -a ! -s out
}

run --deadline=200ms -e '(defun f () (f))' -e '(f)'
holds 'a deadline ends calls in tail position' test "$status" = 124
run --deadline=200ms -e '(defun f () (try (f) (catch -1 (f))))' -e '(f)'
holds 'a deadline ends what catches everything' test "$status" = 124
run --deadline=200ms -e '(class C (interface (methods (Object next ()))))' -e '(defun Object C::next () 1)' -e '(for x (create C) x)'
holds 'a deadline ends a walk without end' test "$status" = 124
run --deadline=200ms -e '(class C (interface (methods (Object == (o)))))' -e '(defun Object C::== (o) (while true))' -e '(== (create C) (create C))'
holds 'a deadline ends an equality that does not' test "$status" = 124
late 'a deadline ends eval' "(while true (eval '(+ 1 2)))"
late 'a deadline ends apply' '(while true (apply + (list 1 2)))'
late 'a deadline ends a finally that does not' '(try (while true) (finally (while true)))'
late 'a deadline ends a function in map' '(map (lambda (x) (while true)) (list 1))'
late 'a deadline ends a sort' '(sort (range 1000) (lambda (a b) (while true)))'
late 'a deadline ends printing that would not' '(do (set x 1) (for i (range 60) (set x (list x x))) (length x.string))'
run --deadline=200ms -e '(set x 1)' -e '(for i (range 60) (set x (list x x)))' -e '(try (print x) (catch -1 (print "caught")))'
holds 'a deadline ends printing, which nobody catches' test "$status" = 124 -a ! -s out -a ! -s err
printf '(try (while true) (finally (set n 0) (while (< n 100) (set n (+ n 1))) (print n)))\n' >finally.crp
run --deadline=200ms finally.crp
holds 'a finally has some steps left when the deadline has come' sh -c "[ $status = 124 ] && grep -qx 100 out"
printf '(try (while true) (finally (print "waits") (sleep 100000) (print "no")))\n' >sleeps.crp
run --deadline=200ms sleeps.crp
holds 'a finally does not wait when the deadline has come' sh -c "[ $status = 124 ] && [ $(cat out) = waits ]"
printf '(class C (interface (methods (NIL close ()))))\n(defun NIL C::close () (print "closed"))\n(with (c (create C)) (while true))\n' >closes.crp
run --deadline=200ms closes.crp
holds 'with closes when the deadline has come' sh -c "[ $status = 124 ] && [ $(cat out) = closed ]"

done_testing
