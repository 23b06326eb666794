"""The ONTAP REST interface: a request is logged, may meet a fault, is authenticated, authorised, answered.

Source: ONTAP REST reference 1 (endpoints), 2 (authentication), 4 (errors). What there is to ask for is in
rest_cluster, rest_fpolicy, rest_security and rest_storage; how it is answered in rest_engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import format_datetime

from lab.ontap_sim.accounts import Account, Accounts
from lab.ontap_sim.clock import Clock
from lab.ontap_sim.faults import Fault, Faults, suffer
from lab.ontap_sim.http import Handler, HttpRequest, HttpResponse
from lab.ontap_sim.jobs import Jobs
from lab.ontap_sim.request_log import Entry, RequestLog
from lab.ontap_sim.rest_engine import Call, Collection, Engine, body_of
from lab.ontap_sim.rest_errors import RestError

_FAULTY_BODIES = {
    401: RestError(401, "6691623", "User is not authorized."),
    403: RestError(403, "6", "You are not permitted to perform this operation."),
}


class Rest:
    """Answers requests below /api, at the file system's endpoint and at those of its SVMs."""

    def __init__(
        self,
        collections: Iterable[Collection],
        accounts: Accounts,
        jobs: Jobs,
        faults: Faults,
        log: RequestLog,
        clock: Clock,
    ) -> None:
        self._engine = Engine(collections, jobs)
        self._accounts = accounts
        self._faults = faults
        self._log = log
        self._clock = clock

    def endpoint(self, svm_uuid: str = "", name: str = "cluster") -> Handler:
        """Make the handler of one address: the file system's, or that of an SVM, which sees only itself."""

        async def handle(request: HttpRequest) -> HttpResponse:
            entry = self._log.begin(request, name)
            fault = self._faults.strike(request.method, request.path)
            entry.fault = fault.effect if fault else ""

            async def answer() -> HttpResponse:
                response = await self._answer(request, svm_uuid, entry, fault)
                entry.status = response.status
                return response

            response = await suffer(fault, answer, _instead)
            entry.status = response.status
            date = format_datetime(self._clock.now(), usegmt=True)
            return HttpResponse(response.status, response.body, {"date": date, **response.headers})

        return handle

    async def _answer(
        self, request: HttpRequest, svm_uuid: str, entry: Entry, fault: Fault | None
    ) -> HttpResponse:
        try:
            header = request.headers.get("authorization", "")
            caller = self._accounts.authenticate(header, svm_uuid or self._accounts.cluster_uuid)
            entry.user = caller.name
            self._authorise(caller, request)
            collection, names, key = self._engine.find(request)
            call = Call(
                request,
                caller,
                svm_uuid,
                names,
                dict(request.query),
                body_of(request),
                endless_job=fault is not None and fault.effect == "endless_job",
                page_records=fault.records if fault and fault.effect == "page" else None,
            )
            return await self._engine.answer(collection, call, key)
        except RestError as exc:
            return HttpResponse(exc.status, exc.body())

    def _authorise(self, caller: Account, request: HttpRequest) -> None:
        path = "/" + "/".join(request.segments)
        if not self._accounts.roles.allows(caller.owner_uuid, caller.role, request.method, path):
            raise RestError(403, "6", "You are not permitted to perform this operation.")


def _instead(fault: Fault) -> HttpResponse:
    default = RestError(fault.status, "65562", f"The service answers {fault.status} on purpose.")
    return HttpResponse(fault.status, _FAULTY_BODIES.get(fault.status, default).body())
