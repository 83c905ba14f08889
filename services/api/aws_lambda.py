"""`services.api.aws_lambda.handler`: the function behind a function URL, whose events Mangum makes ASGI of.

An environment of Lambda's has one request at a time, so nobody waits for another's validation, and batches do not form.
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from services.runtime.garbage_collection import without_collections

with without_collections():
    from typing import Any

    from mangum import Mangum

    from services.api.app import create_app
    from services.api.settings import ApiFunctionSettings
    from services.messages import MAX_BODY_BYTES
    from services.runtime.boot import boot
    from services.runtime.function import FunctionProcess, Handler, LambdaContext
    from services.telemetry import tracing


def make_handler() -> Handler:
    """Set up all that the function works with."""
    process = FunctionProcess()
    booted = boot(ApiFunctionSettings, traced_as="api")
    app = create_app(booted.settings, booted.task_types, large_body_bytes=MAX_BODY_BYTES, looks_again=False)
    # Once: by itself Mangum would enter it for each request, and leave it behind.
    process.open(app.router.lifespan_context(app))
    answer = Mangum(app, lifespan="off")

    def handle(event: Any, context: LambdaContext) -> Any:
        try:
            return answer(event, context)  # type: ignore[arg-type]  # it wants all that Lambda's own class has
        finally:
            tracing.tracer.flush()

    return handle


with without_collections():
    handler = make_handler()
