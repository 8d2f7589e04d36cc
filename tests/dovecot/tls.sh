#!/bin/sh
# Pop3 on TLS with a real dovecot: on the port where TLS begins at once, and where a faulty certificate is refused.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
certificates=$(pwd)/tests/tls/certificates
PATH=$PATH:/usr/sbin
here=$srcdir/tests/dovecot
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
# shellcheck source=dovecot.sh
. "$here/dovecot.sh"
new_box || exit 99
trap 'stop_dovecot; rm -rf "$work" "$box"' EXIT
"$certificates" "$work" || exit 99
cp server.pem "$box/server.pem"
certificate=$box/server.pem
echo 'fred:{PLAIN}hunter 2' >"$box/users"
mkdir -p "$mail/fred/Maildir"
python3 "$here/mailbox.py" "$mail/fred/Maildir" >sent
if ! start_dovecot; then
  show_dovecot
  echo '1..1'
  echo 'not ok 1 - dovecot starts'
  exit 0
fi

# script PORT SETTINGS FORM...
script() {
  cat >script.crp <<END
(set box (buildCommsStack "pop3s://fred@127.0.0.1:$1?serverName=mail.example.org&caFile=ca.pem$2"))
(box.password "hunter 2")
$3
END
}

refused='(try (box.connect) (catch -1 (print (join (list err.class "." err.code " " err.text)))))'

{
  script "$tls_port" '' '(box.connect) (print (box.get "secure") (box.get "tlsVersion") (headOf box.mailboxStatus))
(box.disconnect)'
  run script.crp
  is 'a mailbox behind TLS' 0 'true
TLSv1.3
20
'
  script "$tls_port" '' '(box.connect) (for pair box.listMailbox (set text (box.fetch pair.head))
    (print (join (list pair.head text.length text.sha256.hex) " ")))
(box.disconnect)'
  run script.crp
  diff sent out >difference
  verdict '20 awkward messages come byte for byte' $?
  script "$port" '' "$refused"
  run script.crp
  grep -q '^6\.9 Tls: the peer does not speak TLS: it answered "+OK' out
  verdict 'the port that begins in clear is told by its greeting' $?
  script "$tls_port" '&caFile=other-ca.pem' "$refused"
  run script.crp
  grep -q '^6\.9 Tls: the server.s certificate is refused' out
  verdict 'a certificate of somebody else'"'"'s CA is refused' $?
  script "$port" '' '(set box (buildCommsStack "tcp://127.0.0.1:'"$port"'")) (box.push (create Util)) (box.connect)
(print ((box.receiveLine).startsWith "+OK"))
(box.send "STLS\r\n") (print ((box.receiveLine).startsWith "+OK"))
(box.startTls (create Tls (list (list "serverName" "mail.example.org") (list "caFile" "ca.pem"))))
(box.send "USER fred\r\n") (print (box.receiveLine))
(box.send "QUIT\r\n") (box.receiveLine) (print (box.get "secure")) (box.disconnect)'
  run script.crp
  is 'a connection that began in clear goes on encrypted' 0 'true
true
+OK
true
'
  # Each mechanism in clear (to this machine), behind STLS and behind TLS; the password is in no log, whatever its form.
  cat >mechanisms.crp <<END
(local (box CommsStack) (log Log (create Log "talk")) (text String))
(log.levels "debug,trace,com,db,pdus,script,production")
(for how '(("clear" "pop3" $port "none") ("stls" "pop3" $port "required") ("tls" "pop3s" $tls_port "required"))
    (for auth '("auto" "user" "apop" "PLAIN" "LOGIN" "CRAM-MD5" "SCRAM-SHA-1" "SCRAM-SHA-256")
        (set box (buildCommsStack (format "%s://fred@127.0.0.1:%d" (how.get 1) (how.get 2))))
        (box.insert (create Record '((file "recorded"))) "Util")
        (if (== how.head "tls") (do (box.set "serverName" "mail.example.org") (box.set "caFile" "ca.pem")))
        (box.set "tls" (create Tls '((caFile "ca.pem") (serverName "mail.example.org"))))
        (box.security (how.get 3))
        (box.auth auth)
        (box.log log)
        (if (== auth "apop") (box.secret "hunter 2") (box.password "hunter 2"))
        (box.connect)
        (print (join (list how.head auth (box.mailboxStatus).head
            (if (box.capabilities.member "PIPELINING") "pipelining" "no pipelining")) " "))
        (box.disconnect)
        (if (== auth "apop") (box.secret "hunter 3") (box.password "hunter 3"))
        (print (try (box.connect) (catch "110.3" "refused")))))
(log.close)
(set text (+ (readFile "talk.log") (readFile "recorded")))      # of the last session
(for form '("hunter" "aHVudGVyI" "h1bnRlciA" "odW50ZXIg") (if (text.contains form) (print "there is " form)))
END
  run mechanisms.crp
  for how in clear stls tls; do
    for auth in auto user apop PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256; do printf '%s\n' "$how $auth 20 pipelining" refused; done
  done >expected
  diff expected out >difference
  verdict 'each mechanism logs on, in clear, behind STLS and behind TLS, and no record has the password' $?
  sed 's/^/# /' difference err | head -n 20
  done_testing
} >tap.out
cat tap.out
if grep -q '^not ok' tap.out; then
  show_dovecot
fi
