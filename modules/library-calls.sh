#!/bin/sh
# Writes library-calls.h, by which a library calls the table of functions.h: library-calls.sh FUNCTIONS HEADER...
#
# FUNCTIONS names what is in the table, the HEADERs declare it.  Each name gets a function that calls the table; one
# with "..." calls the function of the same name with a v, which takes a va_list.  What is declared and not in the
# table, or in the table and not declared, is an error.
set -eu

table=$1
shift
exec awk -v table="$table" '
  # The parts of a declaration: its words, but for what says no more than the class of a thing.
  function is_named(parameter,   words, n, i, last, kept) {
    gsub(/\[[^]]*\]/, "", parameter)
    gsub(/\*/, " ", parameter)
    n = split(parameter, words, /[ \t\n]+/)
    for (i = 1; i <= n; i++)
      if (words[i] != "" && words[i] !~ /^(const|struct|enum|unsigned|signed)$/) { last = words[i]; kept++ }
      else if (words[i] ~ /^(unsigned|signed)$/) kept++
    return kept > 1 && last !~ /^(char|short|int|long)$/
  }

  function name_of(parameter) {
    sub(/\[[^]]*\]/, "", parameter)
    sub(/[ \t\n]+$/, "", parameter)
    sub(/^.*[ \t\n*]/, "", parameter)
    return parameter
  }

  # Remembers one declaration, if it is that of a function.
  function declare(text,   at, head, inside, list, n, i, name, type, parameters, arguments) {
    gsub(/[ \t\n]+/, " ", text)
    sub(/^ /, "", text)
    if (text ~ /^(typedef|extern|static|struct|enum) / || !match(text, /crp_[a-z0-9_]+ ?\(/)) return
    head = substr(text, 1, RSTART - 1)
    name = substr(text, RSTART, RLENGTH)
    sub(/ ?\($/, "", name)
    inside = substr(text, RSTART + RLENGTH)
    sub(/\) *$/, "", inside)
    sub(/ $/, "", head)
    n = split(inside, list, ",")
    for (i = 1; i <= n; i++) {
      sub(/^ /, "", list[i])
      if (list[i] == "...") { variadic[name] = 1; parameters = parameters ", ..."; continue }
      if (!is_named(list[i])) list[i] = list[i] (list[i] ~ /\*$/ ? "" : " ") "a" i
      parameters = parameters (i > 1 ? ", " : "") list[i]
      arguments = arguments (i > 1 ? ", " : "") name_of(list[i])
      last_name[name] = name_of(list[i])
    }
    declared[++count] = name
    heads[name] = head; parts[name] = parameters; hands[name] = arguments
  }

  FNR == 1 { statement = ""; depth = 0; comment = 0; macro = 0 }
  FILENAME == table {
    if (match($0, /^ *X\(crp_[a-z0-9_]+\)/)) {
      name = $0
      sub(/^ *X\(/, "", name); sub(/\).*$/, "", name)
      order[++rows] = name; listed[name] = 1
    }
    next
  }
  /^#ifdef __cplusplus/ { cxx = 1 }
  cxx { cxx = !/^#endif/; next }
  macro || /^[ \t]*#/ { macro = /\\$/; next }
  {
    line = $0
    while (line != "") {
      if (comment) {
        at = index(line, "*/")
        if (!at) break
        line = substr(line, at + 2); comment = 0
        continue
      }
      at = index(line, "/*")
      if (at) { rest = substr(line, at + 2); line = substr(line, 1, at - 1) }
      n = length(line)
      for (i = 1; i <= n; i++) {
        c = substr(line, i, 1)
        if (c == "{") depth++
        else if (c == "}") { if (!--depth && statement ~ /static/) statement = "" }
        else if (c == ";" && !depth) { declare(statement); statement = "" }
        else if (!depth) statement = statement c
      }
      statement = statement " "
      if (!at) break
      line = rest; comment = 1
    }
  }

  function complain(text) { print "library-calls.sh: " text | "cat 1>&2"; bad = 1 }

  # The function of the same name with a v, which takes a va_list.
  function with_v(name) { sub(/^crp_/, "crp_v", name); return name }

  function write_call(name,   void) {
    void = heads[name] == "void"
    printf "\nCRP_CALL %s%s%s(%s)\n{\n", heads[name], heads[name] ~ /\*$/ ? "" : " ", name, parts[name]
    if (variadic[name]) {
      printf "    va_list list;\n    va_start(list, %s);\n", last_name[name]
      printf "    %s answer = crp_functions_of_library->%s(%s, list);\n", heads[name], with_v(name), hands[name]
      printf "    va_end(list);\n    return answer;\n}\n"
    } else printf "    %scrp_functions_of_library->%s(%s);\n}\n", void ? "" : "return ", name, hands[name]
  }

  END {
    print "/* Made by modules/library-calls.sh from the headers of native code; changes here are lost. */"
    for (i = 1; i <= count; i++) {
      if (variadic[declared[i]] && !listed[with_v(declared[i])]) complain(declared[i] " needs " with_v(declared[i]) " in the table")
      if (!variadic[declared[i]] && !listed[declared[i]]) complain(declared[i] " is in no row of " table ": it belongs at the end")
      known[declared[i]] = 1
    }
    for (i = 1; i <= rows; i++) if (!known[order[i]]) complain(order[i] " is in " table " and in no header")
    if (bad) exit 1
    for (i = 1; i <= count; i++) write_call(declared[i])
  }
' "$table" "$@"
