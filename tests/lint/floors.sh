#!/bin/sh
# Includes go down only: a file includes no header of a higher floor than its own.
#
# The first line of each header in interp/ and modules/ is "/* floor N: ...".  A .c file stands on the floor of the
# header of its name, or says another in its first line in the same way; a .def, which is a table for macros, has none.
# interp/ includes nothing from modules/, and modules/ takes of interp/ only what is installed, as a stranger's module
# would.
set -u
cd "${srcdir:-.}" || exit 99

# Reads every file once; then judges each include against the floors that the first lines gave.
# shellcheck disable=SC2046 # there may be no .def
complaints=$(awk '
  function stem(path) { sub(/^.*\//, "", path); sub(/\.[ch]$/, "", path); return path }
  function folder(path) { sub(/\/.*$/, "", path); return path }

  FNR == 1 {
    files[++count] = FILENAME
    if (match($0, /^\/\* floor [0-9]+: /))
      floor[FILENAME] = substr($0, 10, RLENGTH - 11) + 0
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    from[++includes] = FILENAME; line[includes] = FNR; what[includes] = part[2]
  }

  function floor_of(file) {
    if (file in floor) return floor[file]
    header = folder(file) "/" stem(file) ".h"
    return header in floor ? floor[header] : ""
  }

  # Where the included header is: in the file'"'"'s own folder, or in the other one.
  function find(file, name,   near, far) {
    near = folder(file) "/" name
    far = (folder(file) == "interp" ? "modules/" : "interp/") name
    if (known[near]) return near
    return known[far] ? far : ""
  }

  function judge(i,   file, header, place) {
    file = from[i]; place = file ":" line[i] ": "
    if (what[i] == "config.h" || what[i] == "library-calls.h") return # made by the build
    if (what[i] ~ /\//) { print place "includes \"" what[i] "\" by a path"; return }
    header = find(file, what[i])
    if (header == "") { print place "includes \"" what[i] "\", which is not there"; return }
    if (folder(header) != folder(file)) {
      if (folder(file) == "interp") print place "interp includes " header
      else if (!installed[header]) print place "a module includes " header ", which is not installed"
      return
    }
    if (floor_of(header) > floor_of(file))
      print place "floor " floor_of(file) " includes " header " of floor " floor_of(header)
  }

  END {
    installed["interp/carapace.h"] = installed["interp/native.h"] = installed["interp/types.h"] = 1
    for (i = 1; i <= count; i++) known[files[i]] = 1
    for (i = 1; i <= count; i++)
      if (floor_of(files[i]) == "" && files[i] !~ /\.def$/)
        print files[i] ":1: " (files[i] ~ /h$/ ? "the first line is not /* floor N: ... */" : "no header of its name, and no floor in its first line")
    for (i = 1; i <= includes; i++) judge(i)
  }
' interp/*.[ch] modules/*.[ch] $(find interp modules -name '*.def'))

echo 1..1
if [ -z "$complaints" ]; then
  echo 'ok 1 - includes go down only'
else
  echo 'not ok 1 - includes go down only'
  printf '%s\n' "$complaints" | sed 's/^/# /'
fi
