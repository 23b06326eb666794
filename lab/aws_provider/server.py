"""The gRPC face: Terraform's plugin protocol 6, started as a child process of Terraform.

Handshake (go-plugin): one line on standard output, then serve until the controller's Shutdown.
"""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated gRPC interfaces
from __future__ import annotations

import base64
import datetime
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from tf.gen import grpc_controller_pb2 as controller_pb
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from lab.aws_provider import data_sources
from lab.aws_provider.cloud import Cloud
from lab.aws_provider.engine import Resource
from lab.aws_provider.errors import ProviderError
from lab.aws_provider.records import record_of
from lab.aws_provider.schema import ProviderSchema, load
from lab.aws_provider.values import Object, conform, decode, empty_object, encode

MESSAGE_BYTES = 64 << 20  # gRPC's default of 4 MiB is too small for large states
PROVIDER_ADDRESS = "registry.terraform.io/hashicorp/aws"
# Terraform runs ten operations at once. Each of its connections holds a thread with StreamStdio, and
# `terraform test` opens some for every run and keeps them, about 60 for 28 runs. Threads are made on demand.
THREADS = 256


def diagnostic(error: ProviderError, severity: int = pb.Diagnostic.ERROR) -> pb.Diagnostic:
    steps = [pb.AttributePath.Step(attribute_name=error.attribute)] if error.attribute else []
    return pb.Diagnostic(
        severity=pb.Diagnostic.Severity.Name(severity),
        summary=error.message,
        detail=error.detail,
        attribute=pb.AttributePath(steps=steps) if steps else None,
    )


def dynamic(value: Any) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=encode(value))


class Provider(rpc.ProviderServicer):  # type: ignore[misc]
    """Turns messages into values, calls the engine, turns errors into diagnostics."""

    def __init__(self, schema: ProviderSchema | None = None) -> None:
        self._schema = schema or load()
        self._resources: dict[str, Resource] = {}
        self._cloud: Cloud | None = None
        self._lock = threading.Lock()

    def _resource(self, name: str) -> Resource:
        with self._lock:
            if name not in self._resources:
                self._resources[name] = Resource(name, self._schema.resources[name], record_of(name))
            return self._resources[name]

    def _connected(self) -> Cloud:
        assert self._cloud is not None, "Terraform configures the provider before it plans"
        return self._cloud

    # schema ----------------------------------------------------------------------------------------------

    def GetProviderSchema(self, request: Any, context: Any) -> pb.GetProviderSchema.Response:
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(version=0, block=self._schema.provider.message()),
            resource_schemas={
                name: pb.Schema(version=0, block=self._resource(name).block.message())
                for name in self._schema.resources
            },
            data_source_schemas={
                name: pb.Schema(version=0, block=block.message())
                for name, block in self._schema.data_sources.items()
            },
        )

    # provider --------------------------------------------------------------------------------------------

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        response = pb.ConfigureProvider.Response()
        try:
            self._cloud = Cloud(decode(request.config.msgpack))
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
        return response

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()

    # resources -------------------------------------------------------------------------------------------

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        response = pb.ValidateResourceConfig.Response()
        try:
            self._resource(request.type_name).validate(decode(request.config.msgpack))
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        block = self._resource(request.type_name).block
        raw = json.loads(request.raw_state.json)
        state = empty_object(block)
        state.update({name: value for name, value in raw.items() if name in state})
        return pb.UpgradeResourceState.Response(upgraded_state=dynamic(state))

    def ReadResource(self, request: Any, context: Any) -> Any:
        response = pb.ReadResource.Response(new_state=request.current_state)
        state = decode(request.current_state.msgpack)
        try:
            if state is not None:
                imported = request.private == b"imported"
                new = self._resource(request.type_name).read(self._connected(), state, imported=imported)
                response.new_state.CopyFrom(dynamic(new))
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
        return response

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        response = pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        config = decode(request.config.msgpack)
        if config is None:  # destroy
            return response
        resource = self._resource(request.type_name)
        try:
            resource.validate(config)
            result = resource.plan(self._connected(), config, decode(request.prior_state.msgpack))
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
            return response
        response.planned_state.CopyFrom(dynamic(result.planned))
        response.requires_replace.extend(
            pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)]) for name in result.replace
        )
        return response

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        response = pb.ApplyResourceChange.Response(new_state=request.prior_state)
        prior = decode(request.prior_state.msgpack)
        planned = decode(request.planned_state.msgpack)
        resource = self._resource(request.type_name)
        try:
            if planned is None:
                resource.delete(self._connected(), prior)
                response.new_state.CopyFrom(dynamic(None))
                return response
            if prior is None:
                applied = resource.create(self._connected(), planned)
            else:
                applied = resource.update(self._connected(), planned, prior)
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
            return response
        response.new_state.CopyFrom(dynamic(applied.state))
        if applied.error is not None:
            response.diagnostics.append(diagnostic(applied.error))
        return response

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        response = pb.ImportResourceState.Response()
        try:
            state = self._resource(request.type_name).import_state(request.id)
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
            return response
        response.imported_resources.append(
            pb.ImportResourceState.ImportedResource(
                type_name=request.type_name, state=dynamic(state), private=b"imported"
            )
        )
        return response

    # data sources ----------------------------------------------------------------------------------------

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        block = self._schema.data_sources[request.type_name]
        state: Object = decode(request.config.msgpack)
        response = pb.ReadDataSource.Response()
        try:
            answer = data_sources.read(request.type_name, self._connected(), state)
        except ProviderError as error:
            response.diagnostics.append(diagnostic(error))
            return response
        for name, value in answer.values.items():
            state[name] = conform(value, block.attributes[name].type)
        if "region" in state and state["region"] is None:
            state["region"] = self._connected().region
        response.state.CopyFrom(dynamic(state))
        if answer.warning:
            response.diagnostics.append(diagnostic(ProviderError(answer.warning), pb.Diagnostic.WARNING))
        return response


