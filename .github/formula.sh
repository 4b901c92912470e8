#!/bin/sh
# Prints the formula for Homebrew, from a release's version and checksums.txt:
# .github/formula.sh 0.1.0 .github/dist/checksums.txt
#
# goreleaser makes casks. A formula installs on Linux as on macOS, with every
# Homebrew, and the program, which is not signed, gets no quarantine there.
set -eu

version=$1 checksums=$2
releases=https://github.com/devports/devports/releases/download/v$version

archive() {
	name=devports_${version}_$1.tar.gz
	sum=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\$/\1/p" "$checksums")
	[ -n "$sum" ] || { echo "$checksums: no checksum of $name" >&2; exit 1; }
	printf '      url "%s"\n      sha256 "%s"\n' "$releases/$name" "$sum"
}

darwin_arm64=$(archive darwin_arm64)
darwin_amd64=$(archive darwin_amd64)
linux_arm64=$(archive linux_arm64)
linux_amd64=$(archive linux_amd64)

cat <<END
# Made by .github/formula.sh of devports: edit it there.
class Devports < Formula
  desc "Launcher for development environments in which services keep their ports"
  homepage "https://github.com/devports/devports"
  version "$version"
  license "Apache-2.0"

  on_macos do
    on_arm do
$darwin_arm64
    end
    on_intel do
$darwin_amd64
    end
  end

  on_linux do
    on_arm do
$linux_arm64
    end
    on_intel do
$linux_amd64
    end
  end

  def install
    bin.install "devports"
    bash_completion.install "completions/devports.bash" => "devports"
    zsh_completion.install "completions/_devports"
    fish_completion.install "completions/devports.fish"
    man1.install "man/devports.1"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/devports --version")
    (testpath/"Portfile").write "[services]\nweb = \"true\"\n"
    system bin/"devports", "check"
  end
end
END
