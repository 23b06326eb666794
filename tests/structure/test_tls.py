"""TLS is verified everywhere in shipped code, and nothing can switch that off."""

from __future__ import annotations

import ast

import pytest

from tests.structure.source_tree import modules, tree
from tests.structure.unverified_tls import unverified_tls

# Looking at the certificate that somebody presents, so that a person can decide, sends nothing to him.
ALLOWED = {("fsxn_runtime.ontap.trust", "get_server_certificate")}


def test_tls_is_never_left_unverified() -> None:
    shipped = [m for m in modules() if m.name.split(".")[0] in ("fsxn_runtime", "fpolicy_server")]
    found = {(m.name, what) for m in shipped for _, what in unverified_tls(tree(m.path))}
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        # contexts
        "context.verify_mode = ssl.CERT_NONE",
        "context.verify_mode = ssl.CERT_OPTIONAL",
        "context.verify_mode = 0",
        "context.verify_mode = ssl.VerifyMode(0)",
        "context.verify_mode = ssl.VerifyMode['CERT_NONE']",
        "context.verify_mode = ssl.VerifyMode.CERT_NONE",
        "context.verify_mode = getattr(ssl, 'CERT_NONE')",
        "context.verify_mode = modes[name]",
        "context.verify_mode: int = 0",
        "context.verify_mode &= 0",
        "context.check_hostname, context.verify_mode = False, wanted",
        "context.check_hostname = False",
        "context.check_hostname = not True",
        "context.check_hostname = bool(0)",
        "context.check_hostname = False if local else True",
        "off = False; context.check_hostname = off",
        "setattr(context, 'check_hostname', False)",
        "setattr(context, 'verify_mode', 0)",
        "ssl.SSLContext()",
        "ssl.SSLContext(ssl.PROTOCOL_TLS)",
        "SSLContext(protocol=ssl.PROTOCOL_TLSv1_2)",
        "ssl._create_unverified_context()",
        "ssl._create_stdlib_context()",
        "ssl._create_default_https_context = make",
        "from ssl import _create_unverified_context as context",
        "from ssl import CERT_NONE as mode",
        "ssl.wrap_socket(sock)",
        "ssl.get_server_certificate((host, port))",
        "VerifyMode(value)",
        # urllib3
        "PoolManager(cert_reqs='CERT_NONE')",
        "PoolManager(cert_reqs='NONE')",
        "PoolManager(cert_reqs=ssl.CERT_NONE)",
        "PoolManager(cert_reqs=0)",
        "PoolManager(cert_reqs=wanted)",
        "PoolManager(assert_hostname=False)",
        "create_urllib3_context(None, ssl.VerifyMode(0))",
        "create_urllib3_context(None, 0)",
        "ssl_wrap_socket(sock, None, None, 0)",
        "urllib3.disable_warnings()",
        "pool.cert_reqs = 'CERT_NONE'",
        # boto3, requests, http clients, the environment
        "boto3.client('s3', verify=False)",
        "boto3.client('s3', None, None, True, False)",
        "boto3.client('s3', None, None, False)",
        "boto3.client('s3', use_ssl=False)",
        "boto3.client('s3', **{'verify': False})",
        "boto3.client('s3', **dict(verify=False))",
        "boto3.client('s3', **dict([('verify', False)]))",
        "session.resource('s3', None, None, True, 0)",
        "options['verify'] = False",
        "options.__setitem__('verify', False)",
        "get(url, verify=False)",
        "get(url, verify=0)",
        "get(url, verify=bundle or False)",
        "session.verify = False",
        "(verify := False)",
        "verify = False; get(url, verify=verify)",
        "partial(get, verify=False)",
        "Http(disable_ssl_certificate_validation=True)",
        "Elasticsearch(verify_certs=False)",
        "Redis(ssl_cert_reqs='none')",
        "os.environ['PYTHONHTTPSVERIFY'] = '0'",
        "os.environ.update(PYTHONHTTPSVERIFY='0')",
        "os.environ.update({'PYTHONHTTPSVERIFY': '0'})",
        "subprocess.run(command, env={'NODE_TLS_REJECT_UNAUTHORIZED': '0'})",
    ],
)
def test_unverified_tls_would_be_found(source: str) -> None:
    assert list(unverified_tls(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "context.verify_mode = ssl.CERT_REQUIRED",
        "context.verify_mode = ssl.VerifyMode(2)",
        "context.check_hostname = True",
        "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)",
        "ssl.create_default_context(cadata=pem)",
        "create_urllib3_context(verify_flags=0)",
        "create_urllib3_context(None, ssl.CERT_REQUIRED)",
        "context.wrap_socket(sock, server_hostname=host)",
        "HTTPSConnectionPool(host, 443, cert_reqs='CERT_REQUIRED', assert_fingerprint=pin)",
        "HTTPSConnectionPool(host, 443, ca_certs=path)",
        "boto3.client('s3', verify='/etc/ssl/ca.pem')",
        "boto3.client('s3', verify=bundle)",
        "boto3.client('s3', verify=None)",
        "boto3.client('s3', config=config)",
        "bundle = '/etc/ssl/ca.pem'; get(url, verify=bundle)",
        "get(url, verify=True)",
        "get(url, stream=False)",
        "verify(proof, allow_lost=0)",
        "verified = False",
        "raise Error('CERT_NONE is what nobody writes here')",
    ],
)
def test_verified_tls_and_other_things_are_left_alone(source: str) -> None:
    assert list(unverified_tls(ast.parse(source))) == []
