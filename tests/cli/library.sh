#!/bin/sh
# (loadLibrary "name"): functions and classes written in C.
set -u
built=$(pwd)/tests/embed/.libs
. "${srcdir:-.}/tests/cli/tap.sh"

if [ ! -f "$built/library.so" ]; then
  echo '1..0 # SKIP the build makes no shared libraries'
  exit 0
fi
cp "$built/library.so" .
printf '(print (loadLibrary "library") (libraryTwice 21) ((create Gauge).level))\n(print (loadLibrary "library.so"))\n' >good.crp
run good.crp
is 'a library beside the script gives its functions and classes, once' 0 'true
42
7
()
'
run -e '(loadLibrary "library") (libraryFail (list 1 "x"))'
fails 'its errors are worded as ours' 1 'error 100.7: the library says no, 3 times: (1 "x")'
mkdir far
mv library.so far
run -I far -e '(loadLibrary "library") (print (libraryTwice 4))'
is 'it is found along the search path' 0 '8
'
run -e '(loadLibrary "library")'
fails 'the error names the places that were looked at' 1 'cannot find a library "library" with .so to load; looked in the working directory'
echo text >text.so
run -e '(loadLibrary "text")'
fails 'what is no shared object is 5.1' 1 'error 5.1: cannot load the library ./text.so'
for other in /lib/*/libm.so.6 /lib/libm.so.6; do
  [ ! -f "$other" ] || cp "$other" other.so
done
run -e '(loadLibrary "other")'
fails 'a shared object of somebody else is 1.12' 1 'error 1.12: ./other.so is no library of Carapace'
done_testing
