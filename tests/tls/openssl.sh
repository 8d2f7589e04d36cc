#!/bin/sh
# Tls against the programs of OpenSSL, at either end.
set -u
case ${srcdir:=.} in
  /*) ;;
  *) srcdir=$(pwd)/$srcdir ;;
esac
certificates=$(pwd)/tests/tls/certificates
if ! command -v openssl >/dev/null 2>&1; then
  echo '1..0 # SKIP there is no openssl'
  exit 0
fi

# shellcheck source=../cli/tap.sh
. "$srcdir/tests/cli/tap.sh"
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
"$certificates" "$work" || exit 99

# wait_for FILE PATTERN: leaves the line.
wait_for() {
  tries=100
  until line=$(grep -m 1 -e "$2" "$1" 2>/dev/null); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

# serve ARG...: an openssl s_server on a free port, $port, which gives each line back, reversed.
serve() {
  : >server.out # what the last one has said may not be taken for its word
  openssl s_server -accept 127.0.0.1:0 -cert server.pem -key server.pem -cert_chain server.pem -rev "$@" \
    >server.out 2>server.err </dev/null &
  pid=$!
  wait_for server.out '^ACCEPT' || return 1
  port=${line##*:}
}

end_server() {
  kill "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  pid=
}

# client PROPERTIES FORM...: a script with a stack `box`: Util, Tls and Tcp, to $port.
client() {
  properties=$1
  shift
  cat <<END
(set tls (create Tls))
(set box (buildCommsStack (list "Util" tls "Tcp")
    '((host "127.0.0.1") (port $port) (serverName "mail.example.org") (caFile "ca.pem") $properties)))
$*
END
}

hello='(box.connect) (box.send "hello\n") (print tls.tlsVersion tls.secure (box.receiveLine 20000)) (box.disconnect)'
twice='(for i (list 1 2) (box.connect) (box.send "hello\n") (box.receiveLine 20000) (print tls.resumed) (box.disconnect))'
twice_expected='()
true'
failing='(try (box.connect) (catch "6.9" (print err.text)))'

# check SENTENCE OUTPUT PROPERTIES FORM...
check() {
  sentence=$1
  expected=$2
  shift 2
  client "$@" >script.crp
  run script.crp
  is "$sentence" 0 "$expected
"
}

as_client() {
  serve -tls1_3 && check 'TLS 1.3 with s_server' 'TLSv1.3
true
olleh' '' "$hello"
  check 'a session is resumed' "$twice_expected" '' "$twice"
  end_server
  serve -tls1_2 && check 'a session of TLS 1.2 is resumed' "$twice_expected" '' "$twice"
  check 'TLS 1.2 with s_server' 'TLSv1.2
true
olleh' '' "$hello"
  check 'one that is too old' "Tls: the peer has refused: protocol version: it does not speak the TLS versions that are allowed \
here (\`minVersion\`)" '(minVersion "1.3")' "$failing"
  check 'a CA that is not trusted' "Tls: the server's certificate is refused: it leads to no certificate authority that is \
trusted here; if it is right, name its CA, or the certificate itself, with \`caFile\`, or its key with \`pin\`" \
    '(caFile "other-ca.pem")' "$failing"
  check 'another host' "Tls: the server's certificate is for mail.example.org, not for example.org (\`serverName\`)" \
    '(serverName "example.org")' "$failing"
  end_server
  serve -alpn pop3 -Verify 2 -CAfile ca.pem -verify_return_error && check 'a client certificate and a protocol' 'pop3
olleh' '(certificate "client.pem") (alpn "imap,pop3")' '(box.connect) (box.send "hello\n") (print tls.alpnProtocol)
(print (box.receiveLine 20000)) (box.disconnect)'
  check 'no client certificate' 'Tls: the peer has refused: certificate required: it wants a client certificate (`certificate`)' '' \
    '(try (do (box.connect) (box.receive 20000)) (catch "6.9" (print err.text)))'
  end_server
}

# An own server for one connection: gives each line back, in brackets; leaves $port.
own_server() {
  [ -z "$pid" ] || end_server
  cat >server.crp <<END
(set listener (create Tcp '((localHost "127.0.0.1"))))
(listener.listen)
(print listener.localPort)
(set tls (create Tls '((certificate "server.pem") $1)))
(set box (buildCommsStack (list "Util" tls (listener.accept 60000))))
(try (do (box.connect)
         (try (while true (set line (box.receiveLine 20000)) (box.send (join (list "<" line ">\n"))))
             (catch "6.3" (print (err.text.contains "without the peer's word")))))
    (catch "6.9" (print err.text)))
(print tls.tlsVersion)
(box.disconnect)
END
  : >server.out
  "$CARAPACE" server.crp >server.out 2>server.err &
  pid=$!
  wait_for server.out '^[0-9]' || return 1
  port=$line
}

# say PATTERN INPUT: the input, which does not end before the answer has come.
say() {
  printf '%b' "$2"
  tries=100
  until [ -z "$2" ] || grep -q -e "$1" out || [ "$tries" = 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
}

# served SENTENCE PATTERN INPUT ARG...: what s_client prints for that input.
served() {
  sentence=$1
  pattern=$2
  input=$3
  shift 3
  : >out
  say "$pattern" "$input" | openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -verify_return_error \
    -servername mail.example.org -verify_hostname mail.example.org "$@" >out 2>err
  wait "$pid"
  pid=
  status=$?
  grep -q -e "$pattern" out
  verdict "$sentence" $?
}

as_server() {
  own_server '' && served 'TLS 1.3 with s_client' '^<hello>' 'hello\n' -tls1_3
  own_server '' && served 'TLS 1.2 with s_client' '^<hello>' 'hello\n' -tls1_2
  own_server '' && served 'keys are changed under way' '^<world>' 'hello\nK\nworld\n' -tls1_3
  own_server '(alpn "pop3")' && served 'a protocol is agreed on' '^ALPN protocol: pop3' 'hello\n' -alpn imap,pop3
  own_server '(caFile "ca.pem") (clientCertificates "required")' &&
    served 'a client has its certificate' '^<hello>' 'hello\n' -cert client.pem -key client.pem -cert_chain client.pem
  own_server '(caFile "ca.pem") (clientCertificates "required")' && served 'a client without one' '' ''
  grep -q 'the client has sent no certificate' server.out
  verdict 'a client without a certificate is refused' $?
}

{
  as_client
  as_server
  done_testing
} >tap.out
cat tap.out
if grep -q '^not ok' tap.out; then
  sed 's/^/# /' server.out server.err
fi
