#!/bin/sh
# What pop3server.crp says to a client, word for word, and when it ends.
set -u
stdlib=$(cd "${srcdir:-.}/stdlib" && pwd) || exit 99
. "${srcdir:-.}/tests/cli/tap.sh"

# start_server ARG...: leaves its process in $server, $port and $password; its stdin is descriptor 9.
mkfifo control
start_server() {
  : >said # what the last one has said may not be taken for its word
  "$CARAPACE" "$stdlib/pop3server.crp" "$@" <control >said 2>err &
  server=$!
  exec 9>control
  tries=200
  until grep -q password said; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.05
  done
  port=$(sed -n '1s/.*://p' said)
  password=$(sed -n 's/^password //p' said)
}

end_server() {
  exec 9>&-
  wait "$server"
  status=$?
}

# Its functions: (open) a connection, (ask "COMMAND") prints the line that comes back, (askAll "COMMAND") all of them.
cat >client.crp <<'END'
(local (words List) (port Integer) (password String) (box CommsStack) (timestamp String))
(set words ::CommandLine)
(set port ((words.get 2).integer))
(set password (words.get 3))
(defun NIL open ()
    (set box (buildCommsStack '("Util" "Tcp") (list (list "host" "127.0.0.1") (list "port" port))))
    (box.connect)
    (set timestamp ((box.receiveLine 5000).split " ").last))
(defun String ask ((command String))
    (box.send (+ command "\r\n"))
    (set command (box.receiveLine 5000))
    (print command)
    command)
(defun NIL askAll ((command String))
    (set command (ask command))
    (while (!= command ".") (print (set command (box.receiveLine 5000)))))
(defun NIL apop () (ask (join (list "APOP fred " (((+ timestamp password).md5).hex)))))
END

# dialogue SENTENCE: the forms on descriptor 3 print what is on descriptor 4.
dialogue() {
  { cat client.crp; cat <&3; } >script.crp
  cat <&4 >expected
  run script.crp "$port" "$password"
  [ "$status" = 0 ] && cmp -s out expected && [ ! -s err ]
  verdict "$1" $?
}

start_server
dialogue 'before the logon few commands are possible' 3<<'FORMS' 4<<'REPLIES'
(open)
(ask "stat") (ask "RETR 1") (ask "PASS x") (ask "USER") (ask "HELO") (ask "") (askAll "CAPA") (ask "QUIT")
FORMS
-ERR STAT is not possible now
-ERR RETR is not possible now
-ERR USER comes first
-ERR USER needs a name
-ERR unknown command
-ERR unknown command
+OK
USER
TOP
UIDL
RESP-CODES
AUTH-RESP-CODE
PIPELINING
SASL SCRAM-SHA-256 CRAM-MD5 PLAIN
IMPLEMENTATION Carapace
.
+OK goodbye
REPLIES

dialogue 'USER and PASS log on, or APOP' 3<<'FORMS' 4<<'REPLIES'
(open)
(ask "USER fred") (ask "PASS no") (ask "APOP fred 0123") (ask "USER fred") (ask (+ "PASS " password)) (ask "QUIT")
(open)
(apop) (ask "QUIT")
FORMS
+OK and the password?
-ERR [AUTH] wrong name or password
-ERR [AUTH] wrong name or password
+OK and the password?
+OK 25 messages
+OK goodbye
+OK 25 messages
+OK goodbye
REPLIES

dialogue 'AUTH logs on as well, or says what is wrong' 3<<'FORMS' 4<<'REPLIES'
(open)
(ask "AUTH") (ask "AUTH NTLM") (ask "AUTH PLAIN !") (ask "AUTH PLAIN eA==") (ask "AUTH CRAM-MD5 eA==")
(ask "AUTH PLAIN") (ask "*")
(ask (+ "AUTH PLAIN " ((join (list "\0fred\0" password)).base64))) (ask "QUIT")
(for auth '("CRAM-MD5" "SCRAM-SHA-256" "PLAIN")
    (set pop3 (buildCommsStack '("Pop3" "Util" "Tcp") (list '(host "127.0.0.1") (list 'port port) '(user "fred")
        (list 'password password) (list 'auth auth))))
    (pop3.connect)
    (print (headOf pop3.mailboxStatus))
    (pop3.disconnect)
    (pop3.password "another")
    (try (pop3.connect) (catch "110.3" (print err.text))))
FORMS
-ERR no such mechanism
-ERR no such mechanism
-ERR this is no Base64
-ERR PLAIN is three words
-ERR CRAM-MD5 begins with the server
+ 
-ERR the client does not go on
+OK 25 messages
+OK goodbye
25
Pop3: authentication refused: AUTH CRAM-MD5: the server said "-ERR [AUTH] wrong name or password"
25
Pop3: authentication refused: AUTH SCRAM-SHA-256: the server said "-ERR [AUTH] wrong name or password"
25
Pop3: authentication refused: AUTH PLAIN: the server said "-ERR [AUTH] wrong name or password"
REPLIES

dialogue 'the third wrong password ends the session' 3<<'FORMS' 4<<'REPLIES'
(open)
(for i '(1 2 3) (ask "APOP fred x"))
(print (box.receive 5000))
FORMS
-ERR [AUTH] wrong name or password
-ERR [AUTH] wrong name or password
-ERR [AUTH] wrong name or password
()
REPLIES

dialogue 'one message or all of them can be listed' 3<<'FORMS' 4<<'REPLIES'
(open)
(apop) (ask "STAT") (ask "LIST 2") (ask "UIDL 25") (ask "LIST 0") (ask "LIST 26") (ask "LIST -1") (ask "LIST 1 2")
(ask "UIDL 99999999999999999999")
(askAll "LIST")
FORMS
+OK 25 messages
+OK 25 1184182
+OK 2 446
+OK 25 null-bytes
-ERR no such message
-ERR no such message
-ERR no message number
-ERR no message number
-ERR no message number
+OK 25 messages
1 272
2 446
3 391
4 552
5 348
6 489
7 14663
8 503
9 372
10 260
11 487
12 250
13 11882
14 261
15 85
16 195
17 187
18 285
19 216
20 246
21 1048764
22 100197
23 2330
24 291
25 210
.
REPLIES

dialogue 'RETR and TOP put a dot before each line that begins with one' 3<<'FORMS' 4<<'REPLIES'
(open)
(apop) (askAll "RETR 19") (askAll "TOP 19 2") (askAll "TOP 19 0") (askAll "TOP 16 9") (ask "TOP 1") (ask "TOP 1 -1")
FORMS
+OK 25 messages
+OK 216 octets
From: Mia <mia@carapace.example>
To: Fred <fred@carapace.example>
Date: Tue, 22 Jul 2003 00:52:00 +0000
Message-ID: <sample-19@carapace.example>
Subject: Lines of one dot

..

..
..

This is not the end.
..
.
+OK
From: Mia <mia@carapace.example>
To: Fred <fred@carapace.example>
Date: Tue, 22 Jul 2003 00:52:00 +0000
Message-ID: <sample-19@carapace.example>
Subject: Lines of one dot

..

.
+OK
From: Mia <mia@carapace.example>
To: Fred <fred@carapace.example>
Date: Tue, 22 Jul 2003 00:52:00 +0000
Message-ID: <sample-19@carapace.example>
Subject: Lines of one dot

.
+OK
From: Judy <judy@carapace.example>
To: Fred <fred@carapace.example>
Date: Fri, 18 Jul 2003 18:52:00 +0000
Message-ID: <sample-16@carapace.example>
Subject: No body, and no empty line either
.
-ERR TOP needs a message number and a number of lines
-ERR no number of lines
REPLIES

dialogue 'commands sent together are answered in their order' 3<<'FORMS' 4<<'REPLIES'
(open)
(apop)
(box.send "NOOP\r\nLIST 1\r\nDELE 1\r\nLIST 1\r\nRSET\r\n")
(for i '(1 2 3 4 5) (print (box.receiveLine 5000)))
FORMS
+OK 25 messages
+OK
+OK 1 272
+OK deleted
-ERR the message was deleted
+OK 25 messages
REPLIES

dialogue 'a message goes with QUIT and not when the connection ends' 3<<'FORMS' 4<<'REPLIES'
(open)
(apop) (ask "DELE 1") (ask "DELE 1") (ask "STAT")
(box.disconnect)
(open)
(apop) (ask "DELE 2") (ask "QUIT")
(open)
(apop) (ask "UIDL 1") (ask "UIDL 2")
FORMS
+OK 25 messages
+OK deleted
-ERR the message was deleted
+OK 24 1183910
+OK 25 messages
+OK deleted
+OK goodbye
+OK 24 messages
+OK 1 plain
+OK 2 latin-1
REPLIES

dialogue 'a line that never ends ends the session' 3<<'FORMS' 4<<'REPLIES'
(open)
(box.send ("A".repeat 5000))
(print (try (box.receive 5000) (catch 6 ())))
FORMS
()
REPLIES
end_server
holds 'it ends with its standard input' test "$status" = 0

mkdir folder
printf 'Subject: a\n\nno CRLF at the end' >folder/a
printf 'Subject: b\r\n\r\n.\r\n' >'folder/b c'
start_server -user bob folder
holds 'the user may be named' grep -q '^pop3://bob@127.0.0.1:[0-9]*$' said
dialogue 'the messages of a folder are its files' 3<<'FORMS' 4<<'REPLIES'
(open)
(ask "USER bob") (ask (+ "PASS " password)) (askAll "UIDL") (askAll "RETR 1") (askAll "RETR 2") (ask "DELE 2") (ask "QUIT")
FORMS
+OK and the password?
+OK 2 messages
+OK 2 messages
1 a
2 b5fddffda43ed626a60026ef9d18ced2
.
+OK 32 octets
Subject: a

no CRLF at the end
.
+OK 17 octets
Subject: b

..
.
+OK deleted
+OK goodbye
REPLIES
holds 'and what is deleted is removed there' sh -c '[ -e folder/a ] && [ ! -e "folder/b c" ]'
exec 9>&-
wait "$server"

mkdir -p maildirs/ann/new maildirs/ann/cur maildirs/ann/tmp maildirs/joe/new maildirs/joe/cur maildirs/joe/tmp
printf 'Subject: new\r\n\r\n' >maildirs/ann/new/2.host
printf 'Subject: seen\r\n\r\n' >maildirs/ann/cur/1.host:2,S
printf 'Subject: half\r\n' >maildirs/ann/tmp/3.host
start_server -user ann -user joe maildirs/%s
dialogue 'each user has a Maildir, and the state of a file is no part of its name' 3<<'FORMS' 4<<'REPLIES'
(open)
(ask "USER joe") (ask (+ "PASS " password)) (ask "STAT")
(open)
(ask "USER ann") (ask (+ "PASS " password)) (askAll "UIDL") (ask "DELE 1") (ask "QUIT")
FORMS
+OK and the password?
+OK 0 messages
+OK 0 0
+OK and the password?
+OK 2 messages
+OK 2 messages
1 1.host
2 2.host
.
+OK deleted
+OK goodbye
REPLIES
holds 'and what is deleted is removed in cur, too' \
  sh -c '[ ! -e maildirs/ann/cur/1.host:2,S ] && [ -e maildirs/ann/new/2.host ] && [ -e maildirs/ann/tmp/3.host ]'

dialogue 'commands that come together are answered in their order' 3<<'FORMS' 4<<'REPLIES'
(open)
(box.send (join (list "USER ann\r\nPASS " password "\r\nSTAT\r\nNOOP\r\nLIST 1\r\nQUIT\r\n")))
(for i (range 0 6) (print (box.receiveLine 5000)))
FORMS
+OK and the password?
+OK 1 messages
+OK 1 16
+OK
+OK 1 16
+OK goodbye
REPLIES

# A session that is under way when the server is told to end.
cat client.crp - >draining.crp <<'END'
(open)
(ask "USER ann") (ask (+ "PASS " password))
(print "logged on")
(input.readLine)
(ask "STAT") (ask "QUIT")
(try (open) (catch 6 (print "no new ones")))
END
sed -i '1i (local (input Stream (create Stream "stdin")))' draining.crp
mkfifo go
"$CARAPACE" draining.crp "$port" "$password" <go >out 2>err &
client=$!
exec 8>go
until grep -q 'logged on' out; do sleep 0.05; done
kill -TERM "$server"
sleep 0.2
echo >&8
wait "$client"
status=$?
exec 8>&-
is 'SIGTERM lets a session come to its end, and no new one begin' 0 '+OK and the password?
+OK 1 messages
logged on
+OK 1 16
+OK goodbye
no new ones
'
wait "$server" 2>/dev/null
status=$?
holds 'and then ends the server' test "$status" = 0
exec 9>&-

: >input
run "$stdlib/pop3server.crp" -port
fails 'an option that is none is wrong use' 2 'expected \[-port N\]'

done_testing
