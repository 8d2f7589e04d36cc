# shellcheck shell=sh
# Sourced: what the benchmarks measure with.  All figures of a comparison are taken in turns in one run, so that a busy
# moment of the machine meets both; what is printed is the median, and the median of the ratios turn by turn.

# user_time COMMAND...: its user seconds; cpu_time: user and system.  What it prints goes to the file $out.
user_time() { child_times "$@" | awk '{ print $1 }'; }
cpu_time() { child_times "$@" | awk '{ print $1 + $2 }'; }

# The second line that `times` prints is the children's: 0m1.234s 0m0.056s.
child_times() {
  out=$out sh -c '"$@" >"$out"; times' sh "$@" | awk '
    NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print u[1] * 60 + u[2], s[1] * 60 + s[2] }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# row NAME OURS THEIRS: two files with a figure a line, turn by turn.
row() {
  ratio=$(paste "$2" "$3" | awk '{ print $2 ? $1 / $2 : 0 }' | median)
  printf '%-26s %10.3f %10.3f %8.2f\n' "$1" "$(median <"$2")" "$(median <"$3")" "$ratio"
}
