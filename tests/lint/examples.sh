#!/bin/sh
# Every form, function, class, property and method has an example in its row, which the reference shows and
# tests/cli/docs.sh runs.  tests/lint/examples.list has those that may be without one: a NAME, a CLASS.NAME, or a
# page with all that is on it.
set -u
source=${srcdir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CARAPACE:-./carapace}" doc "$work" || exit 99

# "PAGE NAME" for each entry without an example; an entry lasts until the next heading.
entries=$(cd "$work" && awk '
  function leave() {
    if (entry != "" && !example) print entry
    entry = ""
  }
  FNR == 1 { leave(); page = FILENAME; gsub(/^\.\/|\.md$/, "", page); block = 0 }
  page == "index" { next }
  /^```/ { if (!block && $1 == "```carapace") example = 1; block = !block; next }
  block { next }
  /^#+ / {
    leave()
    name = $2
    gsub(/`/, "", name)
    class = page != "forms" && page != "functions"
    if ($2 ~ /^`/) entry = class ? page "." name : name
    else if (/^# / && class) entry = page
    example = 0
  }
  END { leave() }
' ./*.md)

allowed=$(sed 's/#.*//' "$source/tests/lint/examples.list" | tr '\n' ' ')
left=$(printf '%s\n' "$entries" | awk -v list="$allowed" '
  BEGIN { n = split(list, names, " "); for (i = 1; i <= n; i++) allowed[names[i]] = 1 }
  $0 == "" { next }
  { page = $0; sub(/\.[^.].*$/, "", page) }
  !($0 in allowed) && !(page in allowed)
')

echo 1..1
if [ -z "$left" ]; then
  echo 'ok 1 - every row has an example'
else
  echo 'not ok 1 - every row has an example'
  printf '%s\n' "$left" | sed 's/^/# no example: /'
fi
printf '%s\n' "$entries" | sed '/^$/d; s/^/# without one: /'
