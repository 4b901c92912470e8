#!/bin/sh
# A PostgreSQL server for this checkout alone: it listens on $PORT of 127.0.0.1, and its data are in .data/postgres beside
# this file. The first start makes them; remove the folder to begin anew.
set -eu
cd "$(dirname "$0")"
data=$PWD/.data/postgres

fail() {
	echo "postgres.sh: $1" >&2
	exit "${2:-1}"
}

# Debian has the server's programs in a folder for each version, elsewhere they are on PATH.
if ! command -v initdb >/dev/null; then
	newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[ -x "$newest" ] || fail "there is no PostgreSQL server here: install the package postgresql" 127
	PATH=$(dirname "$newest"):$PATH
fi

# PostgreSQL refuses to run as root. setpriv changes the account and then becomes the command: a signal to it reaches the
# server. su and runuser would stay in between.
mkdir -p .data
as=
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || fail "PostgreSQL does not run as root, and there is no account postgres to run it as"
	as="setpriv --reuid=postgres --regid=postgres --init-groups"
	chown postgres .data
	$as test -x "$PWD" || fail "PostgreSQL does not run as root, and the account postgres may not enter $PWD: move the checkout"
fi

# The folder has its name once it is complete, so that an interrupted start leaves no half a database.
if [ ! -e "$data" ]; then
	rm -rf "$data.new"
	$as initdb --pgdata="$data.new" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
	mv "$data.new" "$data"
	echo "made an empty database in $data"
fi

# exec, so that stop_signal is sent to the server and not to a shell. No socket file: only the port tells two servers apart.
# Small and quick rather than safe from a power cut: these are a developer's data.
exec $as postgres -D "$data" -p "$PORT" \
	-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c log_line_prefix= -c log_checkpoints=off \
	-c shared_buffers=16MB -c max_connections=20 -c fsync=off -c full_page_writes=off -c synchronous_commit=off
