"""What codes are worth beside retrieval: sentence similarity and classification."""
