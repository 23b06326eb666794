"""The service as the environment names it, beside what botocore would send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import botocore.session
import pytest
from fpolicy_server.delivery import SqsQueue, sqs_service
from fpolicy_server.delivery.http import Response
from fpolicy_server.delivery.identity import IdentityKeeper
from fpolicy_server.delivery.parcel import Message
from fpolicy_server.delivery.signing import Identity
from fsxn_runtime.edge.log import logger
from fsxn_runtime.errors import MisconfiguredError, TransientError

from tests.server.delivery.parcels import parcel
from tests.support.fake_sqs import FakeSqs

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/000000000000/ingestion"
MOMENT = 1_795_000_000.0


class _Caught(Exception):  # noqa: N818 - not an error, it carries the request away
    pass


def by_botocore(entries: list[Any]) -> Any:
    """The request that botocore would send."""

    def catch(request: Any, **_: object) -> None:
        raise _Caught(request)

    client = botocore.session.get_session().create_client("sqs")
    client.meta.events.register("before-send.sqs.SendMessageBatch", catch)
    with pytest.raises(_Caught) as caught:
        client.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)
    return caught.value.args[0]


def test_the_request_is_the_one_that_botocore_would_send() -> None:
    """Same place, same headers but those that describe the SDK, same content."""
    sent: list[tuple[dict[str, str], bytes]] = []

    async def main() -> str:
        service = sqs_service(lambda: MOMENT, logger("test"))

        async def post(headers: dict[str, str], body: bytes) -> Response:
            sent.append((headers, body))
            return Response(200, {}, b"{}")

        service._http.post = post  # type: ignore[assignment, method-assign]
        await SqsQueue(QUEUE_URL, service.call).send([Message([parcel("ä")], is_envelope=False)])
        return f"https://{service._http.host}{service._http.path}"

    url = asyncio.run(main())
    headers, body = sent[0]
    theirs = by_botocore(json.loads(body)["Entries"])
    assert (url, json.loads(body)) == (theirs.url, json.loads(theirs.body))
    names = {name.lower() for name, _ in theirs.headers.items()}
    assert set(headers) - {"host"} == names - {
        "user-agent", "content-length", "amz-sdk-invocation-id", "amz-sdk-request",
    }  # fmt: skip
    for name in ("x-amz-target", "content-type", "x-amzn-query-mode"):
        assert headers[name] == theirs.headers[name].decode()


def test_the_endpoint_of_the_environment_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sqs: FakeSqs) -> None:
        service = sqs_service(lambda: MOMENT, logger("test"))
        answers = await SqsQueue(sqs.queue_url("q"), service.call).send(
            [Message([parcel(name)], is_envelope=False) for name in "abc"]
        )
        assert [answer.error for answer in answers] == [None] * 3
        service._http.close()

    with FakeSqs() as sqs:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs.url)
        asyncio.run(main(sqs))
        assert sqs.messages("q") == [{"n": "a"}, {"n": "b"}, {"n": "c"}]


def test_a_proxy_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    with pytest.raises(MisconfiguredError, match="NO_PROXY"):
        sqs_service(lambda: MOMENT, logger("test"))
    monkeypatch.setenv("NO_PROXY", "sqs.us-east-1.amazonaws.com")
    sqs_service(lambda: MOMENT, logger("test"))


def test_a_region_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(MisconfiguredError, match="AWS_REGION"):
        sqs_service(lambda: MOMENT, logger("test"))


def test_without_credentials_every_call_may_succeed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")

    async def main() -> None:
        service = sqs_service(lambda: MOMENT, logger("test"))
        with pytest.raises(TransientError, match="no credentials"):
            await service.call(b"{}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        assert await service._identity.current() == Identity("key", "secret")

    asyncio.run(main())


class Chain:
    """A chain of credentials that gives what a test puts into it."""

    def __init__(self) -> None:
        self.found: Identity | None = Identity("first", "secret")
        self.looks = 0

    def look(self) -> Identity:
        self.looks += 1
        if self.found is None:
            raise TransientError("endpoint is away", code="no_credentials")
        return self.found


def test_calls_that_start_together_look_once() -> None:
    chain = Chain()

    async def main() -> list[Identity]:
        keeper = IdentityKeeper(chain.look, logger("test"))
        return await asyncio.gather(*(keeper.current() for _ in range(20)))

    assert asyncio.run(main()) == [Identity("first", "secret")] * 20
    assert chain.looks == 1


def test_credentials_are_renewed_while_calls_go_on_with_the_old_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Renewed, then failing to be renewed: whoever asks never waits, and never loses what is known."""
    monkeypatch.setattr("fpolicy_server.delivery.identity.LOOK_SECONDS", 0.0)
    chain = Chain()

    async def until(wanted: Identity, looks: int) -> None:
        while await keeper.current() != wanted or chain.looks < looks:
            await asyncio.sleep(0.005)

    async def main() -> None:
        await keeper.current()
        chain.found = Identity("second", "secret")
        await asyncio.wait_for(until(chain.found, chain.looks + 1), 20)
        wanted, chain.found = chain.found, None
        await asyncio.wait_for(until(wanted, chain.looks + 3), 20)

    keeper = IdentityKeeper(chain.look, logger("test"))
    asyncio.run(main())
