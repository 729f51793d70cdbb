"""What people see: progress, tables, the page, the report."""
