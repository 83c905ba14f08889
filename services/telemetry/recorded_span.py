"""A span that costs little while it is recorded, and goes the way of OpenTelemetry's own when it ends.

OpenTelemetry's looks at each attribute several times, under two locks, and keeps lists and copies for what few spans
have: with it a recorded task would cost its worker half as much again. It is the same to whoever makes spans within
this one, or adds to it, by OpenTelemetry's API, and the same limits hold
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#span-limits).
"""

import math
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_ESCAPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AnyValue
from opentelemetry.util.types import Attributes as AnyAttributes
from typing_extensions import override

# OpenTelemetry leaves these as they are.
_PLAIN_VALUES = frozenset({str, int})
_UNSET = Status()


class Pipeline:
    """What all of a program's spans have in common, and where they go when they end."""

    def __init__(
        self, processor: SpanProcessor, resource: Resource, scope: InstrumentationScope, limits: SpanLimits
    ) -> None:
        self.on_end = processor.on_end
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.most_links = _most(limits.max_links)
        # None where a value may be too long: each is to be looked at then.
        has_no_longest = limits.max_span_attribute_length is None
        self.most_plain_attributes = _most(limits.max_span_attributes) if has_no_longest else -1


class RecordedSpan(trace.Span):
    """A span under way, whose parent is sampled as it is itself."""

    def __init__(  # noqa: PLR0913, PLR0917  # all that a span is
        self,
        pipeline: Pipeline,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext,
        attributes: dict[str, Any],
        links: Sequence[Link],
    ) -> None:
        """`attributes` are texts and whole numbers, and the span's own from now on."""
        self.kind = kind
        self._pipeline = pipeline
        self._name = name
        self._context = context
        self._parent = parent
        self._attributes: MutableMapping[str, Any] = attributes
        self._links = links
        self._events: BoundedList[Event] | None = None
        self._status = _UNSET
        self._has_ended = False
        self._begun = time_ns()

    @override
    def end(self, end_time: int | None = None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        pipeline = self._pipeline
        attributes, links = self._attributes, self._links
        if attributes.__class__ is dict and len(attributes) > pipeline.most_plain_attributes:
            attributes = self._bounded(attributes)
        if len(links) > pipeline.most_links:
            links = BoundedList.from_seq(pipeline.limits.max_links, links)
        pipeline.on_end(
            ReadableSpan(
                name=self._name,
                context=self._context,
                parent=self._parent,
                resource=pipeline.resource,
                attributes=attributes,
                events=() if self._events is None else self._events,
                links=links,
                kind=self.kind,
                status=self._status,
                start_time=self._begun,
                end_time=time_ns() if end_time is None else end_time,
                instrumentation_scope=pipeline.scope,
            )
        )

    @override
    def get_span_context(self) -> SpanContext:
        return self._context

    @override
    def is_recording(self) -> bool:
        return not self._has_ended

    @override
    def set_attribute(self, key: str, value: AnyValue) -> None:
        self.set_attributes({key: value})

    @override
    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        if self._has_ended:
            return
        if self._attributes.__class__ is dict:
            is_plain = _PLAIN_VALUES.issuperset(map(type, attributes.values()))
            if not is_plain or len(self._attributes) + len(attributes) > self._pipeline.most_plain_attributes:
                self._attributes = self._bounded(self._attributes)
        self._attributes.update(attributes)

    @override
    def add_event(self, name: str, attributes: AnyAttributes = None, timestamp: int | None = None) -> None:
        if self._has_ended:
            return
        limits = self._pipeline.limits
        if self._events is None:
            self._events = BoundedList(limits.max_events)
        most, longest = limits.max_event_attributes, limits.max_attribute_length
        self._events.append(
            Event(name, BoundedAttributes(most, attributes, immutable=True, max_value_len=longest), timestamp)
        )

    @override
    def add_link(self, context: SpanContext, attributes: AnyAttributes = None) -> None:
        if self._has_ended or not (context.is_valid or context.trace_state or attributes):
            return
        limits = self._pipeline.limits
        most, longest = limits.max_link_attributes, limits.max_attribute_length
        link = Link(context, BoundedAttributes(most, attributes, immutable=True, max_value_len=longest))
        self._links = [*self._links, link]

    @override
    def update_name(self, name: str) -> None:
        if not self._has_ended:
            self._name = name

    @override
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        wanted = status if isinstance(status, Status) else Status(status, description)
        if not (self._has_ended or self._status.status_code is StatusCode.OK or wanted.is_unset):
            self._status = wanted

    @override
    def record_exception(
        self,
        exception: BaseException,
        attributes: AnyAttributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        recorded = {
            EXCEPTION_TYPE: name_of(type(exception)),
            EXCEPTION_MESSAGE: str(exception),
            EXCEPTION_STACKTRACE: "".join(traceback.format_exception(exception)),
            EXCEPTION_ESCAPED: str(escaped),
            **(attributes or {}),
        }
        self.add_event("exception", recorded, timestamp)

    def _bounded(self, attributes: Mapping[str, AnyValue]) -> BoundedAttributes:
        limits = self._pipeline.limits
        return BoundedAttributes(
            limits.max_span_attributes, attributes, immutable=False, max_value_len=limits.max_span_attribute_length
        )


def name_of(error: type[BaseException]) -> str:
    """Return the name of a kind of error, with its module's where it is none of Python's own."""
    return error.__qualname__ if error.__module__ == "builtins" else f"{error.__module__}.{error.__qualname__}"


def _most(limit: int | None) -> float:
    return math.inf if limit is None else limit
