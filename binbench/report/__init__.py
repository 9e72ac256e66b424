"""What people look at: tables, plots, exports, sites."""
