#!/bin/sh
# What the options do.  https://www.gnu.org/prep/standards: --help and --version.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

run --help
holds '--help goes to stdout' grep -q '^Usage: carapace' out
holds '--help ends with status 0' test "$status" = 0
holds '--help says nothing on stderr' test ! -s err
cp out help
run -h
holds '-h is --help' cmp -s out help
for option in -load -e -p -i -c -I -q -n --color= --error-format= --deadline= --max-heap=; do
  holds "--help names $option" grep -q -e "^  $option" help
done

run --version
holds '--version has the version after the last blank of its first line' \
  sh -c 'head -n 1 out | grep -Eq "^carapace \(Carapace\) [0-9]+\.[0-9]+\.[0-9]+$"'
cp out version
run -V
holds '-V is --version' cmp -s out version

run --nosuch
fails 'an unknown option is wrong use' 2 'carapace: --nosuch: unknown option (try --help)'
holds 'wrong use is told in one line' test "$(wc -l <err)" = 1
run -pe 1
fails 'options are not bundled' 2 'carapace: -pe: unknown option'
run --col=always
fails 'options are not shortened' 2 'unknown option'
run -e
fails 'an option without its argument is wrong use' 2 'carapace: -e: needs an argument'
run --color=sometimes
fails 'a value that an option does not know is wrong use' 2 'not a value'
run --deadline=soon
fails 'a deadline that is no time is wrong use' 2 'not a value'
run --deadline=0s
fails 'no time at all is wrong use' 2 'not a value'
run --max-heap=-1
fails 'a heap that is no size is wrong use' 2 'not a value'
run --max-heap=99999999999999999999
fails 'a heap past 64 bits is wrong use' 2 'not a value'
run -c
fails '-c without a file is wrong use' 2 'carapace: -c: needs a FILE'
run "$(printf '\033[31m--red')"
holds 'no escape byte is echoed' sh -c '! grep -q "$(printf "\033")" err'

run -e '(print 1)'
is '-e evaluates and prints nothing by itself' 0 '1
'
run -p -e '(list 1 "a")'
is '-p prints the value as source' 0 '(1 "a")
'
run -p '(+ 1 2)'
is '-p FORM is short for -p -e FORM' 0 '3
'
run -e '(set a 5)' -e '(print a)'
is 'several -e share their variables' 0 '5
'
printf '(defun double (x) (* 2 x))\n' >double.crp
printf '(defun triple (x) (* 3 x))\n' >triple.crp
run -load double.crp -load triple.crp -p -e '(double (triple 7))'
is '-load may be given several times' 0 '42
'
run -load nosuch.crp -e 1
holds 'a file to load that is not there is status 2' test "$status" = 2

printf '(print ::Arguments)\n' >given.crp
run given.crp one "two words"
is '::Arguments is what stands after the script' 0 '("one" "two words")
'
run -e '(print ::Arguments)' one
is 'with -e it is all that is no option' 0 '("one")
'
run given.crp
is 'without arguments it is empty' 0 '()
'
printf '(print (length ::CommandLine))\n(print ((tailOf (tailOf ::CommandLine)).string))\n' >args.crp
run args.crp -e --help -- x
is 'everything after FILE belongs to the script' 0 '6
("-e" "--help" "--" "x")
'
printf '(print "dash")\n' >-dash.crp
run -- -dash.crp
is 'after -- there are no options' 0 'dash
'

mkdir lib
printf '(defun helped () "yes")\n' >lib/helper.crp
run -I lib -e '(load "helper")' -e '(print (helped))'
is '-I is looked at by load' 0 'yes
'
CARAPACE_PATH=lib
export CARAPACE_PATH
run -e '(load "helper")' -e '(print (helped))'
is 'CARAPACE_PATH is looked at by load' 0 'yes
'
unset CARAPACE_PATH

printf '(print "no")\n(set x 1)\n(defun f () (print "no"))\n' >checked.crp
run -c checked.crp
is '-c runs nothing' 0 ''
printf '(defun f ()\n  (set nowhere 1))\n' >wrong.crp
run -c wrong.crp
fails '-c finds what does not compile' 3 'wrong.crp:2'
printf '(print 1' >open.crp
run -c open.crp
fails '-c finds what is not closed' 3 'open.crp:1:1'

run --error-format=gcc -e '(nosuch)'
fails '--error-format=gcc is one line that editors know' 1 '^-e:1:2: error: .*nosuch'
holds 'it is one line' test "$(wc -l <err)" = 1
run --error-format=json -e '(nosuch "\"")'
fails '--error-format=json is a line of JSON' 1 '^{"file":"-e","line":1,"column":2,"class":1,"code":4,"message":"'
holds 'it is one line of JSON' test "$(wc -l <err)" = 1

run --max-heap=8M -e '(set a (list 1))' -e '(while true (set a (cons a a)))'
holds '--max-heap ends a script that eats memory' grep -q 'error 1.16' err

run doc
holds 'doc prints the reference' grep -q '^## Functions' out
printf '(print "my own")\n' >doc
run doc
is 'a file named doc comes first' 0 'my own
'

done_testing
