# shellcheck shell=sh
# Sourced: the servers of a POP3 benchmark, each of which leaves $port; $tls is the certificate where it speaks TLS, else
# empty.  What a client must get of all messages is written by `expected`; $count and $bytes say how many there are.

# Processes that end with the benchmark; forgotten once they were ended.
running=

# read_port FILE: what a server that was started says in its first line.
read_port() {
  tries=600
  until port=$(sed -n 's/^port //p' "$1") && [ -n "$port" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo 'a server did not start' >&2; exit 1; }
    sleep 0.05
  done
}

# background COMMAND...: one that says its port.
background() {
  : >"$work/port"
  "$@" >"$work/port" &
  running="$running $!"
  read_port "$work/port"
}

# shellcheck disable=SC2086 # a word a process
end_servers() {
  [ -z "$running" ] || kill $running 2>/dev/null || true
  [ -z "$running" ] || wait $running 2>/dev/null || true
  running=
}

make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$work/key" -out "$work/own" 2>"$work/openssl" ||
    { cat "$work/openssl" >&2; exit 1; }
  cat "$work/own" "$work/key" >"$work/certificate"
}

# fake clear|tls MESSAGES SIZE [KIND]: the server that answers from memory.
fake() {
  count=$2
  mails="-n $2 -s $3 -k ${4-text}"
  tls=
  [ "$1" = clear ] || tls=$work/certificate
  # shellcheck disable=SC2086 # $mails is several words
  background "$programs/fakepop3" $mails ${tls:+-c "$tls"}
  # shellcheck disable=SC2086
  expected() { "$programs/fakepop3" $mails -w; }
  user=fred
  bytes=$(expected | wc -c)
}

# delayed MILLISECONDS: the same server, that much farther away in each direction.
delayed() { background "$programs/delayproxy" "$port" "$1"; }

# fill_maildir FOLDER MESSAGES LINES
fill_maildir() {
  mkdir -p "$1/cur" "$1/new" "$1/tmp"
  awk -v folder="$1/cur" -v count="$2" -v lines="$3" 'BEGIN {
    for (i = 0; i < lines; i++) body = body "A line of seventy-four bytes, as a mail message has them, one like another\n"
    for (n = 1; n <= count; n++) {
      file = sprintf("%s/%d.%06d.bench:2,", folder, 1700000000 + n, n)
      printf "From: sender%d@example.org\nTo: fred@example.org\nSubject: message %d\n\n%s", n, n, body >file
      close(file)
    }
  }'
}

# begin_dovecot: a real server with two mailboxes, small and big.
begin_dovecot() {
  new_box
  printf '%s\n' 'small:{PLAIN}pw' 'big:{PLAIN}pw' >"$box/users"
  fill_maildir "$mail/small/Maildir" "$small" 53
  fill_maildir "$mail/big/Maildir" "$big" 13980
  certificate=$box/certificate
  cp "$work/certificate" "$certificate"
  start_dovecot || { show_dovecot; exit 1; }
  clear_port=$port
}

# dovecot_mailbox clear|tls small|big: one of its mailboxes.
dovecot_mailbox() {
  user=$2
  case $1 in
    clear)
      tls=
      port=$clear_port
      ;;
    tls)
      tls=$work/certificate
      port=$tls_port
      ;;
  esac
  expected() { find "$mail/$user/Maildir/cur" -type f | sort | xargs cat | sed 's/$/\r/'; }
  count=$(find "$mail/$user/Maildir/cur" -type f | wc -l)
  bytes=$(expected | wc -c)
}
