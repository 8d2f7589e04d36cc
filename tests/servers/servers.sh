#!/bin/sh
# Pop3 with servers that are not dovecot: mailutils, from its logon on; courier, whose part that does the logon needs a
# daemon, after it.  Both speak on their standard input and output, below a Process.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
PATH=$PATH:/usr/sbin
build=$(pwd)
# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
here=$srcdir/tests/servers

# skip SENTENCE REASON
skip() {
  number=$((number + 1))
  echo "ok $number - $1 # SKIP $2"
}

# Four messages in the folder sent: dots, 8-bit bytes, a long line, no body.
make_messages() {
  mkdir sent
  printf 'From: a@example.org\nSubject: one\n\nHello.\n.\n..\n.dot\nbye\n' >sent/1.eml
  printf 'From: a@example.org\nSubject: two\n\n\303\274\377\001 8 bits\n' >sent/2.eml
  {
    printf 'From: a@example.org\nSubject: three\n\n'
    awk 'BEGIN { for (i = 0; i < 30000; i++) printf "x"; print "" }'
  } >sent/3.eml
  printf 'From: a@example.org\nSubject: four\n\n' >sent/4.eml
}

# play SERVER COMMAND...: the session, each of its sentences with the server's name.
play() {
  server=$1
  shift
  run "$here/session.crp" "$@"
  [ "$status" = 0 ] && [ ! -s err ] && grep -q '^1\.\.' out
  verdict "$server: the session is played to its end" $?
  awk -v from="$number" -v name="$server" '
    /^(not )?ok [0-9]+ - / { sub(/[0-9]+ - /, ++from " - " name ": "); print }' out >sentences
  cat sentences
  number=$((number + $(wc -l <sentences)))
}

# A domain of its own, whose users stand in a file; the mailbox is INBOX in the home.
play_mailutils() {
  if ! pop3d --version 2>/dev/null | grep -q Mailutils; then
    skip 'mailutils: the session is played to its end' 'there is no mailutils-pop3d'
    return
  fi
  mkdir users mailutils
  printf 'fred:%s:%s:%s:Fred:%s:/bin/sh\n' "$(openssl passwd -6 pw)" "$(id -u)" "$(id -g)" "$work/mailutils" >users/example.org
  for message in sent/*.eml; do
    echo 'From a@example.org Thu Jan  1 00:00:00 2026'
    cat "$message"
    echo
  done >mailutils/INBOX
  cat >mailutils.conf <<CONF
auth { authorization virtdomain; authentication generic; };
virtdomain { passwd-dir $work/users; };
CONF
  play mailutils fred@example.org "$work/sent" pop3d --no-config "--config-file=$work/mailutils.conf" --inetd
}

# The logon is the script's, which knows nobody; then courier goes on, and its greeting is the answer to PASS.
play_courier() {
  peers=$build/peers
  [ -d "$peers" ] || peers=$build/../peers
  if [ ! -x "$peers/usr/lib/courier/courier/courierpop3d" ]; then
    skip 'courier: the session is played to its end' 'there is no courier: quickstart check unpacks it'
    return
  fi
  mkdir -p Maildir/new Maildir/cur Maildir/tmp
  for message in sent/*.eml; do
    cp "$message" "Maildir/cur/170000000$(basename "$message" .eml).a.example:2,"
  done
  cat >courier <<'SCRIPT'
#!/bin/sh
answer() { printf '%s\r\n' "$@"; }
answer '+OK courier'
while read -r line; do
  case $line in
    USER*) answer '+OK' ;;
    CAPA*) answer '+OK' USER . ;;
    PASS*) break ;;
    *) answer '-ERR' ;;
  esac
done
exec "$1/usr/lib/courier/courier/courierpop3d" Maildir 2>/dev/null
SCRIPT
  AUTHENTICATED=fred MAILDIR=$work/Maildir LD_LIBRARY_PATH=$peers/usr/lib
  export AUTHENTICATED MAILDIR LD_LIBRARY_PATH
  play courier fred "$work/sent" sh courier "$peers"
}

make_messages
play_mailutils
play_courier
done_testing
