#!/bin/sh
# Many conversations at once in one process with a server in another, some of them with peers that misbehave:
#
#     many.sh [COUNT FAULTY]      all of COUNT at once; prints TAP
#
# Without arguments as many as a test may take time for; `make bench` asks for ten thousand.
set -u
here=$(cd "${srcdir:-.}/tests/many" && pwd) || exit 99
certificates=${CERTIFICATES:-$(pwd)/tests/tls/certificates}
. "${srcdir:-.}/tests/cli/tap.sh"

count=${1:-2000} faulty=${2:-200}
if [ $# = 0 ] && [ -n "${CARAPACE_TEST_MODE:-}" ]; then
  count=200 faulty=20
fi
# A descriptor for each, and some for the program.
needed=$((count + 200))
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$needed" ]; then
  ulimit -n "$needed" 2>/dev/null
fi

# talk SENTENCE MOST: the conversations of $count clients; each takes at most so many bytes while it is idle.
talk() {
  holds "$1: all are connected at once and come to their ends" [ "$status" = 0 ]
  holds "$1: each takes at most $2 bytes while it is idle" [ "$(sed -n 's/.*, \([0-9]*\) bytes each/\1/p' out)" -le "$2" ]
  holds "$1: $((count - faulty)) are exact, whatever the $faulty others meet" \
    grep -q "^$((count - faulty)) exact, $faulty failed" out
  [ "$number" -gt 0 ] && sed 's/^/# /' out
}

# start_server ARG...: leaves its process in $server and its port in $port.
start_server() {
  : >said # what the last one has said may not be taken for its word
  "$CARAPACE" "$here/many-server.crp" "$@" >said 2>server.err &
  server=$!
  tries=400
  until [ -s said ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || break
    sleep 0.05
  done
  port=$(head -n 1 said)
}

end_server() {
  kill "$server"
  wait "$server" 2>/dev/null
  holds "$1: the server has nothing to complain of" [ ! -s server.err ]
}

start_server
run "$here/many.crp" "$port" "$count" "$faulty"
# A build for a stress mode takes what it takes.
plain_limit=16384 tls_limit=32768
[ -z "${CARAPACE_TEST_MODE:-}" ] || plain_limit=1000000 tls_limit=1000000
talk 'plain' "$plain_limit"
end_server 'plain'

# A handshake takes a hundred times what a line takes, so a test has fewer of them.
if [ -x "$certificates" ]; then
  # So few share what there is once, such as the pages of the heap, that the figure means little.
  [ $# -gt 0 ] || count=$((count / 10)) faulty=$((faulty / 10)) tls_limit=$((2 * tls_limit))
  "$certificates" . || exit 99
  start_server server.pem
  run "$here/many.crp" "$port" "$count" "$faulty" ca.pem
  talk 'TLS' "$tls_limit"
  end_server 'TLS'
fi

done_testing
