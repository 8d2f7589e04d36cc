#!/bin/sh
# Everything that a server can do wrong, at every command: see matrix.crp; and a session in random pieces, from
# $CARAPACE_SEED on, see tests/talk/play.crp.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
if [ "${CARAPACE_TEST_MODE:-}" = gc ]; then
  CARAPACE_GC_EVERY=50
fi

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

CARAPACE_CLOCK=virtual
export CARAPACE_CLOCK
run "$srcdir/tests/faults/matrix.crp" memory
joined memory
has 675 4325
is_silent 'on a memory'

run "$srcdir/tests/faults/matrix.crp" many
joined many
has 335 335
is_silent 'with many messages in a row'

unset CARAPACE_CLOCK
run "$srcdir/tests/faults/matrix.crp" tcp
joined tcp
has 27 263
is_silent 'on a tcp'

CARAPACE_CLOCK=virtual
export CARAPACE_CLOCK
seed=${CARAPACE_SEED:-1}
seeds=10000
[ -z "${CARAPACE_TEST_MODE:-}" ] || seeds=200
echo "# $seeds seeds from $seed on"
run "$srcdir/tests/talk/play.crp" "$srcdir/tests/talk/a-whole-session-with-awkward-messages.talk" "$seeds" "$seed"
joined 'a whole session'
done_testing
