#!/bin/sh
# Three checkouts of one project run at the same time: the main one and two git worktrees. They share one PostgreSQL, and
# each has its own database in it, its own web service and its own address.
#
#   sh demo.sh                              with devports from PATH
#   DEVPORTS=path/to/devports sh demo.sh    with another devports
#
# It needs git, Go, curl and PostgreSQL. All its files are in a temporary folder, which it removes afterwards.
set -eu

say() { printf '\n# %s\n' "$*"; }

fail() {
	echo "demo.sh: $*" >&2
	exit 1
}

# show prints a command and runs it.
show() {
	echo "\$ $*"
	"$@"
}

program=$(command -v "${DEVPORTS:-devports}") || fail "cannot find ${DEVPORTS:-devports}: set DEVPORTS to its path"
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program") # a relative path would not survive cd
devports() { "$program" "$@"; }

for needed in git go curl psql createdb; do
	command -v "$needed" >/dev/null || fail "there is no $needed"
done
examples=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)

# The demo has its own registry and its own port for addresses: it neither reads nor changes yours. It does not use your git
# configuration either.
unset DEVPORTS_REGISTRY DEVPORTS_PROJECT DEVPORTS_WORKTREE PORTSERVER_ADDRESS
export DEVPORTS_HOME="$scratch/state"
DEVPORTS_FRONT=$(devports pick)
export DEVPORTS_FRONT
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # set in git hooks
export GIT_CONFIG_GLOBAL=/dev/null
export no_proxy=127.0.0.1,.localhost # for curl

# Stop everything at the end, in any case. `down` is harmless if nothing is running.
clean_up() {
	cd "$scratch"
	for checkout in notes-search notes-login notes; do
		if [ -d "$checkout" ]; then (cd "$checkout" && devports down) >/dev/null 2>&1 || :; fi
	done
	await no_run || :
	await no_addresses || : # they answer for another second
	cd /
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# await runs a command until it succeeds, for 10 seconds at most.
await() {
	attempts=0
	until "$@" >/dev/null 2>&1; do
		attempts=$((attempts + 1))
		[ $attempts -lt 100 ] || return 1
		sleep 0.1
	done
}

no_run() { [ -z "$(devports ps --all 2>/dev/null)" ]; }

no_addresses() { ! curl -s "http://127.0.0.1:$DEVPORTS_FRONT/"; }

# runs_without_login succeeds if the worktree notes-login has no run.
runs_without_login() { ! devports ps --all | grep -q 'notes/login'; }

# page prints the page of the checkout in this directory.
page() { curl -fsS "$(devports url web)"; }

# clients counts the connections to a database.
clients() { devports run -s web -- psql -XAtc "select count(*) from pg_stat_activity where datname = '$1'"; }

say "A project: a web service, PostgreSQL, and a step that creates and fills the database. web has a pin."
cd "$scratch"
pin=$(devports pick)
mkdir notes
cd notes
cp "$examples"/worktrees/notes/*.* "$examples"/worktrees/notes/.gitignore "$examples"/stack/postgres.sh .
sed "s/8080/$pin/" "$examples"/worktrees/notes/Portfile >Portfile # 8080 may be taken here
if [ "$(id -u)" = 0 ]; then chmod a+x "$scratch"; fi               # PostgreSQL runs as another user
cat Portfile
git init -q
git add .
git -c user.name=demo -c user.email=demo@example.com commit -q -m "Take notes"

say "Two worktrees of it, each with its own branch."
show git worktree add -q ../notes-login
show git worktree add -q ../notes-search

say "Start all three. The first starts PostgreSQL, and each creates its own database in it."
for checkout in notes notes-login notes-search; do
	show cd "$scratch/$checkout"
	show devports up -d --timeout 5m || { devports logs db; fail "$checkout does not start"; }
done

say "All leased ports and all runs. The pin applies in the main checkout."
show devports ls --all
show devports ps --all
[ "$(cd ../notes && devports port web)" = "$pin" ] || fail "web of the main checkout is not on port $pin"

say "Each checkout has an address, where it answers with its own data."
for checkout in notes notes-login notes-search; do
	show cd "$scratch/$checkout"
	show devports url web
	show page | tee "$scratch/answer"
	grep -qx "the first note in $(echo "$checkout" | tr - _)" "$scratch/answer" || fail "that is not the data of $checkout"
done

say "A new note in one checkout is not in the others."
cd "$scratch/notes-login"
show curl -fsS -d "written in notes-login" "$(devports url web)"
show page | tee "$scratch/answer"
grep -q "written in notes-login" "$scratch/answer" || fail "the note is not there"
for checkout in notes notes-search; do
	show cd "$scratch/$checkout"
	show page | tee "$scratch/answer"
	! grep -q "written in" "$scratch/answer" || fail "$checkout has the note of notes-login"
done

say "Remove a worktree while it runs: its run ends by itself."
address=$(cd ../notes-login && devports url web)
port=$(cd ../notes-login && devports port web)
cd "$scratch/notes"
[ "$(clients notes_login)" -gt 0 ] || fail "web of notes-login has no connection to its database"
show git worktree remove ../notes-login
await runs_without_login || fail "the run of notes-login has not ended"
show devports ps --all
! curl -s -o "$scratch/answer" "http://127.0.0.1:$port/" || fail "something still listens on $port"
! curl -fs -o "$scratch/answer" "$address" || fail "something still answers on $address"
! readlink /proc/[0-9]*/cwd 2>/dev/null | grep -F "$scratch/notes-login" || fail "a process is left in notes-login"
[ "$(clients notes_login)" = 0 ] || fail "a client of the database notes_login is left"
echo "no process, no listener on $port, nothing at $address, and no client of the database notes_login"
show devports prune
show devports ls --all | tee "$scratch/answer"
! grep -q login "$scratch/answer" || fail "notes-login still has a port"

say "The others did not notice."
show page
cd ../notes-search
show page

say "Stop everything. PostgreSQL ends after the last checkout."
for checkout in notes notes-search; do
	show cd "$scratch/$checkout"
	show devports down
done
await no_run || fail "something is still running: $(devports ps --all)"
echo "all services are stopped; their ports stay reserved for the next start"
