"""All rows of the table, in the order of the document."""

from tests.brokers import capabilities, contents, dead_letters, queues, receipts

SECTIONS = (receipts.SECTION, dead_letters.SECTION, contents.SECTION, queues.SECTION, capabilities.SECTION)

ROWS = tuple(row for section in SECTIONS for row in section.rows)
