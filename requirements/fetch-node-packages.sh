#!/usr/bin/env bash
# Installs what FOLDER/package-lock.json names into TARGET, again only when that is another one.
#
#   requirements/fetch-node-packages.sh FOLDER TARGET WHAT [NPM]      WHAT they are, for people; NPM: else the machine's
#
# It installs beside TARGET and then puts all of it in place: a fetch that fails leaves TARGET as it was, and who fetches
# the same at the same time finds it missing or whole.
set -euo pipefail
folder=$1 target=$2 what=$3 npm=${4:-npm}

is_there() { cmp -s "$folder/package-lock.json" "$target/made-from"; }

! is_there || exit 0

# Node.js trusts the authorities of its own list alone: besides, those that this machine trusts, as pip and uv do here.
trusted=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f "$trusted" ]; then
  export NODE_EXTRA_CA_CERTS=$trusted
fi

echo "Fetching $what into $target (once)"
beside=$target.$$
trap 'rm -rf "$beside"' EXIT
mkdir -p "$beside"
cp "$folder"/package.json "$folder"/package-lock.json "$folder"/.npmrc "$beside"
# It warns of a Node.js that is older than what some ask for, on which they work.
"$npm" ci --prefix "$beside" --loglevel error --no-update-notifier >/dev/null
cp "$folder/package-lock.json" "$beside/made-from"

# Another one may be in use already, and is as good.
! is_there || exit 0
rm -rf "$target"
mv "$beside" "$target"
