"""What people look at: progress, tables, the page, the report."""
