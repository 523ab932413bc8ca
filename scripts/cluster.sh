# A private PostgreSQL cluster: made, started and stopped by its own process id. For bash; source it.
#
# As root the server runs as the user postgres, because PostgreSQL refuses to run as root; the folder must then be
# one that this user can reach. Connections come over TCP on 127.0.0.1 only and need the password.

CLUSTER_BIN=/usr/lib/postgresql/15/bin

cluster_run() {
    if ((EUID == 0)); then
        setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/ "$@"
    else
        "$@"
    fi
}

# cluster_create FOLDER USER PASSWORD: FOLDER does not exist yet; USER becomes superuser.
cluster_create() {
    local folder=$1 user=$2 password=$3
    mkdir -p "$folder"
    chmod 700 "$folder"
    (umask 077 && printf '%s\n' "$password" >"$folder/password")
    if ((EUID == 0)); then chown -R postgres: "$folder"; fi
    local made=true
    (
        cd /
        cluster_run "$CLUSTER_BIN/initdb" --pgdata="$folder/data" --username="$user" --pwfile="$folder/password" \
            --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions
    ) >"$folder/initdb.log" 2>&1 || made=false
    rm -f "$folder/password"
    if ! $made; then
        cat "$folder/initdb.log" >&2
        return 1
    fi
}

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# cluster_start FOLDER [SETTING…]: sets CLUSTER_PID and CLUSTER_PORT; settings are `name=value`. It keeps the port that
# it had before if that is free, so that addresses people have stored go on working.
cluster_start() {
    local folder=$1 settings=() setting attempt before=""
    shift
    if [[ -f $folder/port ]]; then before=$(<"$folder/port"); fi
    for setting in "$@"; do settings+=(-c "$setting"); done
    for attempt in 1 2 3; do
        CLUSTER_PORT=${before:-$(free_port)}
        before=""
        # A session of its own, so that Ctrl-C in the terminal does not reach it before its clients are done.
        (
            cd /
            cluster_exec "$CLUSTER_BIN/postgres" -D "$folder/data" -p "$CLUSTER_PORT" -c listen_addresses=127.0.0.1 \
                -c unix_socket_directories= "${settings[@]}"
        ) >>"$folder/server.log" 2>&1 </dev/null &
        CLUSTER_PID=$!
        if cluster_wait "$CLUSTER_PID" "$CLUSTER_PORT"; then
            printf '%s\n' "$CLUSTER_PORT" >"$folder/port"
            return 0
        fi
        # Another program may have taken the port in between: try the next one.
        cluster_stop "$CLUSTER_PID"
    done
    tail -n 5 "$folder/server.log" >&2
    return 1
}

# Becomes the command, so that the process id stays the same.
cluster_exec() {
    if ((EUID == 0)); then
        exec setsid setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/ "$@"
    else
        exec setsid "$@"
    fi
}

# Waits until the server takes connections; fails when it ends or 30 s have passed.
cluster_wait() {
    local deadline=$((SECONDS + 30))
    until "$CLUSTER_BIN/pg_isready" --quiet --host=127.0.0.1 --port="$2"; do
        kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
    # Someone else's server on this port would also answer.
    kill -0 "$1" 2>/dev/null
}

# cluster_stop PID: ends open connections and waits until the server is gone.
cluster_stop() {
    kill -INT "$1" 2>/dev/null || return 0
    local deadline=$((SECONDS + 20))
    while kill -0 "$1" 2>/dev/null; do
        if ((SECONDS >= deadline)); then kill -QUIT "$1" 2>/dev/null || true; fi
        sleep 0.05
    done
}

# A fresh password of letters and digits: it stands in URLs.
new_password() { od -An -N18 -tx1 /dev/urandom | tr -d ' \n'; }
