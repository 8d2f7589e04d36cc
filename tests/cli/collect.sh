#!/bin/sh
# The main job: collect.crp brings mail home, from its own server and from any other.
set -u
stdlib=$(cd "${srcdir:-.}/stdlib" && pwd) || exit 99
build=$(pwd)
. "${srcdir:-.}/tests/cli/tap.sh"

unset COLUMNS

# The processes that run a pop3server.crp in this folder.
servers() {
  for file in $(grep -ls pop3server /proc/[0-9]*/cmdline); do
    if [ "$(readlink "${file%/cmdline}/cwd" 2>/dev/null)" = "$work" ]; then
      echo "$file"
    fi
  done
}

# soon COMMAND...: it succeeds within ten seconds.
soon() {
  tries=200
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

no_server() { [ -z "$(servers)" ]; }
has_files() { [ "$(find "$1" -type f 2>/dev/null | wc -l)" = "$2" ]; }
last_line() { [ "$(tail -n 1 out)" = "$1" ]; }

collect() {
  run "$stdlib/collect.crp" "$@"
}

# --- from its own server -------------------------------------------------------------------------------------

whole='25 messages, 1184182 bytes, 0 failed, in build/mail'
collect
holds 'without arguments it fetches the sample' test "$status" = 0
holds 'its last line says what came home' last_line "$whole"
holds 'nothing is said on stderr' test ! -s err
holds 'every message is a file' has_files build/mail/new 25
holds 'nothing is left in tmp' has_files build/mail/tmp 0
holds 'the greeting is shown first' sh -c 'head -n 1 out | grep -q "^+OK Carapace"'
holds 'then number and size' sh -c 'sed -n 2p out | grep -qx "25 messages, 1184182 bytes"'
holds 'subjects and names are decoded' grep -q '^ 2     446 utf-8 .*Jürgen Groß .*Grüße aus Köln$' out
holds 'what would lead a terminal astray is not shown' sh -c '! LC_ALL=C grep -q "[^ -~]" out.plain' \
  "$(LC_ALL=C tr -d '\n\200-\377' <out >out.plain)"
holds 'no server is left' soon no_server

mkdir other
cp build/mail/new/* other/
collect
holds 'a second time the Maildir is emptied first' has_files build/mail/new 25
holds 'and has files of other names' sh -c 'for f in other/*; do [ ! -e "build/mail/new/${f#*/}" ] || exit 1; done'

echo mine >build/mail/cur/mine
collect
fails 'what it has not made it does not remove' 1 'build/mail/cur/mine is not a message that was collected'
holds 'and then it removes nothing' has_files build/mail/new 25
rm build/mail/cur/mine

COLUMNS=50 collect
holds 'no line of the table is wider than the terminal' \
  sh -c '! sed "1,2d; \$d" out | LC_ALL=C.UTF-8 grep -q "^.\{51\}"'

# On a terminal of its own: tests/run-repl.c says what the lines mean.
session() {
  cat >"$1.session"
  "$build/tests/run-repl" "$1.session" >out 2>err
  status=$?
  grep -q '^ok 1' out
}
holds 'on a terminal a bar grows' session bar <<END
args $stdlib/collect.crp
start
see 0 of 25
see ###
see 24 of 25
see 0 failed, in build/mail
end 0
END

# --- interrupted ---------------------------------------------------------------------------------------------

# Nobody reads what it prints, and wide lines fill the pipe: so it stands still in the middle.
mkfifo full
exec 8<>full
interrupted() {
  rm -rf build
  COLUMNS=60000 env --default-signal=INT "$CARAPACE" "$stdlib/collect.crp" >full 2>err <input &
  child=$!
  soon sh -c '[ -n "$(ls build/mail/new 2>/dev/null)" ]'
  sleep 0.2
  [ -n "$(servers)" ] || return 1
  kill -s "$1" "$child"
  wait "$child" 2>/dev/null
  status=$?
  [ "$status" = "$2" ] && soon no_server
}
: >out
for signal in INT:130 TERM:143 KILL:137; do
  holds "ended by SIG${signal%:*} it leaves no server" interrupted "${signal%:*}" "${signal#*:}"
done
holds 'and no part of a message' has_files build/mail/tmp 0
exec 8<&-

# --- servers that spoil messages -----------------------------------------------------------------------------

# with_server: collect.crp with a server that standard input changes.
mkdir bad
printf '(load "%s/collect.crp")\n' "$stdlib" >bad/collect.crp
with_server() {
  {
    printf '(set ::CommandLine ())\n(load "%s/pop3server.crp")\n' "$stdlib"
    cat
    printf '(pop3ServerMain ())\n'
  } >bad/pop3server.crp
  rm -rf build
  run bad/collect.crp
}

with_server <<'END'
(defun String pop3Body ((first String) (text String))
    (join (list first ((text.replace "\r\n." "\r\n..").replace "new place" "old place") ".\r\n")))
END
holds 'a message that was changed is a failure' test "$status" = 1
holds 'which says where it begins' \
  grep -q '^message 1: differs from the original at byte 207; it has 272 bytes, the original 272$' out
