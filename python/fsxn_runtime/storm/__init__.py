"""A storm of file operations for proofs: generated from a seed, performed on a volume, kept in a ledger."""

from fsxn_runtime.storm.collector import Collector, parse_bodies
from fsxn_runtime.storm.folder import Folder, mount_protocol
from fsxn_runtime.storm.generator import acts
from fsxn_runtime.storm.model import Act, Action, Storm
from fsxn_runtime.storm.pace import perform
from fsxn_runtime.storm.service import EcsService
from fsxn_runtime.storm.simulator import Simulator

__all__ = [
    "Act",
    "Action",
    "Collector",
    "EcsService",
    "Folder",
    "Simulator",
    "Storm",
    "acts",
    "mount_protocol",
    "parse_bodies",
    "perform",
]
