# shellcheck shell=sh
# Sourced: how each client brings all messages of a mailbox into one file.  What a run needs goes to the file of its name in
# $figures, a line a run; what came must be all.  A run that takes longer than $limit seconds is not tried again: its
# figure stands for all, and the file NAME.over says so.

# find_forms: the ways in which this Carapace can fetch, the best for a file last.
find_forms() {
  members=$("$carapace" -p -e '(classInfo Pop3)')
  for form in fetch fetchMany fetchTo; do
    case $members in *" $form "*) printf '%s ' "$form" ;; esac
  done
}

find_peers() {
  for peer in mpop:mpop libetpan:"$programs/etpan"; do
    ! command -v "${peer#*:}" >/dev/null 2>&1 || printf '%s ' "${peer%%:*}"
  done
}

forget_figures() {
  rm -rf "$figures"
  mkdir "$figures"
}

# measure NAME COMMAND...: what it prints goes to $out.
measure() {
  name=$1
  shift
  if [ -e "$figures/$name.over" ]; then
    tail -n 1 "$figures/$name" >"$work/last"
    cat "$work/last" >>"$figures/$name"
    return
  fi
  metered=0
  "$programs/../meter" "$figures/$name" "$limit" "$@" >"$out" 2>"$work/errors" </dev/null || metered=$?
  case $metered in
    0) ;;
    124) : >"$figures/$name.over" ;;
    *) failed "$name" "status $metered" ;;
  esac
}

failed() {
  echo "$1: $2"
  sed 's/^/  /' "$work/errors" | head -n 5
  status=1
}

# arrived NAME COUNT-OR-BYTES EXPECTED
arrived() { [ "$2" = "$3" ] || [ -e "$figures/$1.over" ] || failed "$1" "got $2 where $3 were expected"; }

arrived_bytes() { arrived "$1" "$(wc -c <"$work/mail")" "$bytes"; }

# ours FORM: also byte for byte, where it is the first time ($checking).
ours() {
  out=$work/count
  rm -f "$work/mail" # to empty it is nobody's work: curl finds it empty
  measure "$1" "$carapace" "$folder/pop3/fetch.crp" "$1" "$port" "$user" "$work/mail" ${tls:+"$tls"}
  arrived "$1" "$(cat "$work/count")" "$count"
  arrived_bytes "$1"
  if [ "$checking" = true ] && ! [ -e "$figures/$1.over" ]; then
    expected | cmp - "$work/mail" >"$work/errors" 2>&1 || failed "$1" 'not what was sent'
  fi
}

theirs() { "fetch_with_$1"; }

# All to one file, as the others: `-o FILE` has each message overwrite the last one, and costs the same.
fetch_with_curl() {
  out=$work/mail
  measure curl curl -s -S ${tls:+--cacert "$tls"} -u "$user:pw" "pop3${tls:+s}://127.0.0.1:$port/[1-$count]"
  arrived_bytes curl
}

fetch_with_mpop() {
  rm -f "$work/mail"
  cat >"$work/mpoprc" <<END
account default
host 127.0.0.1
port $port
user $user
password pw
auth user
tls ${tls:+on}${tls:-off}
tls_starttls off
keep on
only_new off
uidls_file $work/uidls
received_header off
delivery mbox $work/mail
END
  if [ -n "$tls" ]; then
    sed -i "s|^tls on.*|tls on\\ntls_trust_file $tls|" "$work/mpoprc"
  fi
  chmod 600 "$work/mpoprc"
  out=$work/printed
  measure mpop mpop -C "$work/mpoprc" -Q -q
  arrived mpop "$(grep -c '^From ' "$work/mail")" "$count"
}

fetch_with_libetpan() {
  out=$work/count
  measure libetpan "$programs/etpan" "$port" "$user" "$work/mail" ${tls:+tls}
  arrived libetpan "$(cat "$work/count")" "$count"
}
