#!/bin/sh
# Every example in docs/ does what its comments say.  The clock is the real one: a program that an example runs has
# no other.  What is written is TAP already; it passes through.
set -u
docs=$(cd "${srcdir:-.}/docs" && pwd) || exit 99
CARAPACE=${CARAPACE:-$(pwd)/carapace}
timeout=1m
[ -z "${CARAPACE_TEST_MODE:-}" ] || timeout=10m
# A collection at every allocation would take hours.
if [ "${CARAPACE_TEST_MODE:-}" = gc ]; then
  CARAPACE_GC_EVERY=1000
  export CARAPACE_GC_EVERY
fi
export TZ=UTC
unset NO_COLOR CLICOLOR_FORCE CARAPACE_PATH CARAPACE_CONFIG CARAPACE_CLOCK
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
pages=$(find "$docs" -name '*.md' -not -path '*/examples/*' | LC_ALL=C sort)
cd "$HOME" || exit 99

# What this build has no library for is left out: error 1.12.
for class in Library Pattern; do
  "$CARAPACE" -e "(try (create $class \"m\") (catch \"1.12\" (stop 1)))" ||
    pages=$(printf '%s\n' "$pages" | grep -v "/$class\.md$")
done
# shellcheck disable=SC2086 # a page a word
"$CARAPACE" test --timeout="$timeout" $pages
