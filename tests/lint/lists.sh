#!/bin/sh
# Every source, script and test is in a list of some folder's local.mk, or it would be built and run by nobody; and
# what is listed is there.
set -u
cd "${srcdir:-.}" || exit 99

# unlisted FILE...: those that no list names, with or without their ending.
unlisted() {
  for file; do
    [ -e "$file" ] || continue
    grep -qE "(^ | =) (${file}|${file%.*})( |\$)" ./*/local.mk || printf '%s is in no list\n' "$file"
  done
}

# What a list names and is not there; a name without an ending is a program, made from the .c file of that name.
absent() {
  sed -n 's/^  \([a-z][a-z0-9-]*\/[^ ]*\) \\$/\1/p' ./*/local.mk | while read -r file; do
    [ -e "$file" ] || [ -e "$file.c" ] || printf '%s is listed and not there\n' "$file"
  done
}

# Each area of language tests is a folder and the file that makes it a test.
unpaired() {
  for folder in tests/lang/*/; do
    area=tests/areas/$(basename "$folder").area
    [ -f "$area" ] || printf '%s has no %s\n' "$folder" "$area"
  done
}

complaints=$(
  unlisted interp/*.[ch] interp/*.def modules/*.[ch] stdlib/*.crp tests/unit/*.[ch] tests/lint/*.sh tests/areas/*.area
  absent
  unpaired
)

echo 1..1
if [ -z "$complaints" ]; then
  echo 'ok 1 - the lists name what is there'
else
  echo 'not ok 1 - the lists name what is there'
  printf '%s\n' "$complaints" | sed 's/^/# /'
fi
