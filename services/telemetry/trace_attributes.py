"""What carries a trace beside a message, apart from what reads it: where nothing is traced that is never loaded."""

TRACEPARENT_ATTRIBUTE = "traceparent"
TRACESTATE_ATTRIBUTE = "tracestate"
"""Where the programs are traced: the span that sent the message (https://www.w3.org/TR/trace-context)."""
MAX_TRACESTATE_BYTES = 512
"""As much as must at least be passed on (W3C Trace Context, section 3.3.1.5)."""
