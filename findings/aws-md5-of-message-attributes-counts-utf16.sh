#!/bin/sh
# aws-md5-of-message-attributes gives another digest than SQS for an attribute with a character beyond ASCII.
#
# Version: aws-md5-of-message-attributes==1.0.0 of npm (local-aws-sqs 2.0.2 answers with its digests)
# Expected: the digest is taken as AWS's guide says ("Calculating the MD5 message digest for message attributes"): each
#   part in UTF-8, after its length in bytes.
# Behaviour: the length is that of the string in JavaScript, in units of UTF-16, before bytes in UTF-8. In ASCII, as in
#   the README's examples, they are the same. Elsewhere the digest is wrong: a message that is whole looks altered to
#   who compares, such as AWS's SDK for Java, which checks this digest by default.
# Seen on 2026-11-30:
#   "cafe": the same
#   "café": another
#   "日本": another
#   "😀": another
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
export npm_config_cache="$dir/cache"
timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts aws-md5-of-message-attributes@1.0.0
cat >digest.cjs <<'JAVASCRIPT'
const { md5OfMessageAttributes } = require("aws-md5-of-message-attributes");

const value = require("node:fs").readFileSync(0, "utf8");
console.log(md5OfMessageAttributes({ name: { DataType: "String", StringValue: value } }));
JAVASCRIPT
timeout 60 python3 - <<'PYTHON'
import hashlib
import subprocess
import sys


def part(text):
    encoded = text.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def as_documented(value):
    # 1 is the type of a value that is a string.
    return hashlib.md5(part("name") + part("String") + b"\x01" + part(value)).hexdigest()


def as_computed(value):
    done = subprocess.run(["node", "digest.cjs"], input=value.encode(), stdout=subprocess.PIPE, check=True, timeout=20)
    return done.stdout.decode().strip()


seen = []
for value in ("cafe", "café", "日本", "😀"):
    seen.append(as_computed(value) == as_documented(value))
    print(f'"{value}":', "the same" if seen[-1] else "another")
sys.exit(seen != [True, False, False, False])
PYTHON
