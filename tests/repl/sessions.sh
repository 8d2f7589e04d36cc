#!/bin/sh
# The sessions at the prompt.  Without the readline front only those that do without it are played.
set -u

sessions=${srcdir:-.}/tests/repl
if [ -f "$(dirname "${CARAPACE:-./carapace}")/${objdir:-.libs}/carapace-readline.so" ]; then
  exec ./tests/run-repl "$sessions"/*.session
fi
exec ./tests/run-repl "$sessions"/without-an-editor-*.session
