"""`receiver.aws_lambda.handler`: the receiver as a function behind a function URL, for a first try on AWS.

What has come is in SQLite, in /tmp of one environment of the function, and lasts as long as that environment lives.
Lambda makes another one for a request that comes while all are busy, and that has an inbox of its own. The function's
log has every callback with its `task_id`, whichever environment took it.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

An answer goes out as a whole, when it is made. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from mangum import Mangum

from receiver.app import create_app
from receiver.boot import refuse_to_start, usable_settings
from receiver.function_url import bounded
from receiver.logs import configure_logs
from receiver.settings import FunctionSettings, SettingError
from services.streams.output import protect


def make_handler() -> Callable[[Any, Any], Any]:
    """Set up all that the function works with."""
    settings = _settings()
    configure_logs(settings)
    logging.getLogger("mangum").setLevel(logging.WARNING)  # it logs each request; the inbox is the record of what came
    app = create_app(settings, token=settings.receiver_token.get_secret_value(), can_stream=False)
    # Mangum runs each request on the loop that is set.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Once: by itself Mangum would enter it for each request, and leave it behind. It ends where nobody refers to it.
    app.state.lifespan = app.router.lifespan_context(app)
    loop.run_until_complete(app.state.lifespan.__aenter__())
    answer = Mangum(app, lifespan="off")

    def handle(event: Any, context: Any) -> Any:
        return bounded(answer(event, context))

    return handle


def _settings() -> FunctionSettings:
    protect("stderr")
    try:
        return usable_settings(FunctionSettings)
    except SettingError as error:
        refuse_to_start(error)


handler = make_handler()
