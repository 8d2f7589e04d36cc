#!/bin/sh
# Libraries and comms modules by others: compiled with nothing but the installed headers, as docs/modules.md says.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
build=$(pwd)
. "${srcdir:-.}/tests/cli/tap.sh"

# shared OUTPUT ARGUMENT...: what a library's author types.
shared() {
  output=$1
  shift
  # shellcheck disable=SC2086 # a compiler may be several words
  ${compiler:-$CC} -Wall -Wextra -Werror -I"$work/include" -shared -fPIC -o "$output" "$@" >out 2>err
  status=$?
}

# same FILE LANGUAGE: the file stands on the page, as the first block of that language.
same() {
  awk -v fence="\`\`\`$2" '$0 == fence { on = 1; next } on && /^```/ { exit } on' "$top/docs/modules.md" >block
  cmp block "$top/docs/examples/$1"
}

holds 'the page shows the module in C as it is' same xor.c c
holds 'the page shows the module in script as it is' same xor.crp lisp

if [ ! -f "$build/tests/embed/.libs/library.so" ]; then
  echo '# the build makes no shared libraries'
  done_testing
  exit 0
fi
mkdir -p include/carapace
# shellcheck disable=SC2086 # a header a word
(cd "$build" && cp $INSTALLED_HEADERS "$work/include/carapace")

# --- a comms module ----------------------------------------------------------------------------------------------

shared xor.so "$top/docs/examples/xor.c"
is 'the module in C is compiled with the installed headers' 0 ''
cp "$top/docs/examples/xor.crp" .
cat >talk.crp <<'EOF'
(loadLibrary "xor")
(require "xor")
(defun Object end (name bottom)
    (buildCommsStack (list "Util" name bottom) '((key "sesame"))))
(set text "one\r\ntwo and more\r\n")
(for names '(("Xor" "Xor") ("XorScript" "XorScript") ("Xor" "XorScript") ("XorScript" "Xor"))
    (set near (end (headOf names) (create Memory)))
    (set far (end (names.get 1) near.bottom.peer))
    (near.connect)
    (far.connect)
    (set wrong 0)
    (for cut (range 1 text.length)
        (near.send (text.extract 0 cut))
        (if (> cut 5) (if (!= (far.receiveLine 5000) "one") (++ wrong)))
        (near.send (text.extract cut))
        (if (<= cut 5) (if (!= (far.receiveLine 5000) "one") (++ wrong)))
        (if (!= (far.receiveLine 5000) "two and more") (++ wrong)))
    (far.send "back\r\n")
    (print names wrong (near.receiveLine 5000))
    (near.disconnect)
    (print (far.receive)))
# each send waits until the other end has made room for its next three bytes
(for name '("Xor" "XorScript")
    (set memory (create Memory '((capacity 3))))
    (set near (end name memory))
    (set far (end name memory.peer))
    (near.connect)
    (far.connect)
    (task (near.send (text.repeat 100)))
    (print (== (far.receiveN (* 100 text.length)) (text.repeat 100))))
# bytes one by one, by a transcript
(for name '("Xor" "XorScript")
    (set s (end name "Replay"))
    (s.set "transcript" "@bytes\nS> \\x1B\\x0C~k\nC> \\x1B\\x0C")
    (s.connect)
    (print (s.receiveLine 5000))
    (s.send "hi")
    (s.disconnect))
EOF
run talk.crp
is 'both modules carry bytes in pieces cut at every place, both ways' 0 '("Xor" "Xor")
0
back
()
("XorScript" "XorScript")
0
back
()
("Xor" "XorScript")
0
back
()
("XorScript" "Xor")
0
back
()
true
true
hi
hi
'
cat >carapace.conf <<'EOF'
[Modules/Xor]
library = "xor"
key = "String"
[Modules/XorScript]
script = "xor"
key = "String"
[Services/Here]
modules = "Util, Xor, XorScript, Memory"
key = "sesame"
EOF
mkdir elsewhere
printf '(set s (buildCommsStack "Here")) (print s.describe)' >elsewhere/a.crp
CARAPACE_CONFIG=$work/carapace.conf run elsewhere/a.crp
grep -q '^Xor key = "\*\*\*"' out && [ "$status" = 0 ]
verdict 'the configuration brings library and script from its own folder' $?

# --- numbers -----------------------------------------------------------------------------------------------------

numbers=$top/tests/embed/numbers.c
shared newer.so -DMORE_ABI=0 -DCOUNT=CRP_FUNCTION_COUNT+1 "$numbers"
run -e '(loadLibrary "newer")'
fails 'a library that was compiled for more functions is refused, with both numbers' 1 \
  'error 1.12: the library ./newer.so was compiled for interface [0-9]*\.[0-9]* of Carapace, and this one has [0-9]*\.[0-9]*$'
shared other.so -DMORE_ABI=1 -DCOUNT=3 "$numbers"
run -e '(loadLibrary "other")'
fails 'so is one for another interface' 1 'error 1.12: the library ./other.so was compiled for interface'
shared answer.so -DMORE_ABI=0 -DCOUNT=3 "$numbers"
run -e '(loadLibrary "answer") (print (numbersAnswer))'
is 'one that knows fewer functions works' 0 '42
'

# --- another language, another compiler ------------------------------------------------------------------------------

cat >plus.cc <<'EOF'
#include <carapace/library.h>

static crp_status plus(crp_call *c)
{
    auto sum = crp_integer_value(c->args[0]) + crp_integer_value(c->args[1]);
    return sum < 0 ? crp_raise(c->vm, 100, 1, "%d is below 0", (int)sum) : crp_integer(c->vm, sum, &c->result);
}

static const crp_method functions[] = {
    {"plusPlus", "Integer (a Integer) (b Integer)", plus, "The sum.", 0, nullptr, nullptr}, {}};
static crp_status begin(crp *vm) { return crp_define_functions(vm, functions); }
CRP_LIBRARY(begin)
EOF
if command -v c++ >/dev/null 2>&1; then
  compiler=c++
  shared plus.so -std=c++17 -Wno-missing-field-initializers plus.cc
  compiler=
  is 'a library may be written in C++' 0 ''
  run -e '(loadLibrary "plus") (print (plusPlus 3 4)) (plusPlus 3 -4)'
  [ "$(cat out)" = 7 ] && grep -q 'error 100.1: -1 is below 0' err
  verdict 'and works' $?
fi

# --- where Carapace is no program ------------------------------------------------------------------------------------

if [ -f "$build/.libs/libcarapace.so" ]; then
  cp "$build/.libs/libcarapace.so" one.so
  cp "$build/.libs/libcarapace.so" two.so
  cp answer.so "$work/answer-copy.so"
  # shellcheck disable=SC2086
  $CC -Wall -Wextra -I"$work/include" -o many "$top/tests/embed/many.c" -ldl >out 2>err
  ./many ./one.so ./two.so >out 2>err
  status=$?
  is 'a Carapace that nobody else sees serves a library, a second one in the process is refused' 0 \
    '42
the library ./answer.so serves another copy of Carapace in this process; a copy of its file would serve this one
'
fi
done_testing
