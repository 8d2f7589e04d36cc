# shellcheck shell=sh
# Sourced: the lines of the table.  A line has what Carapace needs and what its peer does, the ratio of the two, the others'
# ratios, and beside them the bar, which must be kept, and the aim.

heading() {
  printf '\n%s\n' "$*"
  printf '  %-34s %9s %9s %7s %7s %9s %6s %6s\n' '' carapace peer ratio mpop libetpan bar aim
}

# column NAME 1|2|3: seconds by the clock, of CPU, or KiB, a line a turn.
column() { awk -v column="$2" '{ print $column }' "$figures/$1"; }

middle() { column "$1" "$2" | median; }

# ratio NAME PEER COLUMN: the median of the ratios turn by turn; - if there is no such peer.
ratio() {
  if [ -e "$figures/$1" ] && [ -e "$figures/$2" ]; then
    column "$1" "$3" >"$work/one"
    column "$2" "$3" | paste "$work/one" - | awk '{ print $2 ? $1 / $2 : 0 }' | median
  else
    echo -
  fi
}

# short NUMBER: - stays as it is.
short() { [ "$1" = - ] && echo - || printf '%.2f\n' "$1"; }

# remark VALUE BAR AIM
remark() {
  awk -v value="$1" -v bar="$2" -v aim="$3" 'BEGIN {
    if (value > bar) print "OVER THE BAR"
    else if (value > aim) print "over the aim"
    else print "ok"
  }'
}

# line LABEL OURS PEER RATIO MPOP LIBETPAN BAR AIM VALUE: the value is what bar and aim are for.
line() {
  printf '  %-34s %9s %9s %7s %7s %9s %6s %6s  %s\n' "$1" "$2" "$3" "$(short "$4")" "$(short "$5")" "$(short "$6")" "$7" "$8" \
    "$(remark "$9" "$7" "$8")"
}

# compared LABEL FORM PEER COLUMN BAR AIM: a form of ours beside a peer, with what the others need of that peer's.
compared() {
  over=
  [ ! -e "$figures/$2.over" ] || over='>'
  value=$(ratio "$2" "$3" "$4")
  line "$1, $2" "$over$(printf '%.3f' "$(middle "$2" "$4")")" "$(printf '%.3f' "$(middle "$3" "$4")")" \
    "$value" "$(ratio mpop "$3" "$4")" "$(ratio libetpan "$3" "$4")" "$5" "$6" "$value"
}

# alone LABEL OURS PEER BAR AIM: bar and aim are for what we need, whatever the peer does.
alone() { line "$1" "$2" "$3" "$(awk -v a="$2" -v b="$3" 'BEGIN { print a / b }')" - - "$4" "$5" "$2"; }
