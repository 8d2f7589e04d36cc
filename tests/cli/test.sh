#!/bin/sh
# carapace test: scripts, pages and folders of them; what its lines say, and the status.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

# prints SENTENCE STATUS: stdout is what stands on the shell's stdin, and stderr is empty.
prints() {
  cat >expected
  [ "$status" = "$2" ] && cmp -s out expected && [ ! -s err ]
  verdict "$1" $?
}

# --- scripts ---------------------------------------------------------------------------------------------------------

cat >adding-up.crp <<'END'
(print "hello")
(test "one and one" (expect (+ 1 1) 2))
(test "two and two"
    (expect (+ 2 2) 5))
(test "goes on" (expect 1 1))
END
run test adding-up.crp
prints 'a test that fails stops no other, and says where, what was expected and given' 1 <<'END'
TAP version 13
# hello
ok 1 - adding up: one and one
not ok 2 - adding up: two and two
# adding-up.crp:4:6: error 1.5: expected 5, given 4
#     4 |     (expect (+ 2 2) 5))
#       |      ^
ok 3 - adding up: goes on
1..3
END
run adding-up.crp
prints 'by hand the script prints the same' 1 <<'END'
hello
ok 1 - one and one
not ok 2 - two and two
# adding-up.crp:4:6: error 1.5: expected 5, given 4
#     4 |     (expect (+ 2 2) 5))
#       |      ^
ok 3 - goes on
1..3
END
printf '(test "fails" (expect 1 2))\n(stop 0)\n' >stops.crp
run stops.crp
holds 'a failed test makes the status 1 whatever stop says' test "$status" = 1
printf '(test "fails" (expect 1 2))\n(stop 7)\n' >stops.crp
run stops.crp
holds 'but for a status of its own' test "$status" = 7

printf '(print "noise")\n' >no-tests-here.crp
run test no-tests-here.crp
prints 'a script without tests is one, named by the file' 0 <<'END'
TAP version 13
ok 1 - no tests here
1..1
END
printf '(print "noise")\n(headOf ())\n' >fails.crp
run test fails.crp
holds 'when it fails what it wrote is told' sh -c 'grep -q "^not ok 1 - fails: ended with status 1$" out &&
  grep -q "^# noise$" out && grep -q "^# fails.crp:2:2: error 1.2:" out'
holds 'and the status is 1' test "$status" = 1
printf '(print (\n' >open.crp
run test open.crp
holds 'a script that does not compile fails' sh -c 'grep -q "^not ok 1 - open: ended with status 3$" out &&
  grep -q "^# open.crp:1:" out'
printf '(stop 3)\n' >three.crp
run test three.crp
holds 'a status other than 0 fails' grep -q '^not ok 1 - three: ended with status 3$' out
printf '(test "first" 1)\n(headOf ())\n' >breaks.crp
run test breaks.crp
holds 'an error outside of the tests fails beside them' sh -c 'grep -q "^ok 1 - breaks: first$" out &&
  grep -q "^not ok 2 - breaks: ended with status 1$" out'
printf '(skip "no such machine")\n(test "never" (expect 1 2))\n' >skipped.crp
run test skipped.crp
prints 'a script that is skipped is one test' 0 <<'END'
TAP version 13
ok 1 - skipped # SKIP no such machine
1..1
END
printf '(test "some day" (todo "wings") (expect 1 2))\n(test "here" (skip "no"))\n' >later.crp
run test later.crp
holds 'TODO and SKIP are no failures' sh -c 'grep -q "^not ok 1 - later: some day # TODO wings$" out &&
  grep -q "^ok 2 - later: here # SKIP no$" out'
holds 'so the status is 0' test "$status" = 0
printf '(print "Bail out! the disk is full")\n' >aaa.crp
run test aaa.crp no-tests-here.crp
holds 'Bail out! ends everything' sh -c 'grep -q "^Bail out! the disk is full$" out && ! grep -q "no tests here" out'
holds 'with status 1' test "$status" = 1
printf '(system "kill -9 $PPID")\n' >killed.crp
run test killed.crp
holds 'an end by a signal is told' grep -q '^not ok 1 - killed: was ended by signal 9, Killed$' out
printf '(print "ok 2 - no")\n(print "1..x")\n(print "ok")\n' >lines.crp
run test lines.crp
holds 'lines that only look like TAP are none' grep -q '^1\.\.1$' out
printf '(while true ())\n' >endless.crp
run test --timeout=200ms endless.crp
prints 'a script that does not end is ended' 1 <<'END'
TAP version 13
not ok 1 - endless: did not end within 0.2 s, after 0 tests
1..1
END
printf '(set s (join (list "0123456789" "0123456789")))\n(while true (print s s s s))\n' >loud.crp
run test loud.crp
holds 'so is one that writes too much' grep -q '^not ok 1 - loud: wrote more than 16 MiB$' out
mkdir here
printf '(writeFile "made" "x")\n' >here/writes.crp
run test here/writes.crp
holds 'a script is run where the caller is' test -f made
printf '(print ::Arguments ::CommandLine.length)\n(expect 1 2)\n' >arguments.crp
run test arguments.crp fails.crp
holds 'its arguments are its own' grep -q '^# 2$' out

