#!/bin/sh
# Three checkouts of one project run side by side: the main one and two git worktrees. Each has ports of its own, and nothing
# had to be configured for that.
#
#   sh demo.sh                              with the devports on PATH
#   DEVPORTS=path/to/devports sh demo.sh    with another
#
# It needs git, Go and curl. All that it makes is in a scratch folder, which is gone afterwards.
set -eu

say() { printf '\n# %s\n' "$*"; }

fail() {
	echo "demo.sh: $*" >&2
	exit 1
}

# show runs a command and shows it as well.
show() {
	echo "\$ $*"
	"$@"
}

program=$(command -v "${DEVPORTS:-devports}") || fail "there is no ${DEVPORTS:-devports}: set DEVPORTS to its path"
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program") # a relative path would not survive cd
devports() { "$program" "$@"; }

for needed in git go curl; do
	command -v "$needed" >/dev/null || fail "there is no $needed"
done
sources=$(cd "$(dirname "$0")" && pwd)/hello
scratch=$(mktemp -d)

# The demonstration has a registry of its own: your ports are neither read nor changed. Nor has it your git's settings.
unset DEVPORTS_REGISTRY DEVPORTS_PROJECT DEVPORTS_WORKTREE PORTSERVER_ADDRESS
export DEVPORTS_HOME="$scratch/state"
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # which a hook would set
export GIT_CONFIG_GLOBAL=/dev/null
export no_proxy=127.0.0.1 # for curl

# However the script ends, it stops what it has started. `down` where nothing runs does no harm.
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

say "A project: two services, of which web is pinned to a port. (8080 may be taken here, so it is one that is free.)"
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

say "Two worktrees of it, each with a branch of its own."
show git worktree add -q ../hello-login
show git worktree add -q ../hello-search

say "All three are started, in the background. up -d returns when the services are ready."
for checkout in hello hello-login hello-search; do
	show cd "$scratch/$checkout"
	show devports up -d --timeout 5m
done

say "Every port that is kept, and whose it is."
show devports ls --all

say "Every service that runs."
show devports ps --all

say "Each answers on its own port. Inside a checkout, a name is enough to find it."
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

say "No two have the same port, and the pin holds in the main checkout."
# The first of them is web of the main checkout.
case $ports in " $pin "*) ;; *) fail "web of the main checkout has not got $pin:$ports" ;; esac
different=$(printf '%s\n' $ports | sort -u | wc -l)
[ "$different" -eq 6 ] || fail "want 6 different ports, have$ports"
echo "6 services, 6 ports:$ports"

say "And down with them."
for checkout in hello hello-login hello-search; do
	cd "$scratch/$checkout"
	show devports down
done
for port in $ports; do
	! curl -s -o "$scratch/answer" "http://127.0.0.1:$port/" || fail "something still answers on $port"
done
echo "nothing answers any more; the ports stay theirs for the next time"
