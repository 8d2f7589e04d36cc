#!/bin/sh
# Pop3 against a real dovecot: every method gives what Python's poplib gives, and awkward messages come
# byte for byte.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
PATH=$PATH:/usr/sbin
for needed in dovecot python3; do
  if ! command -v "$needed" >/dev/null 2>&1; then
    echo "1..0 # SKIP there is no $needed"
    exit 0
  fi
done
case $(dovecot --version) in
  2.3.*) ;;
  *)
    echo '1..0 # SKIP its configuration is for dovecot 2.3'
    exit 0
    ;;
esac
if [ "$(id -u)" = 0 ] && ! command -v setpriv >/dev/null 2>&1; then
  echo '1..0 # SKIP dovecot does not run as root, and there is no setpriv'
  exit 0
fi
if ! id -un >/dev/null 2>&1; then
  echo '1..0 # SKIP dovecot wants users to have names'
  exit 0
fi

# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
here=$srcdir/tests/dovecot
# shellcheck source=dovecot.sh
. "$here/dovecot.sh"
new_box || exit 99
trap 'stop_dovecot; rm -rf "$work" "$box"' EXIT

for name in fred ann joe tom; do
  echo "$name:{PLAIN}hunter 2"
done >"$box/users"
mkdir -p "$mail/joe/Maildir" "$mail/tom/Maildir"
python3 "$here/mailbox.py" "$mail/fred/Maildir" >sent
cp -R "$mail/fred" "$mail/ann"
if ! start_dovecot; then
  show_dovecot
  echo '1..1'
  echo 'not ok 1 - dovecot starts'
  exit 0
fi

# script FORM...: the text of a script that has a Pop3 `p` for the user $who on a stack `box`.
script() {
  cat <<END
(set box (buildCommsStack (list "Pop3" "Util" "Tcp") (list (list "host" "127.0.0.1") (list "port" $port)
    (list "user" "$who") (list "password" "hunter 2"))))
(set p box.top)
$*
END
}

# check SENTENCE OUTPUT FORM...: what that script prints.
check() {
  sentence=$1
  expected=$2
  shift 2
  script "$@" >script.crp
  run script.crp
  is "$sentence" 0 "$expected
"
}

compare() {
  python3 "$here/answers.py" "$port" fred 'hunter 2' >poplib 2>poplib.err
  run "$here/answers.crp" list "$port" fred 'hunter 2'
  sed -n 's/^fetched //p' out | diff sent - >difference
  verdict '20 awkward messages come byte for byte' $?
  for how in list url bare apop script; do
    run "$here/answers.crp" "$how" "$port" fred 'hunter 2'
    [ "$status" = 0 ] && [ ! -s err ] && diff poplib out >difference
    good=$?
    verdict "all methods give what poplib gives, stack made by: $how" "$good"
    if [ "$good" != 0 ]; then
      sed 's/^/# /' poplib.err difference | head -n 40
    fi
  done
}

# dovecot takes its time to find a mailbox in use, so this runs beside the rest.
begin_in_use() {
  who=tom
  script '(box.connect)
  (set q (create Pop3)) (q.user "tom") (q.password "hunter 2")
  (set s (create Stack)) (s.push (create Tcp (list (list "host" "127.0.0.1") (list "port" (box.get "port")))))
  (s.push (create Util)) (q.stack s)
  (try (q.connect) (catch -1 (print (join (list err.class " " err.code)))))
  (box.disconnect)' >in-use.crp
  "$CARAPACE" in-use.crp >in-use.out 2>in-use.err &
  in_use=$!
}

end_in_use() {
  wait "$in_use"
  status=$?
  mv in-use.out out
  mv in-use.err err
  is 'a mailbox that is in use is error 110.5' 0 '110 5
'
}

behave() {
  who=ann
  check 'a wrong password is error 110.3' '110 3' '(p.password "wrong")
  (try (box.connect) (catch -1 (print (join (list err.class " " err.code)))))'
  check 'a wrong secret is error 110.3' '110 3' '(p.secret "wrong")
  (try (p.connect) (catch -1 (print (join (list err.class " " err.code)))))'
  check 'what is marked as deleted is not counted' '19' '(box.connect) (p.delete 1)
  (print ((p.mailboxStatus).head))'
  check 'what was marked stays without QUIT' '20' '(box.connect)
  (print ((p.mailboxStatus).head)) (box.disconnect)'
  check 'what was marked goes with QUIT' '18
18' '(box.connect) (p.delete 3) (p.delete 20) (print ((p.mailboxStatus).head)) (box.disconnect)
  (box.connect) (print ((p.mailboxStatus).head)) (box.disconnect)'
  who=joe
  check 'an empty mailbox is one of empty lists' '(0 0)
()
()' '(box.connect) (print (p.mailboxStatus) (p.listMailbox) (p.listMailboxUID)) (box.disconnect)'
  check 'the timestamp is that of the greeting' 'true' '(box.connect)
  (print (p.greeting.endsWith p.connectionTimestamp)) (box.disconnect)'
  who=fred
  check 'no password is in a log of everything' '()' '(box.log (create Log "all"))
  ((box.log).levels "debug,trace,com,db,pdus,script,production")
  (box.connect) (p.fetch 1) (box.disconnect)
  (set b (create Buffer 100)) (b.fromFile "all.log") (print (b.string.contains "hunter"))'
}

{
  begin_in_use
  compare
  behave
  end_in_use
  done_testing
} >tap.out
cat tap.out
if grep -q '^not ok' tap.out; then
  show_dovecot
fi
