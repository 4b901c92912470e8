#!/bin/sh
# Three checkouts of one project run at the same time: the main one and two git worktrees. Each has its own ports, without
# any configuration.
#
#   sh demo.sh                              with devports from PATH
#   DEVPORTS=path/to/devports sh demo.sh    with another devports
#
# It needs git, Go and curl. All its files are in a temporary folder, which it removes afterwards.
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

for needed in git go curl; do
	command -v "$needed" >/dev/null || fail "there is no $needed"
done
sources=$(cd "$(dirname "$0")" && pwd)/hello
scratch=$(mktemp -d)

# The demo has its own registry: it neither reads nor changes yours. It does not use your git configuration either.
unset DEVPORTS_REGISTRY DEVPORTS_PROJECT DEVPORTS_WORKTREE PORTSERVER_ADDRESS
export DEVPORTS_HOME="$scratch/state"
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # set in git hooks
export GIT_CONFIG_GLOBAL=/dev/null
export no_proxy=127.0.0.1 # for curl

# Stop everything at the end, in any case. `down` is harmless if nothing is running.
clean_up() {
	cd "$scratch"
	for checkout in hello hello-login hello-search; do
		if [ -d "$checkout" ]; then (cd "$checkout" && devports down) >/dev/null 2>&1 || :; fi
	done
	cd /
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

say "A project with two services, of which web has a pinned port (a free one, as 8080 may be taken here)."
cd "$scratch"
pin=$(devports pick)
mkdir hello
cd hello
cp "$sources/hello.go" .
sed "s/8080/$pin/" "$sources/Portfile" >Portfile
cat Portfile
git init -q
git add .
git -c user.name=demo -c user.email=demo@example.com commit -q -m "Say hello"

say "Two worktrees of it, each with its own branch."
show git worktree add -q ../hello-login
show git worktree add -q ../hello-search

say "Start all three in the background. up -d returns when the services are ready."
for checkout in hello hello-login hello-search; do
	show cd "$scratch/$checkout"
	show devports up -d --timeout 5m
done

say "All leased ports, with their checkouts."
show devports ls --all

say "All running services."
show devports ps --all

say "Each service responds on its own port. In a checkout, its name is enough to find it."
ports=
for checkout in hello hello-login hello-search; do
	cd "$scratch/$checkout"
	for service in web api; do
		port=$(devports port "$service")
		show curl -sS "http://127.0.0.1:$port/" | tee "$scratch/answer"
		grep -q "^$service of .* on port $port," "$scratch/answer" || fail "that was not $service of $checkout"
		ports="$ports $port"
	done
done

say "No two services have the same port, and the pin applies in the main checkout."
# The first one is web of the main checkout.
case $ports in " $pin "*) ;; *) fail "web of the main checkout has not got $pin:$ports" ;; esac
different=$(printf '%s\n' $ports | sort -u | wc -l)
[ "$different" -eq 6 ] || fail "want 6 different ports, have$ports"
echo "6 services, 6 ports:$ports"

say "Stop everything."
for checkout in hello hello-login hello-search; do
	cd "$scratch/$checkout"
	show devports down
done
for port in $ports; do
	! curl -s -o "$scratch/answer" "http://127.0.0.1:$port/" || fail "something still answers on $port"
done
echo "all services are stopped; their ports stay reserved for the next start"
