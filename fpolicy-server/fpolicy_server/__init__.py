"""FPolicy external engine: ONTAP file notifications in over TCP, SQS messages out."""
