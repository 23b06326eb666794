"""The ONTAP client with the laboratory's own secret."""

from __future__ import annotations

from fsxn_runtime.ontap import connect, path

from lab.premises import VOLUME
from lab.world import World


def test_the_stored_secret_opens_the_simulated_ontap(world: World) -> None:
    secret_id = world.environment()["ONTAP_SECRET_ID"]
    with connect(secret_id, secretsmanager=world.client("secretsmanager")) as ontap:
        names = [record["name"] for record in ontap.records(path("storage", "volumes"), fields=("name",))]
    assert VOLUME in names
