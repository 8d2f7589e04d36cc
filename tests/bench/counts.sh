#!/bin/sh
# Instructions of the benchmarks with small sizes, beside those that were recorded: no noise of the machine hides in them
# what a change has cost.
#
#     CARAPACE=./carapace sh counts.sh [check|record]
#
# A row has what a program needs beyond an empty one; `start` is the empty one.  One that needs over 3 % more than what the
# file `counts` says is an error.  With another compiler, C library or machine than those of the file, it is only said.
# Then the rule for declared classes: on each program that there is without them as well, they must not need more, and on
# two at least they must need less.  `record` writes the file anew.  COUNTS is the file, COMPILER says what compiled.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
embed=${EMBED:-tests/bench/embed}
counts=${COUNTS:-$folder/counts}
compiler=${COMPILER:-unknown}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v valgrind >/dev/null 2>&1; then
  echo 'skipped: there is no valgrind'
  exit 0
fi

# The size in a program's text, and the one for counting.
sizes() {
  cat <<'END'
bintrees|(run 15)|(run 7)
closure|(run 2000000)|(run 5000)
exc|(run 1000000)|(run 2000)
fib|(fib 34)|(fib 22)
hash|(run 500000)|(run 5000)
list|(range 1000000)|(range 5000)
loop|(run 50000000)|(run 100000)
method|(run 10000000)|(run 50000)
nbody|(run 200000)|(run 400)
nqueens|(place 11 |(place 7 
prop|(run 10000000)|(run 50000)
sort|(run 500000)|(run 5000)
strbuild|(run 1000000)|(run 10000)
strscan|.repeat 14000)|.repeat 100)
tak|(tak 24 16 8)|(tak 18 12 6)
END
}

# small PROGRAM: its text with the small size.
small() {
  sizes | awk -F '|' -v name="${1%.undeclared}" '
    NR == FNR { if ($1 == name) { from = $2; to = $3 } next }
    (at = index($0, from)) { $0 = substr($0, 1, at - 1) to substr($0, at + length(from)); found = 1 }
    { print }
    END { if (!from || !found) { print name ": the size is not found" >"/dev/stderr"; exit 1 } }
  ' - "$folder/interp/$1.crp"
}

# instructions COMMAND...
instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>"$work/valgrind" >"$work/out" || {
    cat "$work/valgrind" >&2
    return 1
  }
  sed -n 's/^==.*== Collected : //p' "$work/valgrind"
}

# row NAME COMMAND...: beyond what `base` needs.
row() {
  name=$1
  shift
  count=$(instructions "$@")
  echo "$name $((count - base))"
}

programs() {
  : >"$work/empty.crp"
  base=0
  row start "$carapace" "$work/empty.crp" | tee "$work/start"
  base=$(cut -d ' ' -f 2 "$work/start")
  for file in "$folder"/interp/*.crp; do
    name=$(basename "$file" .crp)
    small "$name" >"$work/$name.crp"
    row "$name" "$carapace" "$work/$name.crp"
  done
}

hosts() {
  for way in script script-handles native handles; do
    base=$(instructions "$embed/ask-carapace" "$way" 1)
    row "call-$way" "$embed/ask-carapace" "$way" 10001
  done
}

machine() { echo "$(uname -m), $(getconf GNU_LIBC_VERSION 2>/dev/null || uname -sr)"; }

record() {
  echo '# What tests/bench/counts.sh counts; "make bench-record" writes it.'
  echo "compiler $compiler"
  echo "machine $(machine)"
  cat "$work/rows"
}

# beside_recorded: each row, and status 1 if one needs too much.
beside_recorded() {
  awk -v compiler="$compiler" -v machine="$(machine)" '
    NR == FNR { name = $1; sub(/^[^ ]* /, ""); recorded[name] = $0; next }
    FNR == 1 {
      other = recorded["compiler"] != compiler || recorded["machine"] != machine
      printf "%-20s %12s %12s %8s\n", "instructions", "now", "recorded", "change"
    }
    {
      if (!($1 in recorded)) { printf "%-20s %12d %12s\n", $1, $2, "-"; next }
      change = recorded[$1] ? ($2 / recorded[$1] - 1) * 100 : 0
      bad = change > 3
      printf "%-20s %12d %12d %+7.2f%%%s\n", $1, $2, recorded[$1], change, bad ? "  WORSE" : change < -3 ? "  better" : ""
      if (bad) worse = 1
    }
    END {
      if (other) {
        print "Compiled by " compiler " on " machine "; recorded: " recorded["compiler"] " on " recorded["machine"] "."
        print "So the changes are no errors."
      }
      exit worse && !other
    }' "$counts" "$work/rows"
}

# Half a percent is what the texts differ in when they are read; less is over one percent less.
declared_rule() {
  awk '
    { count[$1] = $2 }
    END {
      printf "\n%-20s %12s %12s %8s\n", "instructions", "declared", "undeclared", "ratio"
      n = split("fib loop sort method", names, " ")
      for (i = 1; i <= n; i++) {
        declared = count[names[i]]
        undeclared = count[names[i] ".undeclared"]
        is_slower = declared > undeclared * 1.005
        printf "%-20s %12d %12d %8.3f%s\n", names[i], declared, undeclared, declared / undeclared, is_slower ? "  SLOWER" : ""
        slower += is_slower
        faster += declared < undeclared * 0.99
      }
      broken = faster < 2 || slower
      printf "faster on %d, slower on %d%s\n", faster, slower, broken ? "  RULE BROKEN: at least 2 and 0" : ""
      exit broken
    }' "$work/rows"
}

{
  programs
  hosts
} >"$work/rows"
if [ "${1-}" = record ]; then
  record >"$work/counts"
  mv "$work/counts" "$counts"
  echo "$counts is written"
  exit
fi
status=0
beside_recorded || status=1
declared_rule || status=1
exit "$status"
