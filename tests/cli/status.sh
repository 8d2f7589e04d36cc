#!/bin/sh
# What the program ends with, and where scripts come from.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

printf '(print "hello")\n' >good.crp
run good.crp
is 'a script that runs to its end is status 0' 0 'hello
'
printf '(print "before")\n(nosuch)\n(print "after")\n' >bad.crp
run bad.crp
holds 'an error that nobody caught is status 1' test "$status" = 1
holds 'what ran before it has been written' test "$(cat out)" = before
holds 'it names file, line and column' grep -q '^bad.crp:2:2: error 1.4' err
run nosuch.crp
fails 'a file that is not there is status 2' 2 'carapace: nosuch.crp: No such file or directory'
mkdir folder.crp
run folder.crp
fails 'a folder is status 2' 2 'carapace: folder.crp: Is a directory'
printf '(print "never")\n(print (+ 1 2)\n' >open.crp
run open.crp
fails 'a text that cannot be read is status 3, and nothing of it runs' 3 'open.crp:2:1'
printf '(defun f ()\n  (set nowhere 1))\n' >wrong.crp
run wrong.crp
fails 'a form that does not compile is status 3' 3 'wrong.crp:2'
printf '(throw (create Error 8 1 "mine"))\n' >thrown.crp
run thrown.crp
fails 'an error of class 8 that a script throws is status 1' 1 'error 8.1: mine'
printf '(stop 42)\n(print "never")\n' >stop.crp
run stop.crp
is '(stop n) ends with status n' 42 ''
printf '(try (stop 3) (catch -1 (print "caught")) (finally (print "finally")))\n' >stopped.crp
run stopped.crp
is '(stop n) cannot be caught, and finally runs' 3 'finally
'
run -e '(while true)' --deadline=300ms
holds 'an option after FORM counts too' test "$status" = 124

printf '(print "from stdin")\n' >input
run
is 'without FILE stdin is the script' 0 'from stdin
'
run - one two
is '- is stdin' 0 'from stdin
'
printf '(print 1)\n(nosuch)\n' >input
run
holds 'a script on stdin that fails is status 1' test "$status" = 1
printf '(print 1' >input
run
fails 'a script on stdin that cannot be read is status 1' 1 'stdin:1:1'
: >input
run
is 'an empty script is status 0' 0 ''

printf '#!/usr/bin/env carapace\n(print "line two")\n(nosuch)\n' >bang.crp
run bang.crp
holds 'a first line for the shell is a comment that counts' grep -q '^bang.crp:3:2' err
printf '\357\273\277(print "bom")\r\n(print "crlf")\r\n' >bom.crp
run bom.crp
is 'a byte order mark and CRLF are no matter' 0 'bom
crlf
'

run --deadline=200ms -e '(while true)'
holds 'a deadline ends a loop with status 124' test "$status" = 124
run --deadline=200ms -e '(sleep 100000)'
holds 'a deadline ends a wait with status 124' test "$status" = 124
run --deadline=200ms -e '(while true (try (while true) (catch -1 (print "caught"))))'
holds 'a deadline cannot be caught' test "$status" = 124 -a ! -s out
run --deadline=30s -e '(print 1)'
is 'a deadline that is not reached changes nothing' 0 '1
'

run -i good.crp
holds '-i prompts after FILE, and without a terminal shows nothing' sh -c '[ "$(cat out)" = hello ] && [ ! -s err ]'
printf '(+ 1 2)\n(set a\n 4)\na\n' >input
run -i good.crp
is '-i reads forms of several rows from a pipe' 0 'hello
3
4
4
'
printf '(nosuch)\n(+ 1 1)\n' >input
run -i bad.crp
holds '-i prompts after an error too, and goes on after its own' sh -c 'tail -n 1 out | grep -qx 2'

done_testing
