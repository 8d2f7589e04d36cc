#!/bin/sh
# Errors as a user sees them: source line and caret, the trace, several errors of one text, the formats for programs.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

shows() { # SENTENCE STATUS: stderr is what is in the file `wanted`
  [ "$status" = "$2" ] && cmp -s err wanted
  verdict "$1" $?
}

cat >call.crp <<'END'
(defun Integer inner ((n Integer) (password String))
    (/ 10 n)
)
(defun Integer outer ((n Integer))
    (+ 1 (inner n "sesame"))
)
(print (outer 0))
END
run call.crp
cat >wanted <<'END'
call.crp:2:6: error 1.9: division by zero: (/ 10 0)
    2 |     (/ 10 n)
      |      ^
  in (inner 0 ***) at call.crp:2
  in (outer 0) at call.crp:5
  in top level at call.crp:7
END
shows 'an error shows its line, a caret and the calls with their arguments' 1

printf '(defun f (n) (+ 1 (f n)))\n(f 5)\n' >deep.crp
run deep.crp
cat >wanted <<'END'
deep.crp:1:20: error 1.15: calls are nested more than 200000 deep: a recursion without an end?
    1 | (defun f (n) (+ 1 (f n)))
      |                    ^
  in (f 5) at deep.crp:1 and again, 15 times
  ... N more
  in (f 5) at deep.crp:1 and again, 2 times
  in top level at deep.crp:2
END
sed 's/\.\.\. 1999[0-9][0-9] more/... N more/' err >err.out && mv err.out err
shows 'calls that are the same are shown once' 1

printf '(print 1)\n  (nosuch 5)\n' >top.crp
run top.crp
cat >wanted <<'END'
top.crp:2:4: error 1.4: unknown function nosuch
    2 |   (nosuch 5)
      |    ^
END
shows 'at top level the place says it all' 1

cat >cause.crp <<'END'
(try (headOf ())
    (catch 1 (throw (create Error 7 1 "no mail"))))
END
run cause.crp
cat >wanted <<'END'
cause.crp:2:15: error 7.1: no mail
    2 |     (catch 1 (throw (create Error 7 1 "no mail"))))
      |               ^
caused by: cause.crp:1:7: error 1.2: headOf: the List is empty
    1 | (try (headOf ())
      |       ^
END
shows 'an error in a catch shows what it was about' 1

run --error-format=json cause.crp
cat >wanted <<'END'
{"file":"cause.crp","line":2,"column":15,"class":7,"code":1,"message":"no mail","trace":["top level at cause.crp:2"],"cause":{"file":"cause.crp","line":1,"column":7,"class":1,"code":2,"message":"headOf: the List is empty","trace":["top level at cause.crp:1"]}}
END
shows 'as JSON with trace and cause' 1

printf '(throw (create Error 7 1 "a\\"b\\\\\\n\\x01\\xff\\u{e4}"))' >bytes.crp
run --error-format=json bytes.crp
grep -q '"message":"a\\"b\\\\\\n\\u0001\\ufffdä"' err
verdict 'JSON is UTF-8 whatever the text is' $?
run --error-format=gcc bytes.crp
holds 'and for gcc it is one line' test "$(wc -l <err)" = 1

cat >many.crp <<'END'
(print "one" 1))
(print "two")
(print "\q")
(print [3])

(defun f (x)
    (if x (print 1)
    2)

(print 4)
END
run many.crp
cat >wanted <<'END'
many.crp:1:16: error 8.2: expected a form, no List is open, found ")"
    1 | (print "one" 1))
      |                ^
many.crp:3:9: error 8.4: expected one of \n \r \t \0 \e \\ \" \xHH \u{H...}, found "q"
    3 | (print "\q")
      |         ^
many.crp:4:8: error 8.2: expected ( or ), found "["
    4 | (print [3])
      |        ^
many.crp:6:1: error 8.1: the List opened at 6:1 is not closed, expected ")", found the end of the text; the indentation first disagrees with the brackets at 8:5
    6 | (defun f (x)
      | ^
END
shows 'all errors of a file that cannot be read are shown, and nothing runs' 3
run --error-format=gcc many.crp
cut -d: -f1-4 err >err.out && mv err.out err
cat >wanted <<'END'
many.crp:1:16: error
many.crp:3:9: error
many.crp:4:8: error
many.crp:6:1: error
END
shows 'for editors a line each' 3
run --error-format=json many.crp
holds 'and as JSON an object each' test "$(grep -c '^{.*}$' err)" = 4

i=0
while [ $i -lt 30 ]; do
  echo '(print "\q")'
  i=$((i + 1))
done >more.crp
run --error-format=gcc more.crp
holds 'but no more than 20' test "$(wc -l <err)" = 20
run --error-format=gcc -c more.crp
holds 'with -c, too' test "$(wc -l <err)" = 20

printf '(print 1)\n(if)\n(defun f () (break))\n(set x)\n(print 2)\n' >forms.crp
run -c --error-format=gcc forms.crp
cut -d: -f1-4 err >err.out && mv err.out err
printf 'forms.crp:2:2: error\nforms.crp:3:14: error\nforms.crp:4:2: error\n' >wanted
shows '-c finds all forms that do not compile' 3
run --error-format=gcc forms.crp
holds 'a run ends at the first of them' test "$(wc -l <err)" = 1

printf '(load "many")\n' >loads.crp
run --error-format=gcc loads.crp
holds 'so does a file that is loaded' test "$(wc -l <err)" = 4
printf '(try (load "many") (catch 8 (print (map (lambda (e) e.line) err.further))))\n' >loads.crp
run loads.crp
is 'a script sees the further errors' 0 '(3 4 6)
'

printf '(defun inside (x) (printStackFrames) x)\n(list (inside "a"))\n' >frames.crp
run frames.crp
is 'printStackFrames prints the calls that are under way' 0 '(inside "a") at frames.crp:1
top level at frames.crp:2
'

printf '(set l ())\n(for i (range 0 100) (l.endCons (create Stream "many.crp")))\n' >files.crp
(ulimit -n 30; "$CARAPACE" files.crp) >out 2>err
status=$?
fails 'no descriptor is left: error 3.24' 1 '^files.crp:2:.*: error 3.24: '

printf '(stop 3)\n' >stop.crp
run stop.crp
is 'stop shows nothing, though it is error 1.18 inside' 3 ''
done_testing
