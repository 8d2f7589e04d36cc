#!/bin/sh
# Carapace beside curl: 10,000 messages of 4 KB from a dovecot of our own, seconds of CPU (user and system).  curl writes
# nothing, Carapace a file.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
carapace=${CARAPACE:-./carapace}
turns=${TURNS:-5}
count=${COUNT:-10000}
PATH=$PATH:/usr/sbin
# shellcheck source=measure.sh
. "$folder/measure.sh"
# shellcheck source=../dovecot/dovecot.sh
. "$folder/../dovecot/dovecot.sh"

work=$(mktemp -d)
new_box
trap 'stop_dovecot; rm -rf "$work" "$box"' EXIT
echo 'fred:{PLAIN}pw' >"$box/users"
mkdir -p "$mail/fred/Maildir/cur" "$mail/fred/Maildir/new" "$mail/fred/Maildir/tmp"
awk -v folder="$mail/fred/Maildir/cur" -v count="$count" 'BEGIN {
  for (i = 0; i < 53; i++) body = body "A line of seventy-four bytes, as a mail message has them, one like another\n"
  for (n = 1; n <= count; n++) {
    file = sprintf("%s/%d.%06d.bench:2,", folder, 1700000000 + n, n)
    printf "From: sender%d@example.org\nTo: fred@example.org\nSubject: message %d\n\n%s", n, n, body >file
    close(file)
  }
}'
start_dovecot || { show_dovecot; exit 1; }

status=0
: >"$work/ours"
: >"$work/theirs"
turn=-1 # the first one only warms up
while [ "$turn" -lt "$turns" ]; do
  out=$work/count
  ours=$(cpu_time "$carapace" "$folder/pop3/fetch.crp" "$port" "$work/mail")
  out=/dev/null
  theirs=$(cpu_time curl -s -S -u fred:pw -o /dev/null "pop3://127.0.0.1:$port/[1-$count]")
  if [ "$turn" -ge 0 ]; then
    echo "$ours" >>"$work/ours"
    echo "$theirs" >>"$work/theirs"
  fi
  turn=$((turn + 1))
done
[ "$(cat "$work/count")" = "$count" ] || { echo "not all messages came"; status=1; }
printf '%-26s %10s %10s %8s\n' 'CPU seconds' carapace curl ratio
row "$count messages of 4 KB" "$work/ours" "$work/theirs"
exit "$status"
