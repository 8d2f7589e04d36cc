# shellcheck shell=sh
# Sourced by the tests of the command line: an empty folder to be in, a way to run the program, and TAP.

case ${CARAPACE:=./carapace} in
  /*) ;;
  *) CARAPACE=$(pwd)/$CARAPACE ;;
esac
# Whole programs are run here, so a collection at every allocation would take hours.
if [ "${CARAPACE_TEST_MODE:-}" = gc ]; then
  CARAPACE_GC_EVERY=1000
  export CARAPACE_GC_EVERY
fi
unset NO_COLOR CLICOLOR_FORCE CARAPACE_PATH CARAPACE_CLOCK XDG_CONFIG_HOME XDG_STATE_HOME
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
mkdir home
HOME=$work/home
export HOME CARAPACE
number=0

# run ARG...: runs the program with what is in the file `input` as its stdin; leaves the files `out` and `err`, and
# $status.
: >input
run() {
  "$CARAPACE" "$@" <input >out 2>err
  status=$?
}

# verdict SENTENCE 0|1: 0 is good; shows what the program gave otherwise.
verdict() {
  number=$((number + 1))
  if [ "$2" = 0 ]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    {
      echo "status $status, stdout:"
      head -n 20 out
      echo "stderr:"
      head -n 20 err
    } | sed 's/^/# /'
  fi
}

# is SENTENCE STATUS STDOUT: stdout is just that, stderr is empty.
is() {
  printf '%s' "$3" >expected
  [ "$status" = "$2" ] && cmp -s out expected && [ ! -s err ]
  verdict "$1" $?
}

# fails SENTENCE STATUS PATTERN: stderr has a line with the pattern, stdout is empty.
fails() {
  [ "$status" = "$2" ] && [ ! -s out ] && grep -q -e "$3" err
  verdict "$1" $?
}

# holds SENTENCE COMMAND...: the command succeeds.
holds() {
  sentence=$1
  shift
  "$@"
  verdict "$sentence" $?
}

done_testing() {
  echo "1..$number"
}
