#!/bin/sh
# Carapace and its peers: the programs of tests/bench/interp in each language that is here, as ratios to Lua.
#
#     CARAPACE=./carapace sh peers.sh [NAME...]
#
# All run in turns, so that a busy moment of the machine meets everybody.  A first turn, which does not count, says whether
# each prints what Lua prints, and who is slow: more than twice Lua's time.  TURNS (5) says how often the others are measured,
# the slow ones are measured three times.  LIMIT (60) is how many seconds a run may take.  PEERS chooses some of them.  The
# figures are left in OUT (bench), in interp.tsv, and as a picture in interp.svg.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
lua=${LUA:-lua5.4}
meter=${METER:-tests/bench/meter}
turns=${TURNS:-5}
limit=${LIMIT:-60}
out=${OUT:-bench}
slow_turns=3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache # where guile keeps what it has compiled
export XDG_CACHE_HOME
# shellcheck source=measure.sh
. "$folder/measure.sh"

# A line has a peer's name, what it makes of a program (code for a virtual machine, or the processor's), where its programs
# are and what their names end with, and its command.
peers() {
  cat <<END
carapace virtual . crp $carapace
lua virtual . lua $lua
luajit virtual . lua luajit -joff
janet virtual janet janet janet
guile virtual scheme scm env GUILE_JIT_THRESHOLD=-1 guile
python virtual python py $(python)
node virtual js js node --jitless
quickjs virtual js js qjs
mruby virtual mruby rb mruby
tcl virtual tcl tcl $(first_of tclsh8.6 tclsh)
newlisp virtual newlisp lsp newlisp
picolisp virtual picolisp l pil
guile-jit machine scheme scm guile
chez machine scheme scm $(first_of chezscheme chez scheme) --script
END
}

first_of() {
  for name; do
    if command -v "$name" >/dev/null 2>&1; then break; fi
  done
  echo "$name"
}

# The interpreter itself: python3 may be a script that looks for one.
python() { python3 -c 'import sys; print(sys.executable)' 2>/dev/null || echo python3; }

# column PEER FIELDS: of its line.
column() { grep "^$1 " "$work/peers" | cut -d ' ' -f "$2"; }

version_of() {
  case $1 in
    luajit) luajit -v ;;
    lua | janet | newlisp) $(column "$1" 5) -v ;;
    quickjs) qjs --help || true ;;
    picolisp) pil -version -bye ;;
    tcl)
      name=$(column tcl 5)
      echo 'puts "Tcl [info patchlevel]"' | "$name"
      ;;
    guile) guile --version ;;
    chez) $(column chez 5) --version ;;
    *) $(column "$1" 5) --version ;;
  esac 2>&1 </dev/null | sed -n 1p
}

is_here() {
  name=$(column "$1" 5)
  [ "$name" != env ] || name=$(column "$1" 7)
  command -v "$name" >/dev/null 2>&1
}

# Those that are here, in $work/here.
find_peers() {
  peers >"$work/all"
  cp "$work/all" "$work/peers"
  : >"$work/here"
  for peer in carapace lua ${PEERS:-$(cut -d ' ' -f 1 "$work/all")}; do
    if grep -qx "$peer" "$work/here"; then continue; fi
    if is_here "$peer"; then echo "$peer" >>"$work/here"; else echo "$peer: skipped, there is no $(column "$peer" 5-)"; fi
  done
}

# scheme PEER NAME: the program behind what this Scheme calls otherwise.  One that defines no record is the body of a `let`
# for Chez, which then knows that nobody redefines its functions.
scheme() {
  dialect=${1%-jit}
  own=$folder/interp/scheme/$dialect
  script=$own/$2.scm
  [ -f "$script" ] || script=$folder/interp/scheme/common/$2.scm
  if [ "$dialect" = chez ] && ! grep -q define-record "$script"; then
    echo '(let ()'
    cat "$own/prelude.scm" "$script"
    echo ')'
  else
    cat "$own/prelude.scm" "$script"
  fi >"$work/$1.scm"
  echo "$work/$1.scm"
}

