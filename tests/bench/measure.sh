# shellcheck shell=sh
# Sourced: what the benchmarks measure with.  All figures of a comparison are taken in turns in one run, so that a busy
# moment of the machine meets both; what is printed is the median, and the median of the ratios turn by turn.

# cpu_time COMMAND...: its seconds, user and system.  What it prints goes to the file $out.  The second line that `times`
# prints is the children's: 0m1.234s 0m0.056s.
cpu_time() {
  out=$out sh -c '"$@" >"$out"; times' sh "$@" | awk '
    NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print u[1] * 60 + u[2] + s[1] * 60 + s[2] }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# ratio_of OURS THEIRS: two files with a figure a line, turn by turn.
ratio_of() { paste "$1" "$2" | awk '{ print $2 ? $1 / $2 : 0 }' | median; }

# row NAME OURS THEIRS
row() {
  printf '%-26s %10.3f %10.3f %8.2f\n' "$1" "$(median <"$2")" "$(median <"$3")" "$(ratio_of "$2" "$3")"
}
