#!/bin/sh
# A webhook whose signature is malformed is refused by standardwebhooks with another error than its own.
#
# Version: standardwebhooks==1.1.0
# Expected: Webhook.verify raises WebhookVerificationError for whatever it does not verify, as for a missing header, so that a
#   receiver that catches it answers 401.
# Behaviour: a webhook-signature without a comma, or with what is no Base64, is a ValueError (binascii.Error), and so is a
#   body that is no UTF-8: the receiver answers 500, and a stranger fills its log with tracebacks.
# Seen on 2026-11-29, CPython 3.11.7:
#   none: WebhookVerificationError
#   another secret's: WebhookVerificationError
#   no comma: ValueError
#   no Base64: Error
#   no UTF-8: UnicodeDecodeError
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq standardwebhooks==1.1.0
cat >verify.py <<'PYTHON'
import base64
from datetime import datetime, timezone

from standardwebhooks import Webhook

webhook = Webhook(base64.b64encode(b"s" * 24).decode())
another = Webhook(base64.b64encode(b"t" * 24).decode())
now = datetime.now(timezone.utc)
headers = {"webhook-id": "1", "webhook-timestamp": str(int(now.timestamp()))}
signature = another.sign("1", now, "{}")

for what, body, more in (
    ("none", b"{}", {}),
    ("another secret's", b"{}", {"webhook-signature": signature}),
    ("no comma", b"{}", {"webhook-signature": "nonsense"}),
    ("no Base64", b"{}", {"webhook-signature": "v1,a"}),
    ("no UTF-8", b"\xff", {"webhook-signature": signature}),
):
    try:
        webhook.verify(body, {**headers, **more})
    except Exception as error:
        print(f"{what}: {type(error).__name__}")
PYTHON
seen=$(timeout 60 venv/bin/python verify.py)
echo "$seen"
[ "$seen" = "none: WebhookVerificationError
another secret's: WebhookVerificationError
no comma: ValueError
no Base64: Error
no UTF-8: UnicodeDecodeError" ]
