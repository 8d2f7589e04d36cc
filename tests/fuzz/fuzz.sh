#!/bin/sh
# Runs programs that nobody wrote: fuzz.sh SOURCE-FOLDER MAKE [COUNT [FIRST]], in the build folder.  Builds below it with
# the sanitizers, as check-asan does; what the interpreter does not survive comes to the folder fuzz.
set -eu

source=$1
make=$2
count=${3:-10000}
first=${4:-1}

# An interceptor that looks at all of its argument at each call makes a search quadratic.
ASAN_OPTIONS="exitcode=99:abort_on_error=0:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:allocator_may_return_null=1:intercept_memmem=0"
UBSAN_OPTIONS='exitcode=99:abort_on_error=0:print_stacktrace=1'
export ASAN_OPTIONS UBSAN_OPTIONS

mkdir -p asan fuzz
cd asan
case $source in
  /*) ;;
  *) source=../$source ;;
esac
[ -f Makefile ] || "$source/configure" --quiet --enable-stress=asan CFLAGS='-O1 -g'
"$make" -s all tests/fuzz/mutate
exec nice tests/fuzz/mutate -n "$count" -s "$first" -o ../fuzz "$source/tests/lang"
