#!/bin/sh
# What docs/since-1999.md says of each name of the manual.
set -u
page=$(cd "${srcdir:-.}/docs" && pwd)/since-1999.md
script=$(cd "${srcdir:-.}/tests/cli" && pwd)/since-1999.crp
. "${srcdir:-.}/tests/cli/tap.sh"

run "$script" "$page"
holds 'what the table calls there is there, and what it calls left out says why' test "$(cat out)" -gt 200
[ "$(cat out)" -gt 200 ] 2>/dev/null || sed 's/^/# /' out
done_testing
