"""A simulated FSx for ONTAP file system: volumes on directories, FPolicy client side, REST, S3 face, ledger.

It is written from the protocol and REST references alone and imports nothing of the product, so that the
product and the simulator are two independent readings of the same documents.
"""
