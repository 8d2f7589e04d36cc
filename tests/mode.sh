#!/bin/sh
# Builds for a stress mode and runs the tests there: mode.sh MODE SOURCE-FOLDER MAKE, in the build folder.
#
#   asan      AddressSanitizer, UBSan and the leak checker; all tests
#   gc        a collection, or a step of one, at every allocation, in scripts marked `# big` at every 1,000th; all tests
#   alloc     as asan, and every allocation of a script fails once; the tests in tests/alloc.list
#   valgrind  under valgrind; the tests in tests/valgrind.list
#   coverage  counts what runs; all tests, then which lines and branches of each source they have reached; fails where
#             that is less than tests/coverage.py asks for
#
# Whoever runs a test reads the mode from CARAPACE_TEST_MODE.  `make check-asan TESTS=...` runs others than these.
set -eu

mode=$1
source=$2
make=$3

# The tests that a list names, without its comments, on one line.
listed() {
  sed 's/#.*//' "$source/tests/$1.list" | tr '\n' ' '
}

cflags='-O1 -g'
case $mode in
  asan) ;;
  coverage)
    cflags='-O0 -g'
    rm -f coverage/*.gcda coverage/*/*.gcda coverage/*/*/*.gcda
    # Nothing is optimized, and everything is counted.
    CARAPACE_TEST_TIMEOUT=${CARAPACE_TEST_TIMEOUT:-300}
    export CARAPACE_TEST_TIMEOUT
    ;;
  gc)
    cflags='-O2 -g'
    # What is no script is run at every allocation too.
    CARAPACE_GC_EVERY=${CARAPACE_GC_EVERY:-1}
    export CARAPACE_GC_EVERY
    ;;
  alloc | valgrind) TESTS=${TESTS:-$(listed "$mode")} ;;
  *) printf 'mode.sh: no mode %s\n' "$mode" >&2; exit 2 ;;
esac

# 99 is no status of any test, so a report is never taken for an expected failure.
report='exitcode=99:abort_on_error=0'
ASAN_OPTIONS="$report:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
UBSAN_OPTIONS="$report:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
CARAPACE_TEST_MODE=$mode
export ASAN_OPTIONS UBSAN_OPTIONS CARAPACE_TEST_MODE

mkdir -p "$mode"
cd "$mode"
case $source in
  /*) ;;
  *) source=../$source ;;
esac
[ -f Makefile ] || "$source/configure" --quiet --enable-stress="$mode" CFLAGS="$cflags"

set -- check
if [ -n "${TESTS:-}" ]; then
  set -- "$@" TESTS="$TESTS"
fi
if [ "$mode" = valgrind ]; then
  CARAPACE_TEST_WRAPPER='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible'
  CK_FORK=no
  export CARAPACE_TEST_WRAPPER CK_FORK
  set -- "$@" LOG_COMPILER="$CARAPACE_TEST_WRAPPER"
fi
[ "$mode" = coverage ] || exec "$make" "$@"
status=0
"$make" "$@" || status=$?
# Some of the tests reach less than all of them: that is no failure.
python3 "$source/tests/coverage.py" . "$source" || [ -n "${TESTS:-}" ] || status=1
exit "$status"
