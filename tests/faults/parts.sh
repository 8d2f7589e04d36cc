# shellcheck shell=sh
# Sourced by the tests of this folder: plays a part of matrix.crp and joins its TAP to ours.

case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
if [ "${CARAPACE_TEST_MODE:-}" = gc ]; then
  CARAPACE_GC_EVERY=50
fi
CARAPACE_CLOCK=virtual
export CARAPACE_CLOCK

# joined NAME: what the program has printed is TAP, and becomes a part of ours.
joined() {
  [ "$status" = 0 ] && [ ! -s err ] && [ "$(sed -n 's/^1\.\.//p' out)" = "$(grep -cE '^(not )?ok ' out)" ]
  verdict "$1 is played to its end" $?
  awk -v from="$number" -v name="$1" '
    /^(not )?ok [0-9]+ - / { sub(/[0-9]+ - /, ++from " - " name ": ") }
    !/^1\.\./ { print }' out
  number=$((number + $(grep -cE '^(not )?ok ' out)))
}

# has BEHAVIOURS PAIRS: so many were played, so that none goes missing.
has() {
  holds "there are $1 behaviours, and $2 pairs of a behaviour and a command" \
    grep -q "^# $1 behaviours, $2 pairs of " out
}

# Nothing that the canary tells is in what was printed.
is_silent() {
  holds "no secret was printed $1" sh -c '! grep -qE "Canary-7|Q2FuYXJ5LTct" out err'
}

# part NAME BEHAVIOURS PAIRS: a part of the matrix.
part() {
  run "$srcdir/tests/faults/matrix.crp" "$1"
  joined "$1"
  has "$2" "$3"
  is_silent "by $1"
}
