"""Task type `invoice-pdf`: draw invoices as PDF."""

import base64
from decimal import Decimal
from typing import Annotated

from anyio import to_process
from pydantic import BaseModel, Field

from acme.invoice import Invoice, InvoiceLine, UnprintableError, draw
from services.task_types import ItemError, TaskContext, TaskItem, TaskType

Amount = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]


class Line(BaseModel):
    """A line of an invoice."""

    description: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    unit_price: Amount


class InvoiceItem(TaskItem):
    """An invoice; the prices are net, in one currency."""

    number: Annotated[str, Field(min_length=1, max_length=40)]
    customer: Annotated[str, Field(min_length=1, max_length=200)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
    lines: Annotated[list[Line], Field(min_length=1, max_length=500)]


class InvoicePdf(BaseModel):
    """The drawn invoice."""

    total: Annotated[Decimal, Field(description="The sum of its lines.")]
    pages: int
    pdf: Annotated[str, Field(description="The PDF in Base64 (RFC 4648, section 4).")]


async def run(item: InvoiceItem, _context: TaskContext) -> InvoicePdf:
    """Draw the invoice. Raises ItemError where it has what the font lacks."""
    lines = tuple(InvoiceLine(line.description, line.quantity, line.unit_price) for line in item.lines)
    invoice = Invoice(item.number, item.customer, item.currency, lines)
    try:
        # Drawing computes for long, and would hold up all other tasks. A process can be killed, which a thread cannot:
        # that happens where the attempt takes too long, or the worker stops.
        drawn = await to_process.run_sync(draw, invoice, cancellable=True)
    except UnprintableError as error:
        raise ItemError(str(error)) from error
    return InvoicePdf(total=invoice.total, pages=drawn.pages, pdf=base64.b64encode(drawn.pdf).decode())


TASK_TYPE = TaskType(
    name="invoice-pdf",
    route="/v1/invoices/pdf",
    summary="Draw invoices as PDF",
    item=InvoiceItem,
    run=run,
    example=[
        {
            "name": "invoice-1001",
            "number": "1001",
            "customer": "Anna Example",
            "currency": "EUR",
            "lines": [
                {"description": "Widgets", "quantity": 12, "unit_price": Decimal("4.20")},
                {"description": "Shipping", "quantity": 1, "unit_price": Decimal("9.90")},
            ],
        }
    ],
    item_concurrency=2,
)
