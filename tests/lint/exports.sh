#!/bin/sh
# The shared library shows crp_ names and nothing else, and is linked with nothing but the C library and c-ares; the
# program shows its native modules the same names.
set -u

library=${objdir:-.libs}/libcarapace.so
echo 1..3
if [ ! -f "$library" ]; then
  echo 'ok 1 - only crp_ names are exported # SKIP no shared library was built'
  echo 'ok 2 - the program exports nothing # SKIP no shared library was built'
  echo 'ok 3 - the library is linked with nothing unexpected # SKIP no shared library was built'
  exit 0
fi

exported() {
  # shellcheck disable=SC2086 # configure may give nm an option
  ${NM:-nm} -D --defined-only "$1" | sed 's/^[^ ]* . //; s/@.*//' | sort -u
}

# verdict NUMBER SENTENCE NAMES: the names are what is wrong.
verdict() {
  if [ -z "$3" ]; then
    echo "ok $1 - $2"
  else
    echo "not ok $1 - $2"
    printf '%s\n' "$3" | sed 's/^/# /'
  fi
}

names=$(exported "$library")
verdict 1 'only crp_ names are exported' "$(printf '%s\n' "${names:-none at all}" | grep -v '^crp_')"
verdict 2 'the program exports nothing' "$(exported "${CARAPACE:-./carapace}" | grep '^crp')"

needed=$(LC_ALL=C readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
verdict 3 'the library is linked with nothing unexpected' \
  "$(printf '%s\n' "$needed" | grep -vE '^(libc|libm|libdl|libpthread|ld-linux.*|libcares)\.so')"
