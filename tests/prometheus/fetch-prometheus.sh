#!/usr/bin/env bash
# Provides the Prometheus of tests/prometheus: $PROMETHEUS, or one on the PATH, else Debian's package, unpacked into
# .tools/prometheus. It is not installed: that would start a daemon.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TARGET=.tools/prometheus

fail() { printf 'test-prometheus: %s\n' "$*" >&2; exit 1; }

if [ -n "${PROMETHEUS:-}" ]; then
  [ -x "$PROMETHEUS" ] || fail "PROMETHEUS=$PROMETHEUS is no program: give the path of prometheus, with promtool beside it"
  exit
fi
{ command -v prometheus && command -v promtool; } >/dev/null && exit
[ -x "$TARGET/usr/bin/prometheus" ] && exit
command -v apt-get >/dev/null ||
  fail "there is no apt here: download a release of Prometheus from prometheus.io and set PROMETHEUS=/path/to/prometheus"

echo "test-prometheus: fetching Debian's Prometheus into $TARGET (20 MB)"
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
chmod 755 "$download" # apt fetches as a user of its own where it can
(cd "$download" && apt-get download -qq prometheus >/dev/null 2>&1) ||
  fail "apt cannot fetch its package prometheus: run apt-get update, or set PROMETHEUS=/path/to/prometheus"
mkdir -p .tools
rm -rf "$TARGET"
dpkg -x "$download"/prometheus_*.deb "$TARGET.new"
mv "$TARGET.new" "$TARGET"
