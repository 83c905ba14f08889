#!/usr/bin/env bash
# Resolves FOLDER/package.json anew into package-lock.json, which has versions and hashes, and no URLs. Part of `make lock`.
#
#   requirements/lock-node-packages.sh FOLDER
set -euo pipefail
cd "$1"

rm -f package-lock.json
npm install --package-lock-only --loglevel error
node --input-type=module -e '
  import { readFileSync, writeFileSync } from "node:fs";
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  for (const entry of Object.values(lock.packages)) delete entry.funding;
  writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
'
