"""Plan → isolated worker → measurement → result file."""
