#!/bin/sh
# Installs devports from a release on GitHub, once its checksum is verified:
#
#   curl -fsSL https://github.com/devports/devports/releases/latest/download/install.sh | sh
#
# It needs no root and edits no file of your shell. A download of this script
# that is cut short does nothing: all is in functions, called by the last line.
set -eu

usage() {
	cat <<'END'
Installs devports for Linux or macOS.

Usage: install.sh [--version VERSION] [--dir DIRECTORY]

  --version VERSION  install VERSION, such as 0.1.0, instead of the latest
                     release; or set DEVPORTS_VERSION
  --dir DIRECTORY    install into DIRECTORY instead of ~/.local/bin; or set
                     DEVPORTS_INSTALL_DIR

To download from a mirror, set DEVPORTS_RELEASES to its equivalent of
https://github.com/devports/devports/releases
END
}

main() {
	version=${DEVPORTS_VERSION-}
	dir=${DEVPORTS_INSTALL_DIR-}
	releases=${DEVPORTS_RELEASES:-https://github.com/devports/devports/releases}
	while [ $# -gt 0 ]; do
		case $1 in
		--version=* | --dir=*)
			option=${1%%=*} value=${1#*=}
			shift
			set -- "$option" "$value" "$@"
			continue
			;;
		--version | --dir)
			[ -n "${2-}" ] || fail "$1 needs a value" "see --help"
			if [ "$1" = --dir ]; then dir=$2; else version=$2; fi
			shift 2
			;;
		-h | --help)
			usage
			return
			;;
		*) fail "unknown argument $1" "see --help" ;;
		esac
	done
	if [ -z "$dir" ]; then
		[ -n "${HOME-}" ] || fail "HOME is not set" "name the directory: --dir DIRECTORY"
		dir=$HOME/.local/bin
	fi
	platform=$(platform)
	install "${version#v}" "$platform" "$dir" "${releases%/}"
}

# install VERSION PLATFORM DIRECTORY RELEASES: without a version, the latest.
install() {
	has tar || fail "tar is missing" "install it, then run this again"
	mkdir -p "$3" 2>/dev/null || fail "cannot create $3" "choose another directory: --dir DIRECTORY"
	dir=$(cd "$3" && pwd)
	[ ! -d "$dir/devports" ] || fail "$dir/devports is a directory" "choose another directory: --dir DIRECTORY"
	# Next to its destination, where the last step is a rename: it replaces a
	# program that is running, and there is always an old or a new one.
	temp=$(mktemp -d "$dir/.devports.XXXXXX" 2>/dev/null) || fail "cannot write to $dir" "choose another directory: --dir DIRECTORY"
	trap 'rm -rf "$temp"' EXIT
	trap 'exit 1' HUP INT TERM

	from=$4/latest/download
	[ -z "$1" ] || from=$4/download/v$1
	download "$from/checksums.txt" "$temp/checksums.txt" ||
		fail "cannot download $from/checksums.txt" "check the network, and that the release exists: $4"
	# A line is "CHECKSUM  devports_VERSION_PLATFORM.tar.gz".
	line=$(grep "^[0-9a-f]\{64\}  devports_[^/]*_$2\.tar\.gz\$" "$temp/checksums.txt") ||
		fail "$from/checksums.txt has no archive for $2" "see $4"
	archive=${line#*  }
	release=${archive%.tar.gz}
	version=${release#devports_}
	version=${version%"_$2"}

	echo "downloading devports $version for $2"
	from=$4/download/v$version/$archive
	download "$from" "$temp/$archive" || fail "cannot download $from" "check the network, then run this again"
	sum=$(sha256 "$temp/$archive")
	[ "$sum" = "${line%% *}" ] ||
		fail "the checksum of $from is $sum instead of ${line%% *}; nothing was installed" "run this again: the download may be damaged"
	tar -xzf "$temp/$archive" -C "$temp" "$release/devports" || fail "cannot unpack $archive" "check the space left in $dir"
	"$temp/$release/devports" --version >/dev/null || fail "devports $version does not run on this system; nothing was installed" "please report it: ${4%/releases}/issues"
	mv -f "$temp/$release/devports" "$dir/devports" || fail "cannot replace $dir/devports" "choose another directory: --dir DIRECTORY"
	echo "installed $dir/devports"

	case :$PATH: in
	*":$dir:"*)
		found=$(command -v devports || true)
		[ "$found" = "$dir/devports" ] || hint "$found comes first on your PATH; to use the new one, remove it"
		;;
	*) hint "$dir is not on your PATH; $(addition "$dir")" ;;
	esac
}

# addition DIRECTORY prints how to add a directory to PATH for good.
addition() {
	case ${SHELL-} in
	*/fish) echo "to add it: fish_add_path '$1'" ;;
	*/zsh) echo "add this line to ~/.zshrc: export PATH=\"$1:\$PATH\"" ;;
	*/bash) echo "add this line to ~/.bashrc: export PATH=\"$1:\$PATH\"" ;;
	*) echo "add this line to ~/.profile: export PATH=\"$1:\$PATH\"" ;;
	esac
}

# platform prints this machine's part of an archive's name.
platform() {
	os=$(uname -s) arch=$(uname -m)
	case $os in
	Linux) os=linux ;;
	Darwin)
		os=darwin
		# Rosetta translates this shell.
		[ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || arch=arm64
		;;
	MINGW* | MSYS* | CYGWIN*)
		fail "this script does not install on Windows" "scoop bucket add devports https://github.com/devports/scoop-bucket && scoop install devports"
		;;
	*) unreleased "$os" ;;
	esac
	case $arch in
	x86_64 | amd64) arch=amd64 ;;
	aarch64 | arm64) arch=arm64 ;;
	*) unreleased "$os on $arch" ;;
	esac
	echo "${os}_$arch"
}

unreleased() {
	fail "there is no release for $1" "build it with Go: CGO_ENABLED=0 go install -tags urfave_cli_no_docs github.com/devports/devports/cmd/devports@latest"
}

# download URL FILE
download() {
	if has curl; then
		# No redirection leads from https to http.
		case $1 in
		https:*) curl --proto =https --retry 2 --connect-timeout 20 -fsSL -o "$2" "$1" ;;
		*) curl --retry 2 --connect-timeout 20 -fsSL -o "$2" "$1" ;;
		esac
	elif has wget; then
		wget -q -O "$2" "$1"
	else
		fail "curl and wget are missing" "install one of them, then run this again"
	fi
}

# sha256 FILE
sha256() {
	if has sha256sum; then
		line=$(sha256sum <"$1")
	elif has shasum; then
		line=$(shasum -a 256 <"$1")
	elif has openssl; then
		line=$(openssl dgst -sha256 -r <"$1")
	else
		fail "sha256sum, shasum and openssl are missing: the checksum cannot be verified" "install one of them, then run this again"
	fi
	echo "${line%% *}"
}

has() { command -v "$1" >/dev/null 2>&1; }

hint() { printf 'devports: hint: %s\n' "$1" >&2; }

# fail ERROR HINT
fail() {
	printf 'devports: error: %s\n' "$1" >&2
	hint "$2"
	exit 1
}

# In braces, which a cut download does not close.
{ main "$@"; }
