#!/bin/sh
# A Pattern that would take long can be stopped: by a deadline, which comes as Ctrl-C does, while a match is looked for.
# What matches is found beside the program, and must be of this version.
. "${srcdir:-.}/tests/cli/tap.sh"

# About ten seconds of work, if nobody stops it.
cat >long.crp <<'END'
(set text (join (list ("a".repeat 33000000) "b")))
(print "begun")
((create Pattern "(a+)+$").test text)
END
cat >replace.crp <<'END'
(set text (join (list ("a".repeat 33000000) "b")))
(print "begun")
(try ((create Pattern "(a+)+$").replace text 'headOf)
    (finally (print "closed")))
END

seconds() { date +%s; }

begun=$(seconds)
run --deadline=5s long.crp
good=1
[ "$status" = 124 ] && [ "$(cat out)" = begun ] && [ $(($(seconds) - begun)) -lt 60 ] && good=0
verdict 'a match that takes long ends at the deadline' $good

run --deadline=5s replace.crp
good=1
[ "$status" = 124 ] && [ "$(tail -n 1 out)" = closed ] && good=0
verdict 'so does a replacement, and finally runs' $good

# A copy of the program, with something else where its part should be.
skip() {
  number=$((number + 1))
  echo "ok $number - $1 # SKIP it is linked in"
}

part=$(dirname "$CARAPACE")/.libs/carapace-pcre.so
if [ -f "$part" ]; then
  mkdir -p moved/.libs
  cp "$CARAPACE" moved/carapace
  CARAPACE=$work/moved/carapace
  cp "$part" moved/.libs/
  run -p -e '((create Pattern "b").search "abc")'
  is 'the part is found beside the program' 0 '1
'
  echo nonsense >moved/.libs/carapace-pcre.so
  run -e '(create Pattern "a")'
  fails 'a part that cannot be loaded is an error' 1 'error 1.12: there are no regular expressions without carapace-pcre.so'
  cp "${part%pcre.so}readline.so" moved/.libs/carapace-pcre.so 2>/dev/null ||
    cp "${part%pcre.so}ffi.so" moved/.libs/carapace-pcre.so
  run -e '(create Pattern "a")'
  fails 'a part of another version is an error' 1 'error 1.12: .*carapace-pcre.so belongs to another version'
else
  skip 'the part is found beside the program'
  skip 'a part that cannot be loaded is an error'
  skip 'a part of another version is an error'
fi

done_testing
