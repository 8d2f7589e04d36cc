#!/bin/sh
# Everything that a server can do wrong, at every command: see matrix.crp; and a session in random pieces, from
# $CARAPACE_SEED on, see tests/talk/play.crp.
set -u
# shellcheck source=parts.sh
. "${srcdir:-.}/tests/faults/parts.sh"

part memory 675 4325
part many 336 336
unset CARAPACE_CLOCK
part tcp 27 263

CARAPACE_CLOCK=virtual
export CARAPACE_CLOCK
seed=${CARAPACE_SEED:-1}
seeds=10000
[ -z "${CARAPACE_TEST_MODE:-}" ] || seeds=200
echo "# $seeds seeds from $seed on"
run "$srcdir/tests/talk/play.crp" "$srcdir/tests/talk/a-whole-session-with-awkward-messages.talk" "$seeds" "$seed"
joined 'a whole session'
done_testing