# --- pages -----------------------------------------------------------------------------------------------------------

cat >page.md <<'END'
# Page

Prose with `code`, and a block of another language:

```sh
exit 1
```

```carapace
(set base 10)
```

## Right

```carapace
(+ base 1)              # --> 11
(print "a" base)        # prints: a
                        # prints: 10
(/ 1 0)                 # error: 1.9
(/ 1 0)                 # error: 1
(/ 1 0)                 # error: 1.9: division by zero
(printAux "one ")
(print "two")           # prints: one two
(do (print "x")         # prints: x
    (+ 1 2))            # prints nothing more
                        # --> 3
(create List 1 2 3 4)   # --> (1 ... 4)
(system "echo outside") # prints: outside
(set base 11)
(stop)                  # not run
"# --> 5"               # --> "# --> 5"
```

### Below

~~~ carapace
base                    # --> 11
~~~

## Wrong

```carapace
base                    # --> 11
(print "c")             # prints: d
(+ 1 2)                 # error: 1.2
(/ 1 0)                 # error: 1.2
(headOf ())
(nosuch                 # error: 8.1
```

## Compiled

```carapace no-run
(stop)
(writeFile "made" "x")
```
END
run test page.md
holds 'the set-up is a test' grep -q '^ok 1 - page: Page$' out
holds 'examples that are right are one test for each heading' grep -q '^ok 2 - page: Right$' out
holds 'the blocks of a section share an interpreter' grep -q '^ok 3 - page: Right: Below$' out
holds 'a text that cannot be read does not run' grep -q '^ok 4 - page: Wrong$' out
holds 'no-run is only compiled' grep -q '^ok 5 - page: Compiled$' out
sed -i '/nosuch/d' page.md
run test page.md
cat >expected <<'END'
# page.md:43: its value is another
#   form:     base
#   expected: 11
#   given:    10
# page.md:44: it prints something else
#   form:     (print "c")
#   expected: d
#   given:    c
# page.md:45: it raises no error
#   form:     (+ 1 2)
#   expected: 1.2
#   value:    3
# page.md:46: the error is another
#   form:     (/ 1 0)
#   expected: 1.2
# page.md:46:2: error 1.9: division by zero: (/ 1 0)
END
sed -n '/^not ok 4 - page: Wrong$/,/^ok 5/p' out | sed '1d; $d' >given
holds 'examples that are wrong say where, what was expected and given' sh -c 'head -n 16 given | diff - expected >&2'
holds 'an error that nothing is said of is one' grep -q '^# page.md:47:2: error 1.2' given
printf '## A\n```carapace\n(stop 3)\n```\n' >stopping.md
run test stopping.md
holds 'an example that ends the program fails' grep -q '^not ok 1 - stopping: A$' out
printf '## A\n```carapace\n# --> 3\n(+ 1 2)\n```\n' >early.md
run test early.md
holds 'a comment above all forms belongs to none' grep -q 'early.md:3: no form stands before this' out
printf '## A\n```carapace\n(+ 1 2) # --> 3\n' >open.md
run test open.md
holds 'a block that is never closed is told' grep -q 'open.md:3: this block is never closed' out
printf '## A\n```carapace\n(if ( # error: 8\n```\n## B\n```carapace no-run\n(if)\n```\n' >broken.md
run test broken.md
holds 'a parse error can be an example' grep -q '^ok 1 - broken: A$' out
holds 'what is not run has to compile' grep -q '^not ok 2 - broken: B$' out
printf '## A\n```carapace\n(writeFile "here" "x")\n(listFiles "*").length # --> 1\n```\n## B\n```carapace\n(listFiles "*").length # --> 0\n```\n' >files.md
mkdir tmp
TMPDIR=$work/tmp run test files.md
holds 'each section has an empty folder' test "$status" = 0
holds 'which is thrown away' test -z "$(ls tmp)"
printf '# A page without examples\n' >prose.md
run test prose.md fails.crp
holds 'a page without examples is no test' grep -q '^not ok 1 - fails' out
printf 'line\r\n## A\r\n```carapace\r\n(+ 1 2)   # --> 3\r\n(print 1) # prints: 1\r\n```\r\n' >crlf.md
run test crlf.md
holds 'lines may end as elsewhere' test "$status" = 0

