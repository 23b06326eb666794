"""`make storm`: the large proofs, each with figures, a page and bounds that it must keep."""
