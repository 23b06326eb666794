"""Rename watcher: tells people when files get the extensions that ransomware gives them."""
