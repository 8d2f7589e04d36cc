#!/bin/sh
# The examples of docs/ffi.md do what the page says: `# prints TEXT` and `# error: TEXT` are what run-lang expects.
set -u

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
mkdir "$work/page"
LC_ALL=C awk -v page="$work/page" '
  /^```lisp/ { file = page "/example-" ++count ".crp"; next }
  /^```/ { file = ""; next }
  file == "" { next }
  { sub(/# prints /, "# expect: "); sub(/# error: /, "# expect error: "); print > file }
' "${srcdir:-.}/docs/ffi.md"
./tests/run-lang "$work/page"
