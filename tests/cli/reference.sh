#!/bin/sh
# docs/reference is what `carapace doc` writes; after a change of the tables: carapace doc docs/reference
set -u
reference=$(cd "${srcdir:-.}/docs/reference" && pwd) || exit 99
. "${srcdir:-.}/tests/cli/tap.sh"

run doc pages
is 'the pages are written' 0 ''
diff -r "$reference" pages >out
status=$?
holds 'docs/reference says what the tables say' test "$status" = 0
run doc
cp out printed
: >joined
for page in index $(sed -n 's/^- \[[^]]*\](\(.*\)\.md):*.*/\1/p' pages/index.md); do
  case $page in
    forms | functions) ;;
    *) cat "pages/$page.md" >>joined ;;
  esac
done
cat pages/forms.md pages/functions.md >>joined
cp printed out
holds 'without a folder they are printed, one after the other' cmp -s joined printed
mkdir doc
run doc elsewhere
holds 'a folder of that name is no script' test -f elsewhere/index.md
: >file
run doc file
holds 'a folder that cannot be written is told' grep -q '^carapace: file: ' err
holds 'it is status 1' test "$status" = 1
grep -o '](\([A-Za-z]*\.md\))' pages/*.md | sed 's/.*](\(.*\))/\1/' | sort -u >links
status=0
while read -r link; do
  [ -f "pages/$link" ] || status=1
done <links
holds 'no link leads nowhere' test "$status" = 0

done_testing
