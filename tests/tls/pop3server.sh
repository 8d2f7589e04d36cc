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
  : >said # what the last one has said may not be taken for its word
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

# What a Pop3 does with it: `pop3` makes one with these settings.
cat >pop3.crp <<'END'
(local (port Integer ((::Arguments.head).integer)) (box CommsStack))
(defun CommsStack pop3 (settings)
    (set box (buildCommsStack '("Pop3" "Util" "Tcp") (list '(host "127.0.0.1") (list 'port port) '(user "fred")
        '(password "xyz") (list 'tls (create Tls '((caFile "ca.pem") (serverName "mail.example.org")))))))
    (for pair settings (box.set pair.head (pair.get 1)))
    (box.log (create Log "talk"))
    ((box.log).levels "pdus")
    box)
# The commands of the last session, as the Log has them.
(defun NIL commands ()
    (for line ((readFile "talk.log").lines) (if (line.contains " Pop3 > ") (print ((line.after " > ").trim))))
    (removeFile "talk.log"))
END
cat pop3.crp - >security.crp <<'END'
(for security '("starttls" "required")
    (pop3 (list (list "security" security)))
    (box.connect)
    (print (list (box.get "secure") box.depth (box.mailboxStatus).head (if (box.capabilities.member "USER") "asked")))
    (box.disconnect)
    (print box.depth)
    (box.connect)                       # the next connection begins in clear again
    (print (box.get "tlsVersion"))
    (box.disconnect)
    ((box.log).close)
    (commands))
END
run security.crp "$port"
is 'STLS, where it is offered or required, and what can be done is asked again behind it' 0 '(true 4 25 "asked")
3
TLSv1.3
CAPA
STLS
CAPA
AUTH SCRAM-SHA-256-PLUS ***
***
***
CAPA
STAT
QUIT
CAPA
STLS
CAPA
AUTH SCRAM-SHA-256-PLUS ***
***
***
CAPA
QUIT
(true 4 25 "asked")
3
TLSv1.3
CAPA
STLS
CAPA
AUTH SCRAM-SHA-256-PLUS ***
***
***
CAPA
STAT
QUIT
CAPA
STLS
CAPA
AUTH SCRAM-SHA-256-PLUS ***
***
***
CAPA
QUIT
'

cat pop3.crp - >steps.crp <<'END'
(pop3 '(("autoLogon" ())))
(box.connect)
(print (if (box.capabilities.member "STLS") "offered"))
(try (box.noop) (catch "110.4" (print err.text)))
(box.stls)
(print (if (box.capabilities.member "STLS") "offered" "not offered") (box.get "secure"))
(try (box.stls) (catch "110.4" (print err.text)))
(try (box.utf8) (catch "110.1" (print (err.text.startsWith "Pop3: UTF8: the server does not offer it"))))
(box.password "abc")
(try (box.logon) (catch "110.3" (print "refused")))
(box.password "xyz")
(box.auth "PLAIN")
(box.logon)
(print (box.mailboxStatus).head)
(try (box.logon) (catch "110.4" (print err.text)))
(box.disconnect)
END
run steps.crp "$port"
is 'the same step by step, and a logon that was refused is tried again' 0 'offered
Pop3: wrong state: nobody has logged on yet: call `logon`
not offered
true
Pop3: wrong state: the connection is encrypted already
true
refused
25
Pop3: wrong state: somebody has logged on already
'

cat pop3.crp - >mechanisms.crp <<'END'
(defun Object kind (name) (for pair (box.get "channelBinding") (if (== pair.head name) (return (length (pair.get 1))))))
(for auth '("SCRAM-SHA-256-PLUS" "SCRAM-SHA-256" "CRAM-MD5" "PLAIN" "user" "apop" "LOGIN PLAIN")
    (pop3 (list (list "auth" auth) '("security" "required")))
    (if (== auth "apop") (box.secret "xyz"))
    (box.connect)
    (print (join (list auth (kind "tls-exporter") (kind "tls-server-end-point") (box.mailboxStatus).head) " "))
    (box.disconnect))
(pop3 '(("auth" "SCRAM-SHA-1 LOGIN") ("security" "required")))
(try (box.connect) (catch "110.3" (print err.text)))
END
run mechanisms.crp "$port"
is 'each mechanism on TLS' 0 'SCRAM-SHA-256-PLUS 32 32 25
SCRAM-SHA-256 32 32 25
CRAM-MD5 32 32 25
PLAIN 32 32 25
user 32 32 25
apop 32 32 25
LOGIN PLAIN 32 32 25
Pop3: nobody was logged on: the server offers none of the mechanisms SCRAM-SHA-1 LOGIN; it offers "SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN"
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

# Somebody in between who has a certificate that is believed: a logon that is bound to its channel is not to be handed on.
cat >between.crp <<'END'
(local (port Integer ((::Arguments.head).integer)) (listener CommsStack) (relayed List))
(defun NIL pass ((from CommsStack) (to CommsStack))
    (local data)
    (try (while (set data (from.receive 20000)) (to.send data)) (catch 6 ())))
(set listener (buildCommsStack (list "Util" (create Tls '((mode "server") (certificate "server.pem"))) "Tcp")
    '((localHost "127.0.0.1"))))
(listener.listen)
(defun NIL relay ()
    (local (near CommsStack) (far CommsStack))
    (while true
        (set near (listener.accept))
        (near.connect)
        (set far (buildCommsStack (format "tls://127.0.0.1:%d?caFile=ca.pem&serverName=mail.example.org" port)))
        (far.connect)
        (let ((a near) (b far)) (task (pass a b)) (task (pass b a)))))
(set relaying (task (relay)))
(for auth '("SCRAM-SHA-256" "auto")
    (set box (buildCommsStack
        (format "pop3s://fred@127.0.0.1:%d?caFile=ca.pem&serverName=mail.example.org" (listener.get "localPort"))))
    (box.password "xyz")
    (box.auth auth)
    (try (do (box.connect) (print (box.mailboxStatus).head)) (catch 110 (print (join (list err.class "." err.code " " err.text))))))
(relaying.cancel)
END
run between.crp "$port"
is 'a logon that is bound to the channel is refused when somebody has handed it on' 0 '25
110.3 Pop3: authentication refused: AUTH SCRAM-SHA-256-PLUS: the server said "-ERR SCRAM: no proof, another nonce, or another binding"
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
