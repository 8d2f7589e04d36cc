# shellcheck shell=sh
# Sourced: a dovecot of our own, which needs no rights and touches nothing of the system's.
#
# It runs as whoever runs the test; root runs it as nobody.  All its files are in one short folder,
# because its sockets are there too and their names may have at most 107 bytes.  It listens on a free port
# of the loopback interface.

# new_box: leaves $box, where the lines NAME:{PLAIN}PASSWORD of the file users are the users, and $mail, where
# NAME/Maildir is a mailbox.
new_box() {
  box=$(mktemp -d /tmp/dovecot-XXXXXX) || return 1
  chmod 755 "$box"
  mail=$box/mail
  mkdir "$box/run" "$box/state" "$mail"
  : >"$box/users"
  if [ "$(id -u)" = 0 ]; then
    as='setpriv --reuid nobody --regid nogroup --clear-groups'
    user=nobody
    group=nogroup
  else
    as=
    user=$(id -un)
    group=$(id -gn)
  fi
}

free_port() {
  python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# The certificate, with its key, of one that speaks TLS too: the test sets it to a file in the box.
certificate=

# start_dovecot: leaves $port, and $tls_port, where there is TLS from the first byte, if there is a certificate.
start_dovecot() {
  for attempt in 1 2 3; do
    port=$(free_port)
    tls_port=0
    [ -z "$certificate" ] || tls_port=$(free_port)
    write_configuration >"$box/dovecot.conf"
    own_up
    # shellcheck disable=SC2086 # no word or several
    $as dovecot -c "$box/dovecot.conf" >"$box/start.log" 2>&1 && wait_for_port && return 0
    echo "# dovecot did not start on port $port, attempt $attempt"
    stop_dovecot
  done
  return 1
}

# What the test has put into the box belongs to whom dovecot runs as.
own_up() {
  if [ "$(id -u)" = 0 ]; then
    chown -R nobody:nogroup "$box"
  fi
}

wait_for_port() {
  tries=100
  until python3 -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$port" 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

write_tls() {
  if [ -z "$certificate" ]; then
    echo 'ssl = no'
  else
    printf '%s\n' 'ssl = yes' "ssl_cert = <$certificate" "ssl_key = <$certificate"
  fi
}

write_configuration() {
  cat <<END
protocols = pop3
listen = 127.0.0.1
base_dir = $box/run
state_dir = $box/state
log_path = $box/dovecot.log
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
$(write_tls)
disable_plaintext_auth = no
auth_mechanisms = plain login apop cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $box/users
}
userdb {
  driver = static
  args = uid=$(id -u "$user") gid=$(id -g "$user") home=$mail/%u
}
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
mailbox_list_index = no
pop3_lock_session = yes
pop3_no_flag_updates = yes
pop3_uidl_format = %08Xu%08Xv
# no delay after a wrong password
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    address = 127.0.0.1
    port = $port
  }
  inet_listener pop3s {
    address = 127.0.0.1
    port = $tls_port
    ssl = yes
  }
}
END
}

# Stops it by the number of its process, and waits until it is gone.
stop_dovecot() {
  pid=$(cat "$box/run/master.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null
  tries=100
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
}

# What it had to say, for the log of a test that failed.
show_dovecot() {
  for file in "$box/start.log" "$box/dovecot.log"; do
    if [ -s "$file" ]; then
      sed "s|^|# |" "$file" | tail -n 40
    fi
  done
}
