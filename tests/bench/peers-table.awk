# The figures of peers.sh as a table: a row for each program, a column for each peer, in it the ratio to Lua's time.  Those
# that make machine code stand behind a line, as they are no interpreters.

BEGIN { FS = "\t" }

$1 == "mean" {
  kind[$2] = $3
  mean[$2] = $4
  programs[$2] = $5
  version[$2] = $6
  if ($2 == "lua" || $2 == "carapace") next
  if ($3 == "virtual") virtual[++virtuals] = $2
  else machine[++machines] = $2
}

$1 == "figure" {
  if (!($2 in known)) {
    known[$2] = 1
    row[++rows] = $2
  }
  seconds[$2, $3] = $4
  ratio[$2, $3] = $5
}


# One line, of what `text` has for each peer.
function line(name, own, text,   i) {
  printf "%-15s%8s %8s", name, own, text["carapace"]
  for (i = 1; i <= virtuals; i++) printf " %8s", text[virtual[i]]
  if (machines) printf " |"
  for (i = 1; i <= machines; i++) printf " %9s", text[machine[i]]
  print ""
}

function faster(program,   peer, names) {
  for (i = 1; i <= virtuals + machines; i++) {
    peer = i <= virtuals ? virtual[i] : machine[i - virtuals]
    if ((program, peer) in ratio && ratio[program, peer] + 0 < ratio[program, "carapace"] + 0) names = names " " peer
  }
  return names
}

END {
  for (peer in mean) text[peer] = peer
  line("seconds; ratios", "lua", text)
  for (r = 1; r <= rows; r++) {
    for (peer in mean) text[peer] = (row[r], peer) in ratio ? sprintf("%.2f", ratio[row[r], peer]) : "-"
    line(row[r], sprintf("%.4f", seconds[row[r], "lua"]), text)
  }
  for (peer in mean) text[peer] = sprintf("%.2f", mean[peer])
  line("geometric mean", "", text)
  for (peer in mean) text[peer] = programs[peer]
  line("of programs", "", text)
  print ""
  for (r = 1; r <= rows; r++) if ((names = faster(row[r])) != "") printf "Faster than Carapace on %s:%s\n", row[r], names
  print ""
  for (i = -1; i <= virtuals + machines; i++) {
    peer = i == -1 ? "carapace" : i == 0 ? "lua" : i <= virtuals ? virtual[i] : machine[i - virtuals]
    printf "%-10s %s%s\n", peer, version[peer], kind[peer] == "machine" ? " (makes machine code)" : ""
  }
}
