#!/bin/sh
# Plays every dialogue of this folder, see play.crp, and joins what they say into one TAP.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
CARAPACE_CLOCK=virtual
CARAPACE_GC_EVERY=1 # the dialogues are short, and play.crp plays fewer of them in that mode
export CARAPACE_CLOCK CARAPACE_GC_EVERY

for talk in "$srcdir"/tests/talk/*.talk; do
  name=$(basename "$talk" .talk)
  run "$srcdir/tests/talk/play.crp" "$talk"
  if [ "$(wc -c <"$talk")" -gt 4096 ]; then
    echo "# $name: more than 4096 bytes" >>out
    status=1
  fi
  planned=$(sed -n 's/^1\.\.//p' out)
  seen=$(grep -cE '^(not )?ok ' out)
  if [ "$status" != 0 ] || [ -s err ] || [ "$planned" != "$seen" ]; then
    verdict "$name is played to its end" 1
  fi
  awk -v from="$number" -v name="$name" '
    /^(not )?ok [0-9]+ - / { sub(/[0-9]+ - /, ++from " - " name ": ") }
    !/^1\.\./ { print }' out
  number=$((number + seen))
done
done_testing
