#!/bin/sh
# Where load looks for files, and what a script knows of how it was started.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

mkdir own first second path
printf '(load "part")\n' >own/main.crp
for place in own first second path; do
  printf '(print "%s")\n' "$place" >"$place/part.crp"
done
CARAPACE_PATH=path
export CARAPACE_PATH
run -I first -I second own/main.crp
is 'a file beside the one that loads it comes first' 0 'own
'
rm own/part.crp
run -I first -I second own/main.crp
is 'then the folders of -I, the first one first' 0 'first
'
rm first/part.crp
run -I first -I second own/main.crp
is 'then the next' 0 'second
'
run own/main.crp
is 'then those of CARAPACE_PATH' 0 'path
'
rm path/part.crp
run -I first own/main.crp
fails 'the error names all places, in this order' 1 'error 5.1: .*"part".*own.*first.*path.*the standard library'

printf '(print "my own mail")\n' >path/mail.crp
run -e '(load "mail")'
is 'the standard library comes last' 0 'my own mail
'
unset CARAPACE_PATH
rm path/mail.crp
run -e '(print (require "mail") (require "mail") (require "mail.crp"))'
is 'and is in the program' 0 'true
()
()
'

mkdir -p deep/er
printf '(print (load "er/inner"))\n' >deep/outer.crp
printf '(load "innermost")\n' >deep/er/inner.crp
printf '(print "innermost")\n7\n' >deep/er/innermost.crp
run deep/outer.crp
is 'each file that is loaded looks beside itself' 0 'innermost
7
'
printf '(print "no ending")\n' >deep/plain
printf '(load "plain") (load "er/innermost.crp")\n' >deep/names.crp
run deep/names.crp
is 'a name is taken as it is, and with .crp added' 0 'no ending
innermost
'
printf '(set mine 1)\n(load "sees")\n' >deep/sets.crp
printf '(print (try mine (catch "1.4" "unknown")))\n' >deep/sees.crp
run deep/sets.crp
is 'the variables of a file are not those of the files that it loads' 0 'unknown
'

printf '(print ::CommandLine.tail)\n' >words.crp
run words.crp -x '' 'two words' "$(printf 'caf\303\251 \377')"
is '::CommandLine has every argument as it was given' 0 "(\"words.crp\" \"-x\" \"\" \"two words\" \"café \\xFF\")
"
run -q -e '(print ::CommandLine.tail ::Arguments)' x
is 'the options of the program too, and ::Arguments not' 0 '("-q" "-e" "(print ::CommandLine.tail ::Arguments)" "x")
("x")
'
run -e '(print (== (headOf ::CommandLine) (getenv "CARAPACE")))'
is 'its first item is the program' 0 'true
'
run -e '(print (typeOf ::InstallDir) (::InstallDir.startsWith "/"))'
is '::InstallDir is the path of a folder' 0 'String
true
'
done_testing