holds 'and is counted' last_line '25 messages, 1184182 bytes, 1 failed, in build/mail'

with_server <<'END'
(defun String Pop3Session::retr ((argument String))
    (if (== argument "3")
        (do
            (this.stack.send "+OK\r\nFrom: somebody\r\nSubject: half a mess")
            (this.stack.disconnect)))
    (pop3Body "+OK\r\n" ((this.message argument).bytes)))
END
holds 'after the end of the connection the rest fails' last_line '25 messages, 718 bytes, 23 failed, in build/mail'
holds 'what was cut is not stored' has_files build/mail 2
holds 'that is status 1' test "$status" = 1
holds 'and an error that is shown' grep -q '^message 3: error 6.3: ' out

with_server <<'END'
(defun String Pop3Session::retr ((argument String))
    (if (== argument "3") (pop3Refuse "not \e[31mtoday"))
    (pop3Body "+OK\r\n" ((this.message argument).bytes)))
END
holds 'a message that the server refuses is the only one that fails' \
  last_line '25 messages, 1183791 bytes, 1 failed, in build/mail'
holds 'and its words are made harmless' sh -c '! grep -q "$(printf "\033")" out'

with_server <<'END'
(defun String Pop3Session::uidl ((argument String)) (pop3Refuse "no such command"))
END
holds 'a server need not have UIDL' last_line "$whole"

with_server <<'END'
(throw (create Error 1 1 "no server today"))
END
holds 'a server that does not start is an error' test "$status" = 1
holds 'whose reason is shown' grep -q 'no server today' err

# --- from any server -----------------------------------------------------------------------------------------

mkfifo control
: >address
"$CARAPACE" "$stdlib/pop3server.crp" <control >address 2>err &
server=$!
exec 9>control
soon grep -q password address
url=$(sed -n 1p address)
password=$(sed -n 's/^password //p' address)

echo "$password" >input
collect "$url" mine
holds 'with URL and MAILDIR it fetches from there' last_line '25 messages, 1184182 bytes, 0 failed, in mine'
holds 'the password is not in what it prints' sh -c '! grep -q "$1" out err' - "$password"
collect "$url?allowPlaintext=true" mine/
holds 'it adds to a Maildir, and deletes nothing on the server' has_files mine/new 50
echo wrong >input
collect "$url" mine
fails 'a wrong password is an error' 1 '^collect: error 110.3: '
: >input
CARAPACE_PASSWORD_COMMAND="echo $password; echo more" collect "$url" mine
holds 'a command may print the password' last_line '25 messages, 1184182 bytes, 0 failed, in mine'
cat >config <<END
[Services/Here]
modules = "Pop3,Util,Tcp"
host = "127.0.0.1"
port = ${url##*:}
user = "fred"
passwordCommand = "echo $password"
END
CARAPACE_CONFIG=config collect Here mine
holds 'a service of the configuration is as good as a URL' test "$status" = 0

holds 'the password is asked for without echo' session asked <<END
args $stdlib/collect.crp $url mine
start
see Password for fred at 127.0.0.1: 
keys $password\\r
see 0 failed, in mine
end 0
never $password
END
holds 'and the question can be interrupted' session interrupted <<END
args $stdlib/collect.crp $url mine
start
see Password for fred at 127.0.0.1: 
keys \\x03
end signal 2
END

collect "pop3://fred:secret@127.0.0.1:${url##*:}" mine
fails 'a password on the command line is refused' 1 'does not belong on the command line'
collect "$url"
fails 'one argument is wrong use' 2 'expected no arguments, or URL and MAILDIR'
collect pop3://127.0.0.1:1 mine
fails 'a URL without a user is refused' 1 'expected pop3://USER@HOST:PORT'
collect tcp://127.0.0.1:1 mine
fails 'a stack without Pop3 is refused' 1 'is no POP3 server'
echo x >input
collect pop3://fred@127.0.0.1:1 mine
fails 'a port that is closed is an error' 1 '^collect: error 6.2: .*127.0.0.1.*connection refused'

exec 9>&-
wait "$server"
status=$?
holds 'the server ends with its standard input' test "$status" = 0

# A server without APOP on an address that is not loopback, where this machine has one.
cat >open.crp <<'END'
(set listener (create Tcp))
(listener.listen)
(print listener.localPort)
(sleep 0)
(while true
    (set peer (listener.accept))
    (peer.send "+OK\r\n")
    (try (while (peer.receive 5000) (peer.send "-ERR\r\n")) (catch 6 ())))
END
address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep '^[0-9.]*$' | head -n 1)
if [ -n "$address" ]; then
  "$CARAPACE" open.crp >port 2>/dev/null <input &
  server=$!
  soon test -s port
  collect "pop3://fred@$address:$(cat port)" mine
  fails 'a password goes in clear to this machine only, and the refusal says how else' 1 \
    'error 110.9: the password was not sent: .*APOP; .*?allowPlaintext=true'
  kill "$server"
  wait "$server" 2>/dev/null
fi

done_testing