# --- folders, options ------------------------------------------------------------------------------------------------

mkdir -p all/b/deep all/.hidden
for name in b/deep/two a z _left-out .hidden/three; do
  printf '(print 1)\n' >"all/$name.crp"
done
printf '## Page\n```carapace\n(+ 1 1) # --> 2\n```\n' >all/b/page.md
echo '(nonsense' >all/b/notes.txt
ln -s .. all/b/loop
run test all
prints 'a folder stands for all that is below it, sorted' 0 <<'END'
TAP version 13
ok 1 - a
ok 2 - two
ok 3 - page: Page
ok 4 - z
1..4
END
cp out alone
run test --jobs=4 all
holds 'the order is the same with several at a time' cmp -s out alone
run test --filter=two all
prints '--filter chooses by the name' 0 <<'END'
TAP version 13
ok 1 - two
1..1
END
run test --filter='one and' adding-up.crp
holds '--filter leaves other tests of a script out' sh -c 'grep -q "^ok 1 - adding up: one and one$" out &&
  ! grep -q "two and two" out'
run test --filter=nowhere all
holds 'it is wrong use when nothing is left' test "$status" = 2
holds 'and that is told' grep -q 'no test has that in its name' err
mkdir empty
run test empty
holds 'so it is when there is nothing to test' test "$status" = 2
run test nosuch.crp
fails 'a path that is not there is wrong use' 2 'nosuch.crp: No such file'
run test
fails 'so is no path at all' 2 'carapace: test: needs a PATH (try --help)'
run test --jobs=0 all
fails 'so are no jobs' 2 'not a value'
run test --timeout=soon all
fails 'a time limit that is no time is wrong use' 2 'not a value'
run test --nosuch all
fails 'an unknown option is wrong use' 2 'unknown option'
run test --help
holds '--help tells of the options' sh -c 'for o in --timeout= --jobs= --filter=; do grep -q -e "^  $o" out || exit 1; done'
mkdir lib
printf '(defun helped () "yes")\n' >lib/helper.crp
printf '## A\n```carapace\n(load "helper")\n(helped) # --> "yes"\n```\n' >loads.md
run -I lib test loads.md
holds '-I holds for the examples of pages' test "$status" = 0
run -load lib/helper.crp test loads.md
holds '-load too' test "$status" = 1
sed -i '/load/d' loads.md
run -load lib/helper.crp test loads.md
holds 'and what it loads can be used' test "$status" = 0
printf '(print "a script")\n' >test
run test
is 'a file of the name test is a script' 0 'a script
'
rm test
mkdir test
run test all
holds 'a folder of that name is none' test "$status" = 0
CARAPACE_CLOCK=virtual
export CARAPACE_CLOCK
printf '(test "waits" (sleep 3600000))\n' >sleeps.crp
printf '## A\n```carapace\n(sleep 3600000)\n```\n' >sleeps.md
run test sleeps.crp sleeps.md
holds 'CARAPACE_CLOCK is that of the tests' test "$status" = 0
unset CARAPACE_CLOCK
printf '(sleep 60000)\n' >waits.crp
"$CARAPACE" test waits.crp >out 2>err &
pid=$!
sleep 0.3
kill -TERM "$pid"
wait "$pid"
status=$?
holds 'SIGTERM ends it and its children' test "$status" = 143
printf '## A\n```carapace\n(sleep 60000)\n```\n' >waits.md
TMPDIR=$work/tmp "$CARAPACE" test waits.md >out 2>err &
pid=$!
sleep 0.3
kill -TERM "$pid"
wait "$pid"
status=$?
holds 'and leaves no folder behind' test -z "$(ls tmp)"
{ TMPDIR=$work/tmp "$CARAPACE" test files.md files.md 2>err; echo "$?" >ended; } | true
holds 'nor does it when nobody reads what it says' test -z "$(ls tmp)"
status=$(cat ended)
holds 'it ends by SIGPIPE then' test "$status" = 141

done_testing