# script_of PEER NAME: the path of its program; there may be none.
script_of() {
  case $(column "$1" 3) in
    scheme) scheme "$1" "$2" ;;
    *) echo "$folder/interp/$(column "$1" 3)/$2.$(column "$1" 4)" ;;
  esac
}

# run PEER NAME: once; what it prints is in $work/out.PEER, its seconds are one more line of $work/seconds.PEER.
run() {
  script=$(script_of "$1" "$2")
  : >"$work/metered"
  # shellcheck disable=SC2046 # a command's words
  "$meter" "$work/metered" "$limit" $(column "$1" 5-) "$script" >"$work/out.$1" 2>/dev/null </dev/null || return 1
  awk '{ print $4 }' "$work/metered" >>"$work/seconds.$1"
}

# first_turn NAME: who takes part; $work/fast and $work/slow.
first_turn() {
  : >"$work/fast"
  : >"$work/slow"
  for peer in lua $(grep -vx lua "$work/here"); do
    rm -f "$work/seconds.$peer"
    [ -f "$(script_of "$peer" "$1")" ] || continue
    if ! run "$peer" "$1"; then echo "$1: skipped for $peer, which fails or takes more than $limit seconds"
    elif ! cmp -s "$work/out.$peer" "$work/out.lua"; then
      echo "$1: skipped for $peer, which prints something else than lua"
      [ "$peer" != carapace ] || status=1
    elif is_slow "$peer"; then echo "$peer" >>"$work/slow"; else echo "$peer" >>"$work/fast"; fi
    [ "$peer" = lua ] || rm -f "$work/seconds.$peer"
  done
  rm -f "$work/seconds.lua"
}

is_slow() { paste "$work/seconds.$1" "$work/seconds.lua" | awk '{ exit $1 > 2 * $2 ? 0 : 1 }'; }

# program NAME: its lines of the figures.
program() {
  first_turn "$1"
  turn=0
  while [ "$turn" -lt "$turns" ]; do
    each fast "$1"
    [ "$turn" -ge "$slow_turns" ] || each slow "$1"
    turn=$((turn + 1))
  done
  cat "$work/fast" "$work/slow" | while read -r peer; do
    printf 'figure\t%s\t%s\t%s\t%s\n' "$1" "$peer" "$(median <"$work/seconds.$peer")" "$(ratio_to_lua "$peer")"
  done >>"$work/figures"
}

# each fast|slow NAME: one turn.
each() {
  while read -r peer; do
    run "$peer" "$2" || echo "$2: $peer has failed in a later turn"
  done <"$work/$1"
}

# Turn by turn, of as many as there are of both.
ratio_to_lua() {
  paste "$work/seconds.$1" "$work/seconds.lua" | awk 'NF == 2 { printf "%.4f\n", $2 ? $1 / $2 : 0 }' | median
}

# Carapace, then the others from the quickest on.
means() {
  awk -F '\t' '{ sum[$3] += log($5); n[$3]++ }
    END { for (peer in n) printf "%s %.4f %d\n", peer, exp(sum[peer] / n[peer]), n[peer] }' "$work/figures" | sort -k 2 -n |
    while read -r peer mean count; do
      printf 'mean\t%s\t%s\t%s\t%s\t%s\n' "$peer" "$(column "$peer" 2)" "$mean" "$count" "$(version_of "$peer")"
    done
}

status=0
find_peers
: >"$work/figures"
if [ $# -eq 0 ]; then
  for script in "$folder"/interp/*.lua; do
    name=$(basename "$script" .lua)
    set -- "$@" "$name"
  done
fi
for name in "$@"; do program "$name"; done
mkdir -p "$out"
{
  means
  cat "$work/figures"
} >"$out/interp.tsv"
awk -f "$folder/peers-table.awk" "$out/interp.tsv"
awk -f "$folder/peers-picture.awk" "$out/interp.tsv" >"$out/interp.svg"
echo "The picture of it is $out/interp.svg."
exit "$status"
