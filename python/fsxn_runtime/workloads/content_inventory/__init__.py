"""Content inventory: what a file is (hash, size, media type, text statistics), as one report per work key."""