class Controller(controller_rpc.GRPCControllerServicer):  # type: ignore[misc]
    """go-plugin's end of life."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def Shutdown(self, request: Any, context: Any) -> Any:
        self._stop.set()
        return controller_pb.Empty()


class Stdio(stdio_rpc.GRPCStdioServicer):  # type: ignore[misc]
    """A stream of output lines that stays open and empty; it ends with its call."""

    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        return iter(())


def certificate() -> tuple[bytes, bytes, bytes]:
    """Key (PEM), certificate (PEM) and certificate (DER) for the socket between Terraform and us."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    encoding = serialization.Encoding
    return pem_key, made.public_bytes(encoding.PEM), made.public_bytes(encoding.DER)


def grpc_server(stop: threading.Event) -> grpc.Server:
    limits = [
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=limits)
    rpc.add_ProviderServicer_to_server(Provider(), server)
    controller_rpc.add_GRPCControllerServicer_to_server(Controller(stop), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(Stdio(), server)
    return server


def serve() -> int:
    """Serve one Terraform command; return when it asks to stop or goes away."""
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") is None:
        print("This is a plugin of Terraform; Terraform starts it.", file=sys.stderr)
        return 2
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Terraform passes it on through the protocol
    server = grpc_server(stop)
    with tempfile.TemporaryDirectory(prefix="lab-aws-") as folder:
        socket = Path(folder) / "plugin.sock"
        key, pem, der = certificate()
        server.add_secure_port(f"unix://{socket}", grpc.ssl_server_credentials([(key, pem)]))
        server.start()
        encoded = base64.b64encode(der).decode().rstrip("=")
        print(f"1|6|unix|{socket}|grpc|{encoded}", flush=True)
        parent = os.getppid()
        while not stop.wait(timeout=2):
            if os.getppid() != parent:  # Terraform was killed: nobody will ask us to stop
                break
        server.stop(grace=0.2).wait()
    return 0


def serve_many() -> int:
    """Serve any number of Terraform commands, one after the other, until standard input ends.

    Saves the start of a plugin (0.3 s and more, four times in an apply). Prints the value of
    TF_REATTACH_PROVIDERS. Without TLS, as Terraform wants it here: the socket's folder is this user's only.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us closes our standard input
    server = grpc_server(threading.Event())
    with tempfile.TemporaryDirectory(prefix="lab-aws-") as folder:
        socket = Path(folder) / "plugin.sock"
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        address = {"Network": "unix", "String": str(socket)}
        plugin = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
        print(json.dumps({PROVIDER_ADDRESS: plugin}), flush=True)
        sys.stdin.read()
        server.stop(grace=0.2).wait()
    return 0
