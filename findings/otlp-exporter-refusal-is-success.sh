#!/bin/sh
# The OTLP exporter reports SUCCESS for spans that the collector did not take.
#
# Version: opentelemetry-exporter-otlp-proto-http==1.45.2, opentelemetry-sdk==1.45.2
# Expected: a redirect that is not followed, or a 200 whose body says that every span was rejected, is no success:
#   FAILURE, or at least a line in the log.
# Behaviour: any status from 200 to 399 is SUCCESS; redirects are not followed; the body of a 200 is not read. Nothing
#   is logged at INFO or above, so nobody learns that the spans are gone.
# Seen on 2026-11-28:
#   200, empty body: SUCCESS, requests: 1, log lines: 0
#   200, 1 of 1 spans rejected: SUCCESS, requests: 1, log lines: 0
#   302 with a Location: SUCCESS, requests: 1, log lines: 0
#   307 with a Location: SUCCESS, requests: 1, log lines: 0
#   400: FAILURE, requests: 1, log lines: 1
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq opentelemetry-exporter-otlp-proto-http==1.45.2 \
  opentelemetry-exporter-otlp-common==0.66b2 opentelemetry-exporter-http-transport==0.66b2 opentelemetry-sdk==1.45.2
no_proxy='*' timeout 60 venv/bin/python - <<'PYTHON'
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider

rejected = ExportTraceServiceResponse()
rejected.partial_success.rejected_spans = 1
rejected.partial_success.error_message = "over quota"
ANSWERS = {
    "200, empty body": (200, b""),
    "200, 1 of 1 spans rejected": (200, rejected.SerializeToString()),
    "302 with a Location": (302, b""),
    "307 with a Location": (307, b""),
    "400": (400, b""),
}
answer, requests, lines = (200, b""), [], []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        requests.append(self.path)
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *args):
        pass


class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record)


logging.basicConfig(level=logging.INFO, handlers=[Lines()])
server = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces", timeout=5)
span = TracerProvider().get_tracer("finding").start_span("a span")
span.end()

seen = {}
for name, answer in ANSWERS.items():
    requests.clear(), lines.clear()
    seen[name] = (exporter.export([span]).name, len(requests), len(lines))
    print("{}: {}, requests: {}, log lines: {}".format(name, *seen[name]))
server.shutdown()
expected = {name: ("SUCCESS", 1, 0) for name in ANSWERS if name != "400"} | {"400": ("FAILURE", 1, 1)}
sys.exit(seen != expected)
PYTHON
