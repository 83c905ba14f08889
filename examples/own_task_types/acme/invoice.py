"""Draws an invoice: nothing here knows of tasks, so that a process of its own can do it."""

from dataclasses import dataclass
from decimal import Decimal

from fpdf import FPDF
from fpdf.errors import FPDFUnicodeEncodingException


class UnprintableError(Exception):
    """An invoice has characters that the font lacks."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice."""

    description: str
    quantity: int
    unit_price: Decimal

    @property
    def total(self) -> Decimal:
        """Its price."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice; its prices are net."""

    number: str
    customer: str
    currency: str
    lines: tuple[InvoiceLine, ...]

    @property
    def total(self) -> Decimal:
        """The sum of its lines."""
        return sum((line.total for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class DrawnInvoice:
    """The PDF of an invoice."""

    pdf: bytes
    pages: int


def draw(invoice: Invoice) -> DrawnInvoice:
    """Draw an invoice. Raises UnprintableError."""
    pdf = FPDF()
    pdf.add_page()
    try:
        _draw(pdf, invoice)
    except FPDFUnicodeEncodingException as error:
        raise UnprintableError(f"the font has Western European characters alone, and no {error.character!r}") from None
    return DrawnInvoice(bytes(pdf.output()), pdf.pages_count)


def _draw(pdf: FPDF, invoice: Invoice) -> None:
    pdf.set_font("Helvetica", size=16)
    pdf.cell(text=f"Invoice {invoice.number}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=11)
    pdf.cell(text=invoice.customer, new_x="LMARGIN", new_y="NEXT")
    pdf.ln()
    with pdf.table(text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"), col_widths=(4, 1, 1, 1)) as table:
        table.row(("Description", "Quantity", "Price", invoice.currency))
        for line in invoice.lines:
            table.row((line.description, str(line.quantity), f"{line.unit_price:.2f}", f"{line.total:.2f}"))
        table.row(("Total", "", "", f"{invoice.total:.2f}"))
