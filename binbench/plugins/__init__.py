"""What a compression method is, how it is named and found, and what methods have in common."""
