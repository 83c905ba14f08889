#!/usr/bin/env bash
# Installs what package-lock.json beside it names into .tools/clients, again only when that is another one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
TARGET=../../.tools/clients

cmp -s package-lock.json "$TARGET/made-from" && exit

# Node.js trusts the authorities of its own list alone: besides, those that this machine trusts, as pip and uv do here.
trusted=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f "$trusted" ]; then
  export NODE_EXTRA_CA_CERTS=$trusted
fi

echo "test-clients: fetching the generators of TypeScript clients into .tools/clients (120 MB, once)"
rm -rf "$TARGET"
mkdir -p "$TARGET"
cp package.json package-lock.json .npmrc "$TARGET"
# It warns of a Node.js that is older than what two of them ask for, on which they work.
npm ci --prefix "$TARGET" --loglevel error
cp package-lock.json "$TARGET/made-from"
