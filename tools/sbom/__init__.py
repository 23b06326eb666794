"""Bills of materials of what is shipped: the server's image and each Lambda zip (`make sbom`)."""
