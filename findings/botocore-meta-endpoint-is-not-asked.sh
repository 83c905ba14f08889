#!/bin/sh
# botocore's client.meta.endpoint_url names a host that the client does not send its requests to.
#
# Version: botocore==1.44.8
# Expected: the URL of a client's endpoint is where it sends requests that are bound to no other host: to log it, to
#   check that it is a FIPS endpoint, or to allow it in a firewall, is to know where the requests go.
# Behaviour: it is taken from endpoints.json, and the requests go where the service's rule set says. The two differ
#   for AWS's ISO partitions: with use_fips_endpoint the URL is that of the endpoint that is no FIPS one. And where the
#   former has none (dual stack in eu-isoe-west-1), no client can be made, though the rule set has an endpoint.
#   (The project's issue 3442 tells of such a difference for another service.)
# Seen on 2026-11-30 (no request is sent):
#   us-east-1, FIPS: meta sqs-fips.us-east-1.amazonaws.com, request sqs-fips.us-east-1.amazonaws.com
#   us-iso-east-1, FIPS: meta sqs.us-iso-east-1.c2s.ic.gov, request sqs-fips.us-iso-east-1.c2s.ic.gov
#   us-iso-east-1, dual stack: meta sqs.us-iso-east-1.api.aws, request sqs.us-iso-east-1.api.aws.ic.gov
#   eu-isoe-west-1, dual stack: EndpointVariantError, rule set sqs.eu-isoe-west-1.api.cloud-aws.adc-e.uk
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
python3 -m venv venv
timeout 300 venv/bin/pip install -qq botocore==1.44.8
cat >endpoints.py <<'PYTHON'
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointVariantError
from botocore.session import Session

session = Session()
session.set_credentials("none", "none")


class Stopped(Exception):
    """In place of sending."""


def hosts(region, **variant):
    client = session.create_client("sqs", region_name=region, config=Config(**variant))
    requests = []

    def stop(request, **_):
        requests.append(request.url)
        raise Stopped

    client.meta.events.register("before-send.sqs", stop)
    try:
        client.list_queues()
    except Stopped:
        pass
    return urlsplit(client.meta.endpoint_url).hostname, urlsplit(requests[0]).hostname


for region, name, variant in (
    ("us-east-1", "FIPS", {"use_fips_endpoint": True}),
    ("us-iso-east-1", "FIPS", {"use_fips_endpoint": True}),
    ("us-iso-east-1", "dual stack", {"use_dualstack_endpoint": True}),
):
    print("{}, {}: meta {}, request {}".format(region, name, *hosts(region, **variant)))

loader = session.get_component("data_loader")
rules = EndpointProvider(loader.load_service_model("sqs", "endpoint-rule-set-1"), loader.load_data("partitions"))
url = rules.resolve_endpoint(Region="eu-isoe-west-1", UseFIPS=False, UseDualStack=True).url
try:
    came = hosts("eu-isoe-west-1", use_dualstack_endpoint=True)
except EndpointVariantError as error:
    came = type(error).__name__
print(f"eu-isoe-west-1, dual stack: {came}, rule set {urlsplit(url).hostname}")
PYTHON
seen=$(timeout 60 venv/bin/python endpoints.py)
echo "$seen"
[ "$seen" = "us-east-1, FIPS: meta sqs-fips.us-east-1.amazonaws.com, request sqs-fips.us-east-1.amazonaws.com
us-iso-east-1, FIPS: meta sqs.us-iso-east-1.c2s.ic.gov, request sqs-fips.us-iso-east-1.c2s.ic.gov
us-iso-east-1, dual stack: meta sqs.us-iso-east-1.api.aws, request sqs.us-iso-east-1.api.aws.ic.gov
eu-isoe-west-1, dual stack: EndpointVariantError, rule set sqs.eu-isoe-west-1.api.cloud-aws.adc-e.uk" ]
