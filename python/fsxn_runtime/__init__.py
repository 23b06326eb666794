"""Runtime of the platform: Lambda handlers, their capabilities, and the fsxn command."""
