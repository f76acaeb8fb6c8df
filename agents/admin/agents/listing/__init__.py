"""The agent list: columns, filters, saved views, live refresh, export."""
