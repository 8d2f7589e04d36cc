#!/bin/sh
# docs/reference.md is what `carapace doc` prints; after a change of the tables: carapace doc >docs/reference.md
set -u

page=${srcdir:-.}/docs/reference.md
echo 1..1
if [ ! -f "$page" ]; then
  echo 'ok 1 - the reference says what the tables say # SKIP there is no docs/reference.md'
elif "${CARAPACE:-./carapace}" doc | cmp -s - "$page"; then
  echo 'ok 1 - the reference says what the tables say'
else
  echo 'not ok 1 - the reference says what the tables say'
  "${CARAPACE:-./carapace}" doc | diff - "$page" | head -n 20 | sed 's/^/# /'
fi
