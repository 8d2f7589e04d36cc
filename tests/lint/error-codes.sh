#!/bin/sh
# Every error code of the table in interp/error-code.c, which `carapace doc` prints, is produced by a test: some test
# names it, as "CLASS.CODE..." or error CLASS.CODE.
set -u
tests=${srcdir:-.}/tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CARAPACE:-./carapace}" doc | sed -n 's/^| \([0-9][0-9]*\.[0-9][0-9]*\) |.*/\1/p' >"$work/codes"
find "$tests/lang" "$tests/unit" "$tests/talk" "$tests/repl" "$tests/cli" -type f ! -name '*.md' -exec cat {} + >"$work/tests"

count=$(wc -l <"$work/codes")
echo "1..$((count + 1))"
if [ "$count" -gt 40 ]; then echo 'ok 1 - the reference has the table of codes'
else echo 'not ok 1 - the reference has the table of codes'
fi
number=1
while read -r code; do
  number=$((number + 1))
  if grep -Eq "(\"|error:? *|! )$(echo "$code" | sed 's/\./\\./')(\$|[^0-9.]|\\.(\$|[^0-9]))" "$work/tests"; then
    echo "ok $number - a test names error $code"
  else
    echo "not ok $number - a test names error $code"
  fi
done <"$work/codes"
