# The figures of peers.sh as a picture, SVG: the geometric means as bars, from Lua's to the left who is quicker, to the right
# who is slower; below them each program's ratio, the bluer the quicker and the browner the slower.  The scale is one of
# factors: twice as quick is as far from Lua as twice as slow.

BEGIN { FS = "\t" }

$1 == "mean" {
  peer[++peers] = $2
  kind[$2] = $3
  mean[$2] = $4
  programs[$2] = $5
}

$1 == "figure" {
  if (!($2 in known)) {
    known[$2] = 1
    row[++rows] = $2
  }
  ratio[$2, $3] = $5
}

function log2(x) { return log(x) / log(2) }
function limited(x, least, most) { return x < least ? least : x > most ? most : x }

function text(x, y, anchor, class, what) {
  printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, class ? " class=\"" class "\"" : "", what
}

function box(x, y, w, h, fill) {
  printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h, fill
}

# From white to the colour, which is reached at four times.
function mixed(red, green, blue, part) {
  return sprintf("#%02x%02x%02x", 255 - (255 - red) * part, 255 - (255 - green) * part, 255 - (255 - blue) * part)
}

function colour(r,   far) {
  far = limited(log2(r) / 2, -1, 1)
  return far < 0 ? mixed(70, 140, 215, -far) : mixed(215, 140, 60, far)
}

function place(r) { return left + (log2(limited(r, least, most)) - log2(least)) * unit }

function label(name) { return kind[name] == "machine" ? name "*" : name }
function class_of(name) { return name == "carapace" ? "own" : "" }

function axis(bottom,   r) {
  for (r = least; r <= most; r *= 2) {
    printf "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>\n", place(r), top - 6, place(r), bottom, r == 1 ? "#555" : "#ddd"
    text(place(r), top - 12, "middle", "small", r < 1 ? "1/" 1 / r : r)
  }
}

function bars(   i, y, x) {
  axis(top + peers * step)
  for (i = 1; i <= peers; i++) {
    y = top + (i - 1) * step
    x = place(mean[peer[i]])
    text(left - 10, y + 15, "end", class_of(peer[i]), label(peer[i]))
    box(x < place(1) ? x : place(1), y + 3, x < place(1) ? place(1) - x : x - place(1), step - 7, peer[i] == "carapace" ? "#1f5fa8" : "#a9b4c0")
    text(width - 20, y + 15, "end", class_of(peer[i]), sprintf("%.2f", mean[peer[i]]))
  }
}

function cells(y,   i, r, x, value) {
  for (i = 1; i <= peers; i++) text(left + (i - 0.5) * wide, y - 7, "middle", class_of(peer[i]) " small", label(peer[i]))
  for (r = 1; r <= rows; r++) {
    text(left - 10, y + (r - 1) * step + 15, "end", "", row[r])
    for (i = 1; i <= peers; i++) {
      x = left + (i - 1) * wide
      if (!((row[r], peer[i]) in ratio)) continue
      value = ratio[row[r], peer[i]]
      box(x + 1, y + (r - 1) * step + 1, wide - 2, step - 2, colour(value))
      text(x + wide / 2, y + (r - 1) * step + 15, "middle", class_of(peer[i]), sprintf(value < 9.95 ? "%.2f" : "%.1f", value))
    }
  }
}

END {
  left = 110
  top = 78
  step = 22
  wide = 66
  least = most = 1
  for (i = 1; i <= peers; i++) {
    while (mean[peer[i]] < least) least /= 2
    while (mean[peer[i]] > most) most *= 2
  }
  width = left + peers * wide + 20
  if (width < 500) width = 500
  unit = (width - left - 90) / (log2(most) - log2(least) + (most == least))
  second = top + peers * step + 70
  height = second + rows * step + 50
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width, height, width, height
  print "<style>text { font: 13px sans-serif; fill: #222 } .small { font-size: 11px } .own { font-weight: bold } .head { font-size: 16px; font-weight: bold }</style>"
  box(0, 0, width, height, "white")
  text(20, 28, "start", "head", "Time as a ratio to Lua's: geometric mean of " rows " programs (less is better)")
  bars()
  text(20, second - 30, "start", "head", "Program by program")
  cells(second)
  text(20, height - 20, "start", "small", "* makes machine code; all others are interpreters.  An empty cell: there is no such program in that language.")
  print "</svg>"
}
