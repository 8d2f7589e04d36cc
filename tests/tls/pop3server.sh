#!/bin/sh
# pop3server.crp with a certificate: STLS in the middle of a connection, TLS from its beginning, many clients at once.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
certificates=$(pwd)/tests/tls/certificates
stdlib=$srcdir/stdlib
# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
"$certificates" "$work" || exit 99
PASSWORD=xyz
export PASSWORD
mkfifo control

# start_server ARG...: leaves its process in $server and its port in $port; its stdin is descriptor 9.
start_server() {
  : >said
  "$CARAPACE" "$stdlib/pop3server.crp" -certificate server.pem "$@" <control >said 2>server.err &
  server=$!
  exec 9>control
  tries=400
  until grep -q password said; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.05
  done
  port=$(sed -n '1s/.*://p' said)
}

end_server() {
  exec 9>&-
  wait "$server"
}

cat >client.crp <<'END'
(local (port Integer ((::Arguments.head).integer)) (box CommsStack))
(defun CommsStack open ()
    (set box (buildCommsStack '("Util" "Tcp") (list '(host "127.0.0.1") (list 'port port))))
    (box.connect)
    (box.receiveLine 20000)
    box)
(defun String ask ((command String)) (box.send (+ command "\r\n")) (box.receiveLine 20000))
(defun List askAll ((command String))
    (local (lines List) (line String (ask command)))
    (while (!= line ".") (lines.endCons line) (set line (box.receiveLine 20000)))
    lines)
(defun Tls tls () (create Tls '((caFile "ca.pem") (serverName "mail.example.org"))))
END

start_server
cat client.crp - >stls.crp <<'END'
(open)
(print (if ((askAll "CAPA").member "STLS") "offered" "not offered"))
(ask "USER fred")
(print (ask "STLS"))
(box.startTls (tls))
(print (box.get "secure"))
(print (if ((askAll "CAPA").member "STLS") "offered" "not offered"))
(print (ask "PASS xyz"))
(print (ask "STLS"))
(ask "USER fred")
(print (ask "PASS xyz"))
(print (ask "STAT"))
(print (ask "STLS"))
(print (ask "QUIT"))
END
run stls.crp "$port"
is 'STLS makes the connection a TLS one, and what was said before is forgotten' 0 'offered
+OK begin TLS
true
not offered
-ERR USER comes first
-ERR TLS is active already
+OK 25 messages
+OK 25 1184182
-ERR STLS is not possible now
+OK goodbye
'

cat client.crp - >injected.crp <<'END'
(open)
(box.send "STLS\r\nUSER fred\r\n")
(print (box.receiveLine 20000))
(try (box.startTls (tls)) (catch 6 (print "refused")))
(open)
(print (ask "NOOP"))
END
run injected.crp "$port"
is 'what came behind STLS in clear ends the session, and no other one' 0 '+OK begin TLS
refused
-ERR NOOP is not possible now
'
end_server

start_server -tls -user fred -user ann -user joe
cat >many.crp <<'END'
(local (port Integer ((::Arguments.head).integer)))
(defun List one ((user String))
    (with (box (buildCommsStack (format "pop3s://%s@127.0.0.1:%d?caFile=ca.pem&serverName=mail.example.org" user port)))
        (box.password "xyz")
        (box.connect)
        (list user (box.mailboxStatus).head ((box.fetch 1).length))))
(print (all (map (lambda (user) (task (one user))) '("fred" "ann" "joe"))))
END
run many.crp "$port"
is 'several users at once, on TLS from the first byte on' 0 '(("fred" 25 272) ("ann" 25 272) ("joe" 25 272))
'

cat >wrong.crp <<'END'
(local (port Integer ((::Arguments.head).integer)))
(set box (buildCommsStack (format "pop3s://fred@127.0.0.1:%d?caFile=ca.pem" port)))
(box.password "xyz")
(try (box.connect) (catch "6.9" (print "refused")))
END
run wrong.crp "$port"
is 'a certificate for another name is refused before the password is sent' 0 'refused
'
end_server
holds 'the servers have nothing to complain of' [ ! -s server.err ]

run "$stdlib/pop3server.crp" -tls
fails '-tls needs a certificate' 2 'expected \[-port N\]'

done_testing
