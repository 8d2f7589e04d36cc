#!/bin/sh
# Writes the C table that holds the standard library: embed.sh FOLDER FILE...
#
# A FILE may name its folder or not; what counts is its path below FOLDER, which is the name that `load` looks for.
# od and sed turn bytes into numbers, so the text of a script may hold anything.
set -eu
LC_ALL=C
export LC_ALL

folder=$1
shift

cat <<'END'
/* Made by stdlib/embed.sh from the scripts in stdlib/; changes here are lost. */
#include <stddef.h>

struct crpi_stdlib_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};
extern const struct crpi_stdlib_file crpi_stdlib[];
END

number=0
for file; do
  printf '\nstatic const unsigned char file_%d[] = {\n' "$number"
  od -An -v -tu1 "$folder/${file#stdlib/}" | sed 's/  */,/g; s/^,//; s/$/,/'
  # An array has at least one item, so each file ends with a zero that its size leaves out.
  printf '0};\n'
  number=$((number + 1))
done

printf '\nconst struct crpi_stdlib_file crpi_stdlib[] = {\n'
number=0
for file; do
  printf '    {"%s", file_%d, sizeof file_%d - 1},\n' "${file#stdlib/}" "$number" "$number"
  number=$((number + 1))
done
printf '    {NULL, NULL, 0}\n};\n'
