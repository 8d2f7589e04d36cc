#!/bin/sh
# What README shows is what happens: its commands, its session at the prompt and its C program.
#
# In its blocks a line `$ COMMAND` is run, one like `3> FORM` is typed at the prompt, and the lines that follow must come;
# `...` stands for any lines, and `$ cat FILE` shows what the FILE is to hold.  The port and the folders are ours.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
build=$(pwd)
. "${srcdir:-.}/tests/cli/tap.sh"

# Each command with what it prints: files 1.command, 1.expected and so on; the session goes to `session`.
LC_ALL=C awk '
  /^```/ { inside = !inside; name = ""; if (!inside && prompt) { prompt = 0 } next }
  !inside { next }
  /^\$ / {
    if (name != "") close(name)
    if ($2 == "cat") name = $3
    else {
      print substr($0, 3) > (++count ".command")
      close(count ".command")
      name = count ".expected"
    }
    printf "" > name
    next
  }
  /^[0-9]+> / {
    form = $0
    sub(/^[0-9]+> /, "", form)
    gsub(/\\/, "\\\\", form)
    see = see "\\n" $1 " "
    if (typed) print "see " see > "session"
    print "keys " form "\\r" > "session"
    see = ""
    typed = $1 + 0
    prompt = 1
    next
  }
  prompt { line = $0; gsub(/\\/, "\\\\", line); see = see "\\n" line; next }
  name != "" { print > name }
  END { if (typed) print "see " see "\\n" typed + 1 "> " > "session" }
' "$top/README.md"

# matches FILE EXPECTED: line by line, where a line `...` is any number of lines.
matches() {
  LC_ALL=C awk '
    NR == FNR { want[++wants] = $0; next }
    { got[++gots] = $0 }
    function fits(i, j) {
      for (; i <= wants; i++) {
        if (want[i] == "...") {
          for (; j <= gots + 1; j++) if (fits(i + 1, j)) return 1
          return 0
        }
        if (j > gots || got[j++] != want[i]) return 0
      }
      return j > gots
    }
    END { exit !fits(1, 1) }
  ' "$2" "$1"
}

# The port is a free one, and what README calls build is where we are.
port=0
ours() {
  sed "s|11000|$port|g; s|build/carapace|\"\$CARAPACE\"|; s|stdlib/|$top/stdlib/|; s|docs/|$top/docs/|; s|^\./quickstart|\"\$CARAPACE\" $top/stdlib/collect.crp|" "$1"
}

start_server() {
  ours "$1" >serve
  mkfifo control
  : >said
  sh -c '. ./serve' <control >said 2>err &
  exec 9>control
  tries=200
  until [ "$(wc -l <said)" = 2 ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
  port=$(sed -n '1s/.*://p' said)
  ours "$2" | cmp -s - said
}

# They stand in for an installed library, and for what configure chose.
mkdir bin include
ln -s "$top/interp" include/carapace
cat >bin/pkg-config <<END
#!/bin/sh
echo '-I include -L $build/.libs -lcarapace -Wl,-rpath,$build/.libs'
END
cat >bin/cc <<END
#!/bin/sh
exec ${CC:-gcc} "\$@"
END
chmod +x bin/pkg-config bin/cc
PATH=$work/bin:$PATH

# What only a build with a shared library, or with the line editor, can do is left out in another.
possible() {
  case $1 in
    cc\ * | *./host*) [ -f "$build/.libs/libcarapace.so" ] ;;
  esac
}

unset COLUMNS
status=0
: >out
: >err
i=1
while [ -f "$i.command" ]; do
  said=$(cat "$i.command")
  case $said in
    *pop3server.crp*) holds "\$ $said" start_server "$i.command" "$i.expected" ;;
    *)
      if possible "$said"; then
        ours "$i.command" >command
        . ./command >out 2>err </dev/null
        status=$?
        ours "$i.expected" >expected
        holds "\$ $said" matches out expected
      fi
      ;;
  esac
  i=$((i + 1))
done
holds 'README has commands' test "$i" -gt 5

if [ -f "$build/.libs/carapace-readline.so" ]; then
  {
    echo start
    echo 'see 1> '
    ours session
    echo 'keys \x04'
    echo 'end 0'
  } >readme.session
  "$build/tests/run-repl" readme.session >out 2>err
  status=$?
  holds 'the session at the prompt' grep -q '^ok 1' out
fi

exec 9>&-
done_testing
