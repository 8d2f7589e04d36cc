#!/bin/sh
# The library leaves the host's process alone: no stdio, no locale, no exit or abort, no longjmp, no signal handlers.
set -u

# FILE SYMBOL, a line each with its reason after `#`, as "platform _exit  # the child after a fork".
allowed='
'

echo 1..1
archive=${objdir:-.libs}/libcarapace.a
if [ ! -f "$archive" ]; then
  echo 'ok 1 - the library calls nothing that is the host'"'"'s # SKIP no static library was built'
  exit 0
fi

forbidden='(__)?v?(f|s|sn|d|as)?printf(_chk)?|(__isoc99_|__isoc23_)?v?[fs]?scanf
puts|putchar|putc|fputs|fputc|fwrite|fread|fgets|fgetc|getc|getchar|getline|fopen(64)?|fdopen|freopen(64)?|fflush|fclose|perror
stdin|stdout|stderr
setlocale|newlocale|uselocale|localeconv|strcoll|strtod|strtof|atof|strftime
__ctype_b_loc|__ctype_tolower_loc|__ctype_toupper_loc|toupper|tolower
exit|_exit|_Exit|quick_exit|atexit|abort|__assert_fail
_?longjmp|siglongjmp|____longjmp_chk|__longjmp_chk|_?setjmp|__sigsetjmp
signal|sigaction|sigprocmask|pthread_sigmask|raise
strtok|strerror|asctime|ctime|gmtime|localtime|rand|srand|random'
pattern="^($(printf '%s' "$forbidden" | tr '\n' '|'))\$"

# shellcheck disable=SC2086 # configure may give nm an option
wanted=$(${NM:-nm} -A -u "$archive")
[ -n "$wanted" ] || wanted="$archive:none:U abort"

# "FILE SYMBOL" for every forbidden symbol that a file wants.
found=$(printf '%s\n' "$wanted" | sed 's/^[^:]*://; s/: *[UwW] / /; s/:/ /; s/^libcarapace_la-//; s/\.o / /' | awk -v p="$pattern" '
  NF >= 2 && $2 ~ p { print $1, $2 }' | sort -u)
complaints=$(printf '%s\n' "$found" | while read -r file symbol; do
  [ -n "$file" ] || continue
  printf '%s\n' "$allowed" | sed 's/ *#.*//' | grep -qxF "$file $symbol" || printf '%s\n' "$file $symbol"
done)
if [ -z "$complaints" ]; then
  echo 'ok 1 - the library calls nothing that is the host'"'"'s'
else
  echo 'not ok 1 - the library calls nothing that is the host'"'"'s'
  printf '%s\n' "$complaints" | sed 's/^/# /'
fi
