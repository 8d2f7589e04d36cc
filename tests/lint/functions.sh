#!/bin/sh
# The table that libraries call has every public function of native.h and module.h, and nothing else; what would break
# that stops the build.
set -u
cd "${srcdir:-.}" || exit 99
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

calls() { sh modules/library-calls.sh "$work/functions.h" "$work/native.h" modules/module.h >"$work/out" 2>"$work/err"; }

# start: the headers as they are.
start() { cp modules/functions.h interp/native.h "$work"; }

# verdict NUMBER SENTENCE 0|1
verdict() {
  if [ "$3" = 0 ]; then
    echo "ok $1 - $2"
  else
    echo "not ok $1 - $2"
    sed 's/^/# /' "$work/err"
  fi
}

echo 1..4
start
calls
verdict 1 'the table is whole' $?

echo 'crp_status crp_frobnicate(crp *, int times);' >>"$work/native.h"
! calls && grep -q 'crp_frobnicate is in no row' "$work/err"
verdict 2 'a function that it lacks is named' $?

start
sed 's/X(crp_raise_errno)//; s/X(crp_integer)/X(crp_integer) \\\n    X(crp_gone)/' modules/functions.h >"$work/functions.h"
! calls && grep -q 'crp_gone is in .* and in no header' "$work/err"
verdict 3 'so is one that there is not' $?

start
echo 'void crp_say(crp *, const char *format, ...);' >>"$work/native.h"
! calls && grep -q 'crp_say needs crp_vsay' "$work/err"
verdict 4 'one with any number of arguments needs one that takes a va_list' $?
